"""
The doors that are ours and not the venue's: what the command line asks a server.

They take no signature, so they are for this machine (or for who has the token); all
of it is about paper money.
"""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from ...errors import BistouryError, ConfigError
from .overview import overview
from .trader import Trader

_REFUSED = 400
_NOT_NOW = 503


class Control:
    """Answers below ``/paper/``."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    def add_to(self, app: web.Application) -> None:
        """Put every path in its place."""
        app.router.add_get("/paper/state.json", self.state)
        app.router.add_post("/paper/act", self.act)
        app.router.add_post("/paper/open", self.open)

    async def state(self, _: web.Request) -> web.Response:
        """Give everything as one document."""
        return as_json(overview(self._trader))

    async def act(self, request: web.Request) -> web.Response:
        """Do what an action asks for, for an account by its name."""
        match await _body(request):
            case {"account": str(name), "action": {"type": str()} as action}:
                work = self._trader.act(action, account=name)
                return await _answered(work)
            case _:
                return _no("account and action are needed")

    async def open(self, request: web.Request) -> web.Response:
        """Open an account, or begin one anew."""
        match await _body(request):
            case {"account": str(name), "cash": str(cash)} if _may_be_named(name):
                return await _answered(self._open(name, cash))
            case _:
                return _no("account and cash are needed, both as text")

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
    except msgspec.DecodeError:
        return None


async def _answered(work: Any) -> web.Response:
    try:
        return as_json({"v": 1, "paper": True, **await work})
    except ConfigError as error:
        return _no(str(error))
    except BistouryError as error:
        return _no(str(error), _NOT_NOW)


def _no(text: str, status: int = _REFUSED) -> web.Response:
    return as_json({"v": 1, "paper": True, "error": text}, status)
