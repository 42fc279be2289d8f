"""What the scenarios share: a client and a venue, in virtual time or over sockets."""

import asyncio
import itertools
import json
from contextlib import asynccontextmanager
from random import Random

import msgspec
import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.config import Limits
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut
from bistoury.simulator.ledger import Ledger
from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Settings
from bistoury.simulator.settings import Limits as VenueLimits
from bistoury.testing.oracle import Oracle
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

PORTS = itertools.count(50_000)
EVENTS = (
    *("connected", "ready", "disconnected", "reconnecting"),
    *("stale", "gap", "degraded", "down", "breaker"),
)
UNLIMITED = Limits(
    connections_per_minute=1_000_000,
    connections=1_000_000,
    subscriptions=1_000_000,
    messages_per_minute=1_000_000,
)


class Scene:
    """A client, its venue, and the story so far."""

    def __init__(self, client, venue):
        self.client = client
        self.venue = venue
        self.story = []
        self.oracle = Oracle(venue.exchange.ledger if venue else Ledger())
        self._broken_at = self._mended_at = None
        for name in EVENTS:
            client.on(name, lambda event, name=name: self._hear(name, event))
        client.on("gap", self.oracle.gap)
        for feed in ("trades", "userFills"):
            client.add_message_handler(feed, self.oracle.handler())

    def _hear(self, name, event):
        self.story.append((self.now, name, event))

    @property
    def now(self):
        return asyncio.get_running_loop().time()

    @property
    def stats(self):
        return self.client.get_reconnection_stats()

    @property
    def exchange(self):
        return self.venue.exchange

    def events(self, name):
        return [event for _, heard, event in self.story if heard == name]

    def times(self, name):
        return [at for at, heard, _ in self.story if heard == name]

    @property
    def losses(self):
        """The causes of connections that were open and ended."""
        return [str(it.cause) for it in self.events("disconnected") if it.was_open]

    @property
    def delays(self):
        return [it.delay_seconds for it in self.events("reconnecting")]

    def inject(self, fault, lasts=None):
        self._broken_at = self._broken_at or self.now
        if isinstance(fault, Cut):
            self._mended_at = max(self._mended_at or 0.0, self.now)
        elif lasts is not None:
            self._mended_at = max(self._mended_at or 0.0, self.now + lasts)
        if isinstance(self.venue, MemoryVenue):
            number = self.exchange.inject(fault, self.venue.now(), lasts)
            self.venue.turn()
            return number
        return self.venue.inject(fault, lasts)

    def heal(self):
        self._mended_at = self.now
        if isinstance(self.venue, MemoryVenue):
            self.exchange.heal(self.venue.now())
            self.venue.turn()
        else:
            self.venue.heal()

    def held(self):
        """What the venue holds, over all connections."""
        groups = self.exchange.subscriptions().values()
        return [json.loads(text) for group in groups for text in group]

    async def until(self, condition, within=4000.0):
        async with asyncio.timeout(within):
            while not condition():
                await asyncio.sleep(0.01)

    async def live(self, within=4000.0):
        await self.until(self.client.is_connected, within)

    def awake(self):
        """What slept is awake: nobody can notice anything in their sleep."""
        self._broken_at = self.now

    def figures(self):
        """What this scene says of a scenario: see ``make reliability``."""
        broken, mended = self._broken_at, self._mended_at
        found = {}
        if broken is not None:
            seen = [
                at
                for at, name, event in self.story
                if at >= broken
                and (name in {"stale", "degraded"} or getattr(event, "was_open", False))
            ]
            if seen:
                found["notice"] = round(seen[0] - broken, 2)
            back = [at for at in self.times("ready") if at >= broken]
            if back and mended is not None:
                found["recover"] = round(max(0.0, back[-1] - mended), 2)
        held = self.held() if self.venue else ()
        rows = [row for row in map(self._account, held) if row is not None]
        if rows:
            found["lost"] = sum(len(row.lost) for row in rows)
            found["repeated"] = sum(row.repeated for row in rows)
        return found

    def _account(self, body):
        """The account of a feed that is held at the end, from its first row on."""
        if body["type"] not in {"trades", "userFills"}:
            return None
        stream = f"{body['type']}:{body.get('coin') or body['user']}"
        got = self.oracle._delivered[stream]
        published = self.exchange.ledger.stream(stream)
        came = [time for time, key in published if key in got]
        now = self.venue.now if isinstance(self.venue, Venue) else self.venue.now()
        if not came:
            return None
        # A replay may begin in the middle of a millisecond.
        return self.oracle.account(stream, came[0] + 1, int((now - 2) * 1000))

    def hurry(self, **changes):
        """Change how patient the session is: what takes 24 s takes one."""
        self.client._adopt(
            msgspec.structs.replace(self.client._session.policy, **changes)
        )


def fitting(delay, nominal):
    """Whether a delay is ``nominal`` give or take a quarter."""
    return 0.75 * nominal <= delay <= 1.25 * nominal


def new_config(**given):
    """A host of its own: the venue's limits are counted by host in one process."""
    return Config(api_url=f"http://127.0.0.1:{next(PORTS)}", **given)


def in_virtual_time(
    scenario, settings=None, *, plan=None, limits=None, seed=1, **options
):
    """Play ``scenario(scene)`` against a venue in this process."""

    async def main():
        venue = MemoryVenue(
            Exchange(
                settings or Settings(coins=("BTC", "ETH"), trade_rate=1.0), seed, plan
            )
        )
        client = venue.client(new_config(limits=limits), rng=Random(seed), **options)
        scene = Scene(client, venue)
        try:
            value = await scenario(scene)
            Stage.note(**scene.figures())
            return value
        finally:
            await client.disconnect()
            venue.stop()

    return run(main())


@asynccontextmanager
async def over_sockets(settings=None, *, limits=UNLIMITED, **given):
    """A client and a venue with a loopback connection between them."""
    settings = settings or Settings(
        coins=("BTC", "ETH"),
        limits=VenueLimits.none(),
        cadences=Cadences(all_mids=0.1, l2_book=0.1),
        trade_rate=10.0,
    )
    async with Venue(settings, ssl=given.pop("ssl", None)) as venue:
        options = {name: given.pop(name) for name in ("ssl_context",) if name in given}
        config = Config(api_url=venue.url, limits=limits, **given)
        client = HyperLiquidIntegration(config, **options)
        scene = Scene(client, venue)
        try:
            yield scene
            Stage.note(**scene.figures())
        finally:
            await client.disconnect()


class Stage:
    """The two ways to play, and what goes with them."""

    play = staticmethod(in_virtual_time)
    sockets = staticmethod(over_sockets)
    config = staticmethod(new_config)
    fitting = staticmethod(fitting)
    scene = Scene
    unlimited = UNLIMITED
    note = staticmethod(lambda **_: None)


@pytest.fixture
def stage(figures):
    Stage.note = staticmethod(figures)
    return Stage
