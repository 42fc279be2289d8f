"""
The local server of one client, from ``start`` to ``stop``.

``await client.serve()`` starts it; ``async with client.serve() as server`` stops it
too. It outlives a disconnect: then it says so.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from typing import Any, Self

from ..errors import ConfigError
from ..observability.window import Window
from .panels import Panel, drawn

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8766
_CLOSED_WITHIN = 0.5
_MOST_BODY = 16 * 1024
_HIGHEST_PORT = 65_535


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
        panels: Iterable[Panel] = (),
    ) -> None:
        from .guard import Guard  # noqa: PLC0415 -- aiohttp, for those who serve

        if not isinstance(port, int) or not 0 <= port <= _HIGHEST_PORT:
            raise ConfigError("port", port, f"a port from 0 to {_HIGHEST_PORT}")
        self.host, self.port = host, port
        self._window = window
        self._guard = Guard(host, token, tuple(allowed_hosts))
        self._panels = tuple(panels)
        self._runner: Any = None
        self._broadcast: Any = None

    @property
    def url(self) -> str:
        """Where the page is."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}"

    def state(self) -> dict[str, Any]:
        """Return what ``/state.json`` gives: all of the client, and the panels."""
        return {**self._window.state(), "panels": drawn(self._panels)}

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
        broadcast = Broadcast(self._window, self.state)
        Routes(self._window, self.state, broadcast).add_to(app)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_CLOSED_WITHIN,
            # What is no HTTP at all is answered with 400 and is not worth a traceback;
            # what goes wrong in a handler is logged by the guard.
            logger=_nobody(),
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port)
            await site.start()
        except OSError as error:
            await broadcast.stop()
            await runner.cleanup()
            taken = f"an address that is free on this machine ({error.strerror})"
            raise ConfigError("address", f"{self.host}:{self.port}", taken) from None
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


def _nobody() -> logging.Logger:
    """Return a logger that belongs to nobody and says nothing."""
    logger = logging.Logger("nobody")  # noqa: LOG001 -- not one of the process's
    logger.addHandler(logging.NullHandler())
    return logger
