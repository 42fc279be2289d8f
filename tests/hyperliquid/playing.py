"""A client and a venue in virtual time, for the tests of this folder."""

import asyncio
import itertools
import json
from random import Random

from bistoury import Config
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

PORTS = itertools.count(20_000)


def config(**given):
    """A host of its own for every client: the venue's limits are counted by host."""
    return Config(api_url=f"http://127.0.0.1:{next(PORTS)}", **given)


def played(scenario, settings=None, limits=None, **options):
    """Play ``scenario(client, venue)`` in virtual time."""

    async def main():
        chosen = settings or Settings(coins=("BTC", "ETH", "SOL"), trade_rate=2.0)
        venue = MemoryVenue(Exchange(chosen, 1))
        client = venue.client(config(limits=limits), rng=Random(1), **options)
        try:
            return await scenario(client, venue)
        finally:
            await client.disconnect()
            venue.stop()

    return run(main())


async def until(condition, within=120.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


def inject(venue, fault, lasts=None):
    venue.exchange.inject(fault, venue.now(), lasts)
    venue.turn()


def heal(venue):
    venue.exchange.heal(venue.now())
    venue.turn()


def held(venue):
    """What the venue holds, over all connections, as dicts."""
    groups = venue.exchange.subscriptions().values()
    return [json.loads(text) for group in groups for text in group]


def now():
    return asyncio.get_running_loop().time()
