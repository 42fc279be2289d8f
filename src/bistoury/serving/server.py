"""
The local server of one client, from ``start`` to ``stop``.

``await client.serve()`` starts it; ``async with client.serve() as server`` stops it
too. It outlives a disconnect: then it says so.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Self

from ..errors import ConfigError
from ..observability.window import Window
from .site import check_port, opened, url_of

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8766
_MOST_BODY = 16 * 1024


class StatusServer:
    """Serves the status page and its endpoints."""

    def __init__(
        self,
        window: Window,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        token: str | None = None,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        from .guard import Guard  # noqa: PLC0415 -- aiohttp, for those who serve

        self.host, self.port = host, check_port(port)
        self._window = window
        self._guard = Guard(host, token, tuple(allowed_hosts))
        self._runner: Any = None
        self._broadcast: Any = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return url_of(self.host, self.port)

    async def start(self) -> Self:
        """
        Begin to serve; do nothing if it does already.

        Raises:
            ConfigError: the address is in use, or not this machine's.
        """
        from aiohttp import web  # noqa: PLC0415

        from .broadcast import Broadcast  # noqa: PLC0415
        from .guard import middleware  # noqa: PLC0415
        from .routes import Routes  # noqa: PLC0415

        if self._runner is not None:
            return self
        app = web.Application(
            middlewares=[middleware(self._guard)],  # type: ignore[list-item]
            client_max_size=_MOST_BODY,
        )
        broadcast = Broadcast(self._window)
        Routes(self._window, broadcast).add_to(app)
        try:
            runner = await opened(app, self.host, self.port)
        except ConfigError:
            await broadcast.stop()
            raise
        self.port = runner.addresses[0][1]
        self._runner, self._broadcast = runner, broadcast
        return self

    async def stop(self) -> None:
        """Stop serving and hang up on everyone who looks."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        await self._broadcast.stop()
        await runner.cleanup()

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
