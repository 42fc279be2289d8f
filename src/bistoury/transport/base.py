"""
The one seam between bistoury and the network.

Frames are pushed: a transport calls its receiver, in order, from the event
loop. After ``lost`` it calls nothing more.
"""

from __future__ import annotations

from typing import Protocol

from ..errors import TransportError


class Receiver(Protocol):
    """Whoever a connection works for."""

    def frame(self, data: bytes) -> None:
        """Take one complete text message, known to be valid UTF-8."""
        ...

    def lost(self, error: TransportError) -> None:
        """Hear that the connection ended: exactly once, and last."""
        ...


class Connection(Protocol):
    """
    An open, ordered, message-oriented connection.

    It may have a ``server_time``: when it opened, as the server said it, in seconds
    since 1970, or ``None``. What was missed is then dated by that clock.
    """

    def send(self, frame: bytes) -> None:
        """Queue one text message; never block. Do nothing once lost."""
        ...

    def close(self, code: int = 1000) -> None:
        """
        Say goodbye and let go, without waiting for the peer.

        Closing twice is fine. ``Receiver.lost`` follows unless it came before.
        """
        ...

    def abort(self) -> None:
        """Let go at once, saying nothing. ``Receiver.lost`` follows."""
        ...

    def pause_reading(self) -> None:
        """Stop taking from the network; the peer will feel it."""
        ...

    def resume_reading(self) -> None:
        """Take from the network again."""
        ...


class Transport(Protocol):
    """A way of opening connections."""

    async def connect(self, url: str, receiver: Receiver) -> Connection:
        """
        Open a connection that works for ``receiver``.

        Raises:
            ConnectFailedError: it could not be opened within its deadlines.

        Cancelling leaves nothing behind: no socket, no task, no callback. Neither
        ``frame`` nor ``lost`` comes before the caller has run on.
        """
        ...
