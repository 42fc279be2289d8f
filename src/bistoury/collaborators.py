"""With whom a supervisor works: what each of them does for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .errors import ProtocolError
from .session import Inbound, Subscription, Update
from .session import effects as do
from .session import events as on
from .session.model import PostReply, VenueError
from .session.notices import Notice
from .session.registry import Entry


class Codec(Protocol):
    """What the venue says on the wire. The module ``hyperliquid.wire`` is one."""

    PING: bytes

    def decode(self, frame: bytes) -> Inbound | Update | PostReply | None:
        """Return what ``frame`` says, or ``None`` if it is of no interest."""
        ...

    def subscribe(self, subscription: Subscription) -> bytes:
        """Return the frame that asks for ``subscription``."""
        ...

    def unsubscribe(self, subscription: Subscription) -> bytes:
        """Return the frame that gives ``subscription`` up."""
        ...


class Application(Protocol):
    """Whoever the session works for. Nothing here may raise."""

    @property
    def deliver(self) -> Callable[[Entry, Update], None]:
        """What takes new data; asked for once a connection."""
        ...

    def deliver_raw(self, entry: Entry, update: Update) -> None:
        """Take a frame for those who want it as it came."""
        ...

    def announce(self, notice: Notice) -> None:
        """Hear what happened."""
        ...

    def ticked(self, now: float) -> None:
        """Hear that time passed, about once a second while connected."""
        ...

    def backfill(self, wanted: do.Backfill) -> None:
        """Start reading what a feed missed; report to :meth:`Supervisor.backfilled`."""
        ...

    def ponged(self) -> None:
        """Hear that a ping was answered."""
        ...

    def answered(self, reply: PostReply | VenueError) -> None:
        """Take the answer to a request, or an error that names one."""
        ...

    def unreadable(self, error: ProtocolError) -> None:
        """Hear of a frame, or rows of one, that could not be read."""
        ...


class Recorder(Protocol):
    """Who stands between events and the session, and writes them down."""

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Let the session handle an event."""
        ...

    def carried_out(self, effects: list[do.Effect], now: float) -> None:
        """Hear that what the session wanted was done."""
        ...
