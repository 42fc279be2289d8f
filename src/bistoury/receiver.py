"""
The hot path: one frame, from the socket to its handlers, in plain calls.

Decode, ask the session, deliver. Whom to call is looked up once a connection and
not once a frame, and whatever is unusual (an answer, the first data of a feed, a
row that cannot be read) is left to the supervisor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .errors import ProtocolError, TransportError
from .session import Inbound, Session, Update
from .session.model import PostReply
from .session.registry import Entry

Message = Inbound | Update | PostReply | None


class Owner(Protocol):
    """Who takes what is not just data. The supervisor is one."""

    session: Session

    def answer(self, connection_id: int, message: Inbound | PostReply | None) -> None:
        """Take a frame that is not data."""
        ...

    def take(self, connection_id: int, entry: Entry, update: Update) -> None:
        """Take data that is more than just delivered."""
        ...

    def unclaimed(self, connection_id: int, update: Update) -> None:
        """Take data that nobody wants, or that has to wait for its turn."""
        ...

    def unreadable(self, connection_id: int, error: ProtocolError) -> None:
        """Take a frame that could not be read."""
        ...

    def lost(self, connection_id: int, error: TransportError) -> None:
        """Take the end of a connection."""
        ...


class ConnectionReceiver:
    """Takes what one connection carries, under its number."""

    __slots__ = ("_admit", "_clock", "_connection_id", "_decode", "_deliver", "_owner")

    def __init__(
        self,
        owner: Owner,
        connection_id: int,
        decode: Callable[[bytes], Message],
        deliver: Callable[[Entry, Update], None],
        clock: Callable[[], float],
    ) -> None:
        self._owner = owner
        self._connection_id = connection_id
        self._decode = decode
        self._admit = owner.session.admit
        self._deliver = deliver
        self._clock = clock

    def frame(self, data: bytes) -> None:
        """Take one frame."""
        try:
            update = self._decode(data)
        except ProtocolError as error:
            self._owner.unreadable(self._connection_id, error)
            return
        if not isinstance(update, Update):
            self._owner.answer(self._connection_id, update)
            return
        entry = self._admit(self._connection_id, update, self._clock())
        if entry is None:
            self._owner.unclaimed(self._connection_id, update)
            return
        if entry.is_speaking and not entry.has_raw_readers and not update.unreadable:
            if not update.is_void:
                self._deliver(entry, update)
        else:
            self._owner.take(self._connection_id, entry, update)

    def lost(self, error: TransportError) -> None:
        """Take the end of the connection."""
        self._owner.lost(self._connection_id, error)
