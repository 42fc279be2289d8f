"""
How the venue's outputs become bytes on one real connection.

A reset is a real reset, an end of file has no close frame before it, and a slow
frame is written byte by byte. What is queued is written in order, by one task.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque

from aiohttp import WSMsgType, web

from .outputs import Abort, Close, Output, Send

# A client that reads nothing is cut before the queue for it gets larger.
_MOST_QUEUED = 64 * 1024 * 1024
# How long the peer may take to answer a close frame.
_CLOSE_WAIT = 1.0


class Socket:
    """One WebSocket connection, seen from the server."""

    def __init__(
        self, response: web.WebSocketResponse, transport: asyncio.Transport
    ) -> None:
        self._response = response
        self._transport = transport
        self._outbox: deque[Output] = deque()
        self._queued = 0
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._write(), name="bistoury-sim-writer")
        self._closer: asyncio.TimerHandle | None = None

    def put(self, output: Output) -> None:
        """Queue an output; a reset does not wait in the queue."""
        if isinstance(output, Abort) and output.how == "rst":
            self.reset()
            return
        if isinstance(output, Send):
            self._queued += len(output.frame)
            if self._queued > _MOST_QUEUED:
                self.reset()
                return
        self._outbox.append(output)
        self._wake.set()

    def reset(self) -> None:
        """Send a TCP reset: what the peer then reads is ECONNRESET."""
        self._outbox.clear()
        reset(self._transport)

    async def finish(self) -> None:
        """Stop writing and let go of the connection."""
        if self._closer is not None:
            self._closer.cancel()
        self._task.cancel()
        await asyncio.wait([self._task])
        self._transport.close()

    async def _write(self) -> None:
        try:
            while True:
                while self._outbox:
                    await self._act(self._outbox.popleft())
                self._wake.clear()
                await self._wake.wait()
        except ConnectionError:
            # The peer is gone; the reading side hears of it and cleans up.
            return

    async def _act(self, output: Output) -> None:
        match output:
            case Send(frame=frame, binary=binary, rate=rate):
                self._queued -= len(frame)
                kind = WSMsgType.BINARY if binary else WSMsgType.TEXT
                if rate is None:
                    await self._response.send_frame(frame, kind)
                else:
                    await self._drip(frame, kind, rate)
            case Close(code=code, reason=reason):
                payload = struct.pack("!H", code) + reason.encode()[:123]
                await self._response.send_frame(payload, WSMsgType.CLOSE)
                loop = asyncio.get_running_loop()
                self._closer = loop.call_later(_CLOSE_WAIT, self._transport.close)
            case Abort():
                self._transport.close()

    async def _drip(self, frame: bytes, kind: WSMsgType, rate: float) -> None:
        """Write one uncompressed, unmasked frame slowly, past the library."""
        length = len(frame)
        if length < 126:  # noqa: PLR2004 - RFC 6455 §5.2
            head = struct.pack("!BB", 0x80 | kind, length)
        elif length < 1 << 16:
            head = struct.pack("!BBH", 0x80 | kind, 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | kind, 127, length)
        data = head + frame
        step = max(1, int(rate / 20))
        for start in range(0, len(data), step):
            await asyncio.sleep(step / max(rate, 0.001))
            if self._transport.is_closing():
                return
            self._transport.write(data[start : start + step])


def reset(transport: asyncio.BaseTransport) -> None:
    """End a connection with a TCP reset."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.Transport):
        transport.abort()
