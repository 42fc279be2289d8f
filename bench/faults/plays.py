"""One play: a venue, a client in a process, a fault, and what came of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bistoury.simulator import Settings, Venue
from bistoury.simulator.faults import (
    AnyFault,
    Cut,
    DropAcks,
    Flap,
    Refuse,
    RefuseSubscriptions,
    Silent,
)
from bistoury.simulator.listener import HangUp
from bistoury.simulator.settings import Cadences

FEEDS = ("trades:BTC", "trades:ETH", "l2Book:BTC")
WARM_UP = 15.0
"""Good seconds before the fault: connections are forgiven their past."""
SETTLED = 12.0
"""Good seconds after all feeds have data again: histories are read twice."""
PATIENCE = 150.0
"""Seconds after which what has not come is called never."""
SETTINGS = Settings(
    coins=("BTC", "ETH"), trade_rate=5.0, cadences=Cadences(l2_book=1.0)
)


@dataclass(frozen=True)
class Play:
    """A fault, as data: what is injected now, and for how long."""

    what: str
    faults: Callable[[int], list[tuple[AnyFault, float | None]]]
    lasts: float = 0.0
    """How long nothing better can be expected; 0: what is done is done."""


def _silent_book(number: int) -> Silent:
    return Silent(
        connection=number, direction="out", what=("data",), type="l2Book", coin="BTC"
    )


_RST = (Cut(how="rst"), None)

PLAYS = {
    "close 1000": Play(
        "the venue closes with 1000 `Expired`",
        lambda _: [(Cut(how="close", code=1000, reason="Expired"), None)],
    ),
    "reset": Play("the connection is reset", lambda _: [_RST]),
    "half-open": Play(
        "the connection stays open, and nothing passes in either direction",
        lambda number: [(Silent(connection=number), None)],
    ),
    "silent feed": Play(
        "one feed falls silent on a connection that carries the others",
        lambda number: [(_silent_book(number), None)],
    ),
    "lost acks": Play(
        "after a reset no acknowledgement comes for 20 s",
        lambda _: [(DropAcks(every=1), 20.0), _RST],
    ),
    "refusals": Play(
        "after a reset every subscription to trades is refused for 20 s",
        lambda _: [(RefuseSubscriptions(type="trades"), 20.0), _RST],
        20.0,
    ),
    "accept and close": Play(
        "for a minute every connection is accepted and closed at once",
        lambda _: [(Flap(after=0.0), 60.0)],
        60.0,
    ),
    "outage": Play(
        "for two minutes whoever knocks is hung up on",
        lambda _: [(Refuse(how="rst"), 120.0), _RST],
        120.0,
    ),
}


class Watched(Venue):
    """A venue that remembers when it was knocked at."""

    def __init__(self) -> None:
        super().__init__(SETTINGS, seed=3)
        self.knocks: list[float] = []

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self.knocks.append(time.monotonic())
        return await super()._websocket(request)

    def _protocol(self) -> asyncio.BaseProtocol:
        made = super()._protocol()
        if isinstance(made, HangUp):
            self.knocks.append(time.monotonic())
        return made

    @property
    def sockets(self) -> list[int]:
        """The connections that hold subscriptions, oldest first."""
        held = self.exchange.subscriptions()
        return sorted(number for number, what in held.items() if what)


class Client:
    """A process whose lines are kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []
        self.fresh: dict[str, float] = {}
        self.tids: dict[str, set[int]] = {}
        self.repeated = 0
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if not line.startswith(b"{"):
                continue
            it = json.loads(line)
            if it["event"] == "data":
                self._take(it["feed"], it["at"], it["tids"])
            else:
                self.said.append(it)

    def _take(self, feed: str, at: float, tids: list[int]) -> None:
        known = self.tids.setdefault(feed, set())
        self.repeated += len(tids) - len(set(tids) - known)
        # What was delivered before is no sign that a feed is back.
        if not tids or not known.issuperset(tids):
            self.fresh[feed] = at
        known.update(tids)

    def words(self, since: float) -> list[float]:
        """Return when the client let its application know that all is not well."""
        return [
            it["at"] for it in self.said if it["event"] == "word" and it["at"] >= since
        ]

    def has_all(self, since: float) -> bool:
        """Tell whether every feed brought something since."""
        return all(self.fresh.get(feed, 0.0) > since for feed in FEEDS)

    async def end(self) -> None:
        """End the process."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self.reading.cancel()


async def play(it: Play, command: list[str]) -> dict[str, Any]:
    """Play a fault; return the figures."""
    async with Watched() as venue:
        process = await asyncio.create_subprocess_exec(
            *command,
            venue.url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items() if k[:8] != "BISTOURY"},
            limit=1 << 22,
        )
        client = Client(process)
        try:
            return await _watch(it, venue, client)
        finally:
            await client.end()


async def _watch(it: Play, venue: Watched, client: Client) -> dict[str, Any]:
    await _until(lambda: client.has_all(0.0), 60.0)
    if not client.has_all(0.0):
        raise RuntimeError(f"the client did not start: {client.said[-3:]}")
    await asyncio.sleep(WARM_UP)
    since, began = int(venue.now * 1000), time.monotonic()
    repeated = client.repeated
    for fault, lasts in it.faults(venue.sockets[-1]):
        venue.inject(fault, lasts)
    await asyncio.sleep(it.lasts)
    ended = began + it.lasts
    back = await _until(lambda: client.has_all(ended + 0.5), PATIENCE)
    await asyncio.sleep(SETTLED if back else 0.0)
    until = int(venue.now * 1000) - 1500
    await asyncio.sleep(1.0)
    knocks = [at for at in venue.knocks if at >= began]
    known = [*knocks[:1], *client.words(began)[:1]]
    lost, declared, published = _account(venue, client, since, until)
    figures = {
        "version": next(it["version"] for it in client.said if "version" in it),
        "notice": round(min(known) - began, 2) if known else None,
        "by": "" if not known else "attempt" if min(known) in knocks else "word",
        "recover": round(back - ended, 2) if back else None,
        "published": published,
        "lost": lost,
        "declared": declared,
        "repeated": client.repeated - repeated,
        "attempts": _busiest(knocks),
    }
    figures["summary"] = (
        f"notice {figures['notice']}, data {figures['recover']}, "
        f"lost {lost} of {published}, {figures['attempts']} attempts a minute"
    )
    return figures


async def _until(condition: Callable[[], bool], within: float) -> float | None:
    """Return when the condition held, or nothing if it did not in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return time.monotonic()
        await asyncio.sleep(0.05)
    return None


def _busiest(knocks: list[float]) -> int:
    """Return the most attempts within any minute."""
    return max(
        (sum(at <= other < at + 60 for other in knocks) for at in knocks), default=0
    )


def _account(
    venue: Watched, client: Client, since: int, until: int
) -> tuple[int, int, int]:
    """Return how many trades never came: unsaid, declared; and how many there were."""
    lost = declared = published = 0
    for feed in FEEDS[:2]:
        gaps = [
            gap
            for gap in client.said
            if gap["event"] == "gap"
            and gap["feed"] == feed
            and gap["until"]
            and (gap["status"] == "unrecoverable" or gap["is_partial"])
        ]
        got = client.tids.get(feed, set())
        for at, key in venue.exchange.ledger.stream(feed, since):
            if at > until:
                continue
            published += 1
            if int(key.rpartition(":")[2]) in got:
                continue
            if any(gap["since"] <= at <= gap["until"] for gap in gaps):
                declared += 1
            else:
                lost += 1
    return lost, declared, published
