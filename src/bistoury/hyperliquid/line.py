"""One connection's session with its supervisor, on behalf of a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..collaborators import Codec
from ..errors import ProtocolError
from ..session import Session, Update
from ..session import effects as do
from ..session import events as on
from ..session.model import PostReply, VenueError
from ..session.notices import Notice
from ..session.registry import Entry
from ..supervisor import Supervisor
from ..transport.base import Transport
from . import wire


class Owner(Protocol):
    """Whoever a line works for."""

    @property
    def deliver(self) -> Callable[[Entry, Update], None]:
        """What takes new data, whichever line it came over."""
        ...

    def deliver_raw(self, line: Line, entry: Entry, update: Update) -> None:
        """Take a frame for those who want it as it came."""
        ...

    def announce(self, line: Line, notice: Notice) -> None:
        """Hear what happened."""
        ...

    def backfill(self, line: Line, wanted: do.Backfill) -> None:
        """Read what a feed missed."""
        ...

    def ticked(self, line: Line, now: float) -> None:
        """Hear that time passed."""
        ...

    def ponged(self, line: Line) -> None:
        """Hear that a ping was answered."""
        ...

    def answered(self, line: Line, reply: PostReply | VenueError) -> None:
        """Take the answer to a request."""
        ...

    def unreadable(self, line: Line, error: ProtocolError) -> None:
        """Hear of what could not be read."""
        ...


class Line:
    """A way to the venue. Its owner is told which line speaks."""

    def __init__(
        self,
        owner: Owner,
        session: Session,
        transport: Transport,
        url: str,
        wall_clock: Callable[[], float],
        *,
        codec: Codec = wire,
    ) -> None:
        self.session = session
        self._owner = owner
        self.supervisor = Supervisor(
            session, transport, codec, self, url=url, wall_clock=wall_clock
        )

    def ping(self) -> int:
        """
        Ask for a proof that it lives; return the number of the ping.

        0: nothing was asked. A ping under way was sent before, and proves nothing of
        what came since; or the line has its hands full, and may be asked again.
        """
        liveness = self.session.conversation.liveness
        before = liveness.pings
        if not liveness.is_waiting:
            self.supervisor.feed(on.PingRequested())
        return liveness.pings if liveness.pings > before else 0

    @property
    def deliver(self) -> Callable[[Entry, Update], None]:
        """What takes new data: handed out, so that no call is spent on passing on."""
        return self._owner.deliver

    def deliver_raw(self, entry: Entry, update: Update) -> None:
        """Pass a frame on as it came."""
        self._owner.deliver_raw(self, entry, update)

    def announce(self, notice: Notice) -> None:
        """Pass on what happened."""
        self._owner.announce(self, notice)

    def backfill(self, wanted: do.Backfill) -> None:
        """Pass on what is to be read."""
        self._owner.backfill(self, wanted)

    def ticked(self, now: float) -> None:
        """Pass on that time passed."""
        self._owner.ticked(self, now)

    def ponged(self) -> None:
        """Pass on that a ping was answered."""
        self._owner.ponged(self)

    def answered(self, reply: PostReply | VenueError) -> None:
        """Pass on the answer to a request."""
        self._owner.answered(self, reply)

    def unreadable(self, error: ProtocolError) -> None:
        """Pass on what could not be read."""
        self._owner.unreadable(self, error)
