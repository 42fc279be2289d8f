"""A real client against a venue in memory, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from random import Random

import pytest

from bistoury import Config
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

PORTS = itertools.count(30_000)


class Stage:
    """What a scenario plays with."""

    def __init__(self, client, venue):
        self.client, self.venue = client, venue

    def inject(self, fault, lasts=None):
        self.venue.exchange.inject(fault, self.venue.now(), lasts)
        self.venue.turn()

    def heal(self):
        self.venue.exchange.heal(self.venue.now())
        self.venue.turn()

    def state(self):
        return self.client.get_state()


async def until(condition, within=300.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def play():
    """Play ``scenario(stage)``; the client is new and not connected."""

    def played(scenario, **options):
        async def main():
            settings = Settings(coins=("BTC", "ETH"), trade_rate=2.0)
            venue = MemoryVenue(Exchange(settings, 1))
            host = Config(api_url=f"http://127.0.0.1:{next(PORTS)}")
            client = venue.client(host, rng=Random(1), **options)
            try:
                return await scenario(Stage(client, venue))
            finally:
                await client.disconnect()
                venue.stop()

        return run(main())

    return played
