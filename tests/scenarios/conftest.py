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
from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Settings
from bistoury.simulator.settings import Limits as VenueLimits
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
        for name in EVENTS:
            client.on(name, lambda event, name=name: self._hear(name, event))

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
        if isinstance(self.venue, MemoryVenue):
            number = self.exchange.inject(fault, self.venue.now(), lasts)
            self.venue.turn()
            return number
        return self.venue.inject(fault, lasts)

    def heal(self):
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
        try:
            return await scenario(Scene(client, venue))
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
        try:
            yield Scene(client, venue)
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


@pytest.fixture
def stage():
    return Stage
