"""What is answered at which path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from aiohttp import web

from ..observability.window import Window
from .broadcast import Broadcast
from .guard import COOKIE, HEADERS
from .written import written

_MOST_VIEWERS = 32
_ASSETS = {
    "page.css": "text/css",
    "uplot.css": "text/css",
    "page.js": "text/javascript",
    "format.js": "text/javascript",
    "timeline.js": "text/javascript",
    "incidents.js": "text/javascript",
    "panels.js": "text/javascript",
    "table.js": "text/javascript",
    "charts.js": "text/javascript",
    "uplot.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def asset(name: str) -> bytes:
    """Return a file of the page."""
    return (files(__package__) / "assets" / name).read_bytes()


class Routes:
    """Answers from a window; nothing asked here changes a client."""

    def __init__(
        self,
        window: Window,
        state: Callable[[], dict[str, Any]],
        broadcast: Broadcast,
    ) -> None:
        self._window = window
        self._state = state
        self._broadcast = broadcast

    def add_to(self, app: web.Application) -> None:
        """Put every path in its place."""
        app.router.add_get("/", self.page)
        app.router.add_get("/static/{name}", self.static)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/state.json", self.state)
        app.router.add_get("/incidents/{number}.json", self.incident)
        app.router.add_get("/events", self.events)

    async def page(self, request: web.Request) -> web.Response:
        """Show the status page; take a token out of the address first."""
        if "token" in request.query:
            answer = web.Response(status=303, headers={"Location": "/"})
            answer.set_cookie(
                COOKIE, request.query["token"], httponly=True, samesite="Strict"
            )
            return answer
        return web.Response(
            body=asset("index.html"), content_type="text/html", charset="utf-8"
        )

    async def static(self, request: web.Request) -> web.Response:
        """Give a file of the page."""
        kind = _ASSETS.get(request.match_info["name"])
        if kind is None:
            raise web.HTTPNotFound
        return web.Response(
            body=asset(request.match_info["name"]), content_type=kind, charset="utf-8"
        )

    async def metrics(self, _: web.Request) -> web.Response:
        """Give all figures to Prometheus."""
        body, kind = self._window.metrics()
        return web.Response(body=body, headers={"Content-Type": kind})

    async def healthz(self, _: web.Request) -> web.Response:
        """Say that the process answers: a broken connection is no reason to kill it."""
        lag = self._window.read(lambda view: view.loop_lag)
        return _json({"v": 1, "status": "alive", "loop_lag_seconds": lag})

    async def readyz(self, _: web.Request) -> web.Response:
        """Say whether the data may be relied on: 200, or 503 with the reasons."""
        self._window.look()
        glance = self._window.glance()
        return _json(glance, 200 if glance["ready"] else 503)

    async def state(self, _: web.Request) -> web.Response:
        """Give everything as one document."""
        self._window.look()
        return _json(self._state())

    async def incident(self, request: web.Request) -> web.Response:
        """Give the whole account of one incident."""
        number = request.match_info["number"]
        is_number = number.isascii() and number.isdecimal() and len(number) <= 9  # noqa: PLR2004
        found = self._window.incident(int(number)) if is_number else None
        if found is None:
            raise web.HTTPNotFound
        return _json(found)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream everything, each second and at every change."""
        broadcast = self._broadcast
        if broadcast.viewers >= _MOST_VIEWERS:
            return _json({"v": 1, "error": f"{_MOST_VIEWERS} pages are open"}, 503)
        answer = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"}
        )
        broadcast.viewers += 1
        try:
            await answer.prepare(request)
            seen = broadcast.number
            await answer.write(b"retry: 1000\n\n" + broadcast.first())
            while True:
                seen, frame = await broadcast.next(seen)
                if not frame:
                    return answer
                await answer.write(frame)
        except ConnectionError:
            return answer  # whoever looked has gone
        except asyncio.CancelledError:
            if broadcast.is_over:
                return answer
            raise
        finally:
            broadcast.viewers -= 1


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        body=written(value), status=status, content_type="application/json"
    )
