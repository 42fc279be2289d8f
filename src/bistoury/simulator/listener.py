"""The listening port, which can stop listening and still be ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ssl import SSLContext

from .wire_end import reset

Factory = Callable[[], asyncio.BaseProtocol]


class Listener:
    """A TCP port that accepts, refuses, or accepts and hangs up."""

    def __init__(self, host: str, factory: Factory, ssl: SSLContext | None) -> None:
        self._host = host
        self._factory = factory
        self._ssl = ssl
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._changing = asyncio.Lock()
        self.port = 0

    @property
    def listening(self) -> bool:
        """Whether connections are accepted."""
        return self._server is not None

    async def open(self, port: int) -> None:
        """Listen on ``port``; 0 takes a free one."""
        self._reserve(port)
        await self.listen()

    async def listen(self) -> None:
        """Accept connections."""
        async with self._changing:
            if self._server is not None or self._reserved is None:
                return
            reserved, self._reserved = self._reserved, None
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                self._factory, sock=reserved, ssl=self._ssl, backlog=512
            )

    async def refuse(self) -> None:
        """Stop listening: a connect is then refused by the kernel."""
        async with self._changing:
            if self._server is not None:
                self._server.close()
                self._server = None
                self._reserve(self.port)

    def close(self) -> None:
        """Give the port back."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _reserve(self, port: int) -> None:
        # Bound but not listening: nobody else can take the port meanwhile.
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self._host, port))
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        self._reserved = sock
        self.port = sock.getsockname()[1]


class HangUp(asyncio.Protocol):
    """Ends a connection as soon as it was accepted."""

    def __init__(self, how: str) -> None:
        self._how = how

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hang up."""
        if self._how == "rst":
            reset(transport)
        else:
            transport.close()
