"""
The reins of a running venue: faults by command, and what it looks like inside.

    POST /sim/fault   {"fault": {"fault": "cut", "how": "rst"}, "for": 5}
    POST /sim/heal
    GET  /sim/state
    GET  /sim/ledger  ?stream=trades:BTC&since=<ms>
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from ..errors import ConfigError
from .faults import AnyFault, Refuse
from .host import Host
from .plan import read_fault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOCAL = {"127.0.0.1", "localhost", "::1"}


class Command(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"lasts": "for"}
):
    """A fault to switch on: as data, or in its short form."""

    fault: AnyFault | str
    lasts: float | None = None


class Reins(Protocol):
    """What the commands act on."""

    @property
    def host(self) -> Host:
        """The venue."""

    @property
    def now(self) -> float:
        """Its time."""

    def inject(self, fault: AnyFault, lasts: float | None = ...) -> int:
        """Switch a fault on."""

    def heal(self, number: int | None = ...) -> None:
        """Switch faults off."""


def add_routes(app: web.Application, reins: Reins) -> None:
    """Serve the commands."""

    async def fault(request: web.Request) -> web.Response:
        try:
            command = msgspec.json.decode(await request.read(), type=Command)
            asked = command.fault
            chosen = read_fault(asked) if isinstance(asked, str) else asked
        except (msgspec.MsgspecError, ConfigError, UnicodeDecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if isinstance(chosen, Refuse) and chosen.how != "http" and not command.lasts:
            text = (
                f"refuse:{chosen.how} needs a duration: "
                "it could not be healed over the port it closes"
            )
            if chosen.how in {"tcp", "close", "rst"}:
                return web.json_response({"error": text}, status=400)
        return web.json_response({"number": reins.inject(chosen, command.lasts)})

    async def heal(_: web.Request) -> web.Response:
        reins.heal()
        return web.json_response({"healed": True})

    async def state(_: web.Request) -> web.Response:
        return _json(_state(reins))

    async def ledger(request: web.Request) -> web.Response:
        book = reins.host.ledger
        stream = request.query.get("stream")
        if stream is None:
            return _json({"streams": book.counts(), "forgotten": book.forgotten})
        since = request.query.get("since", "0")
        if not since.isdecimal():
            return web.json_response(
                {"error": "since: expected milliseconds"}, status=400
            )
        return _json({"stream": stream, "rows": book.stream(stream, int(since))})

    app.router.add_post("/sim/fault", fault)
    app.router.add_post("/sim/heal", heal)
    app.router.add_get("/sim/state", state)
    app.router.add_get("/sim/ledger", ledger)


def only_local(bind: str) -> Any:
    """
    Refuse what a web page could send here by DNS rebinding.

    A page's requests carry its own name as Host, or as Origin.
    """
    allowed = _LOCAL | {bind}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        names = [urlsplit(f"//{request.host}").hostname]
        if origin is not None:
            names.append(urlsplit(origin).hostname)
        if any(name not in allowed for name in names):
            return web.Response(status=403, text="only local clients are served")
        return await handler(request)

    return check


def _state(reins: Reins) -> dict[str, Any]:
    host = reins.host
    return {
        "v": 1,
        "time": int(reins.now * 1000),
        "connections": {
            str(number): sorted(held) for number, held in host.subscriptions().items()
        },
        "counters": host.counters,
        "faults": [
            {"number": item.number, "since": item.since, "fault": item.fault}
            for item in host.conduct.active
        ],
    }


def _json(value: Any) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value), content_type="application/json"
    )
