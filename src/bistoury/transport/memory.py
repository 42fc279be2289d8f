"""
A transport without a network: both ends live in this process.

Frames go through ``loop.call_soon``, so that order and run-to-completion are as
with sockets: whoever sends has finished before anyone receives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from ..errors import ConnectionLostError, TransportError
from .base import Receiver

Accept = Callable[["MemoryConnection"], Receiver]
"""Takes the far end of a new connection; returns who that end works for."""


class MemoryConnection:
    """One end of a connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server_time: float | None = None
        self._loop = asyncio.get_running_loop()
        self._receiver: Receiver
        self._peer: MemoryConnection
        # In the order of arrival; the end, if it came, is the last.
        self._inbox: deque[bytes | TransportError] = deque()
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False

    def send(self, frame: bytes) -> None:
        """Hand one text message to the peer."""
        if not (self._is_closing or self._is_lost):
            self._peer.arrive(bytes(frame))

    def close(self, code: int = 1000) -> None:
        """End both ends, with ``code``, after what was sent."""
        self._let_go(
            ConnectionLostError("closed by this side", code=code),
            ConnectionLostError("closed by the peer", code=code),
        )

    def hang_up(self, error: TransportError) -> None:
        """End both ends; the peer hears ``error``."""
        self._let_go(ConnectionLostError("closed by this side"), error)

    def abort(self) -> None:
        """End both ends without a word, after what was sent."""
        self._let_go(
            ConnectionLostError("aborted by this side"),
            ConnectionLostError("reset: the connection was cut"),
        )

    def pause_reading(self) -> None:
        """Leave what arrives in the inbox."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Take what has arrived, and go on."""
        if self._is_paused:
            self._is_paused = False
            self._loop.call_soon(self._take_all)

    def join(self, peer: MemoryConnection, receiver: Receiver) -> None:
        """Work for ``receiver``, and talk to ``peer``."""
        self._peer = peer
        self._receiver = receiver

    def arrive(self, item: bytes | TransportError) -> None:
        """Take what the peer sent, on a later turn of the loop."""
        self._loop.call_soon(self._put, item)

    def _put(self, item: bytes | TransportError) -> None:
        self._inbox.append(item)
        self._take_all()

    def _take_all(self) -> None:
        while self._inbox and not self._is_paused and not self._is_lost:
            item = self._inbox.popleft()
            if isinstance(item, TransportError):
                self._lose(item)
            elif not self._is_closing:
                self._take(item)

    def _take(self, frame: bytes) -> None:
        try:
            self._receiver.frame(frame)
        except Exception as error:  # noqa: BLE001 -- told to the owner
            cause = ConnectionLostError(f"receiver failed: {error!r}")
            cause.__cause__ = error
            self._let_go(cause, ConnectionLostError("closed by the peer", code=1011))

    def _let_go(self, here: TransportError, there: TransportError) -> None:
        if self._is_closing or self._is_lost:
            return
        self._is_closing = True
        self._peer.arrive(there)
        self._loop.call_soon(self._lose, here)

    def _lose(self, error: TransportError) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        self._inbox.clear()
        self._receiver.lost(error)


class MemoryTransport:
    """Hands the far end of each new connection to ``accept``."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def connect(self, url: str, receiver: Receiver) -> MemoryConnection:
        """
        Open a connection to whoever is behind ``accept``.

        Raises:
            ConnectFailedError: ``accept`` raised it.
        """
        near, far = MemoryConnection(url), MemoryConnection(url)
        near.join(far, receiver)
        far.join(near, _Nobody())
        far.join(near, self._accept(far))
        return near


class _Nobody:
    """Whom the far end works for while ``accept`` makes up its mind."""

    def frame(self, data: bytes) -> None:
        """Drop it."""

    def lost(self, error: TransportError) -> None:
        """Shrug."""
