"""
The doors that are ours and not the venue's: what the command line asks a server.

They take no signature, so they are for this machine (or for who has the token); all
of it is about paper money.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from ...errors import BistouryError, ConfigError
from ...observability.metrics import exposition
from ..commands import default_answer
from ..showing.documents import document
from ..showing.page import KINDS, page, static
from .overview import overview
from .trader import Trader
from .wishes import cancel_action, order_action

_LONGEST_NUMBER = 18
_REFUSED = 400
_NOT_NOW = 503


class Control:
    """Answers below ``/paper/``."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    def add_to(self, app: web.Application) -> None:
        """Put every path in its place."""
        app.router.add_get("/paper/state.json", self.state)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/", self.page)
        app.router.add_get("/paper/static/{name}", self.static)
        app.router.add_get("/paper/report.json", self.report)
        app.router.add_get("/paper/fills/{tid}.json", self.fill)
        app.router.add_post("/paper/act", self.act)
        app.router.add_post("/paper/order", self.order)
        app.router.add_post("/paper/cancel", self.cancel)
        app.router.add_post("/paper/open", self.open)

    async def state(self, _: web.Request) -> web.Response:
        """Give everything as one document."""
        return as_json(overview(self._trader))

    async def metrics(self, _: web.Request) -> web.Response:
        """Give all figures to Prometheus: of the client, and of what it trades."""
        body, kind = exposition(self._trader.client.metrics_registry)
        return web.Response(body=body, headers={"Content-Type": kind})

    async def page(self, _: web.Request) -> web.Response:
        """Show the report of ``?account=``."""
        return web.Response(text=page(), content_type="text/html")

    async def static(self, request: web.Request) -> web.Response:
        """Give a part of the page."""
        name = request.match_info["name"]
        if name not in KINDS:
            raise web.HTTPNotFound
        return web.Response(body=static(name), content_type=KINDS[name])

    async def report(self, request: web.Request) -> web.Response:
        """Give the report of ``?account=``, with its fills."""
        return await _answered(
            asyncio.to_thread(self._report, request.query.get("account", "main"))
        )

    async def fill(self, request: web.Request) -> web.Response:
        """Say why a fill was made."""
        tid = request.match_info["tid"]
        if not (tid.isascii() and tid.isdecimal() and len(tid) <= _LONGEST_NUMBER):
            raise web.HTTPNotFound
        return await _answered(asyncio.to_thread(self._explain, int(tid)))

    async def act(self, request: web.Request) -> web.Response:
        """Do what an action asks for, for an account by its name."""
        match await _body(request):
            case {"account": str(name), "action": {"type": str()} as action}:
                work = self._trader.act(action, account=name)
                return await _answered(work)
            case _:
                return _no("account and action are needed")

    async def order(self, request: web.Request) -> web.Response:
        """Place an order in the words of ``wishes``."""
        match await _body(request):
            case {"account": str(name)} as wish:
                return await _answered(self._order(name, wish))
            case _:
                return _no("account, coin, is_buy and size are needed")

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel an order by its number, or all of them."""
        match await _body(request):
            case {"account": str(name), "oid": int() | "all" as oid}:
                return await _answered(self._cancel(name, oid))
            case _:
                return _no("account and oid (a number, or all) are needed")

    async def open(self, request: web.Request) -> web.Response:
        """Open an account, or begin one anew."""
        match await _body(request):
            case {"account": str(name), "cash": str(cash)} if _may_be_named(name):
                return await _answered(self._open(name, cash))
            case _:
                return _no("account and cash are needed, both as text")

    async def _order(self, name: str, wish: dict[str, Any]) -> dict[str, Any]:
        action = order_action(self._trader.venue.desk, wish)
        return await self._trader.act(action, account=name)

    async def _cancel(self, name: str, oid: int | str) -> dict[str, Any]:
        account = self._trader.accounts.get(name)
        if account is None:
            known = ", ".join(self._trader.accounts)
            raise ConfigError("account", name, f"one of {known}")
        action = cancel_action(account, oid)
        if action is None:
            return {**default_answer(), "canceled": 0}
        answer = await self._trader.act(action, account=name)
        return {**answer, "canceled": len(action["cancels"])}

    def _report(self, account: str) -> dict[str, Any]:
        return document(self._trader.facts(), account)

    def _explain(self, tid: int) -> dict[str, Any]:
        return self._trader.explain(tid)

    async def _open(self, name: str, cash: str) -> dict[str, Any]:
        known = self._trader.accounts.get(name)
        address = known.address if known is not None else ""
        self._trader.open_account(name, cash, address)
        return {"status": "ok"}


def as_json(value: Any, status: int = 200) -> web.Response:
    """Return a document, or text where the venue answers in text."""
    body = msgspec.json.encode(value, enc_hook=str)
    return web.Response(body=body, status=status, content_type="application/json")


def _may_be_named(name: str) -> bool:
    return bool(name) and name.isprintable()


async def _body(request: web.Request) -> Any:
    try:
        return msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError):
        return None


async def _answered(work: Any) -> web.Response:
    try:
        return as_json({"v": 1, "paper": True} | await work)
    except ConfigError as error:
        return _no(str(error))
    except BistouryError as error:
        return _no(str(error), _NOT_NOW)


def _no(text: str, status: int = _REFUSED) -> web.Response:
    return as_json({"v": 1, "paper": True, "error": text}, status)
