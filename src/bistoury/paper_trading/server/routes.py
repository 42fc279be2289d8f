"""The venue's three doors: ``/exchange``, ``/info`` and ``/ws``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from .control import as_json
from .exchange import Exchange
from .info import Info
from .socket import Socket
from .telling_accounts import AccountTelling
from .trader import Trader

PAPER = "X-Bistoury-Paper"
_MOST_SOCKETS = 100
_MOST_FRAME = 1 << 20
_HEARTBEAT = 30.0
_OK = 200


class Routes:
    """Answers as the venue does."""

    def __init__(
        self, trader: Trader, info: Info, exchange: Exchange, telling: AccountTelling
    ) -> None:
        self._trader = trader
        self._info = info
        self._exchange = exchange
        self._telling = telling
        self._sockets: set[web.WebSocketResponse] = set()

    def add_to(self, app: web.Application) -> None:
        """Put every path in its place."""
        app.router.add_post("/exchange", self._door(self._exchange.answer))
        app.router.add_post("/info", self._door(self._info.answer))
        app.router.add_get("/ws", self.ws)

    def _door(
        self, answer: Callable[[Any], Awaitable[tuple[int, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                body = msgspec.json.decode(await request.read())
            except (msgspec.DecodeError, RecursionError) as error:
                # HL: 400 for what is no JSON, and text rather than JSON.
                return web.Response(status=400, text=f"no JSON: {error}")
            status, answered = await answer(body)
            if status != _OK:
                return web.Response(status=status, text=str(answered))
            return as_json(answered)

        return handle

    async def ws(self, request: web.Request) -> web.StreamResponse:
        """Serve a socket until it ends."""
        if len(self._sockets) >= _MOST_SOCKETS:
            return web.Response(status=429, text=f"{_MOST_SOCKETS} sockets are open")
        ws = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_MOST_FRAME)
        await ws.prepare(request)
        self._sockets.add(ws)
        try:
            await Socket(
                ws, self._trader, self._telling, self._info, self._exchange
            ).run()
        finally:
            self._sockets.discard(ws)
        return ws

    async def hang_up(self) -> None:
        """End every socket. HL: 1001 when the server goes away."""
        for ws in list(self._sockets):
            await ws.close(code=1001, message=b"the paper server stops")


async def mark(_: web.Request, answer: web.StreamResponse) -> None:
    """Say on every answer that it is paper."""
    answer.headers[PAPER] = "true"
