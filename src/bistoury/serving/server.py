"""
The local server of one client, from ``start`` to ``stop``.

``await client.serve()`` starts it; ``async with client.serve() as server`` stops it
too. It outlives a disconnect: then it says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..observability.window import Window
from .panels import Panel, drawn
from .site import LocalServer

if TYPE_CHECKING:
    from aiohttp import web

    from .broadcast import Broadcast

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8766


class StatusServer(LocalServer):
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

        super().__init__(host, port, Guard(host, token, tuple(allowed_hosts)))
        self._window = window
        self._panels = tuple(panels)
        self._broadcast: Broadcast | None = None

    def state(self) -> dict[str, Any]:
        """Return what ``/state.json`` gives: all of the client, and the panels."""
        return {**self._window.state(), "panels": drawn(self._panels)}

    async def _begin(self, app: web.Application) -> None:
        from .broadcast import Broadcast  # noqa: PLC0415
        from .routes import Routes  # noqa: PLC0415

        self._broadcast = Broadcast(self._window, self.state)
        Routes(self._window, self.state, self._broadcast).add_to(app)

    async def _end(self) -> None:
        if self._broadcast is not None:
            await self._broadcast.stop()
