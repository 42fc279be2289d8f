"""What the recorder's tests share: a client in virtual time that is overheard."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.hyperliquid import limits
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

USER = "0x" + "1a" * 20


@pytest.fixture(autouse=True)
def accounts(monkeypatch):
    """Give every test a process of its own, as far as limits go."""
    monkeypatch.setattr(limits, "_ACCOUNTS", {})


class Overheard(HyperLiquidIntegration):
    """A client that remembers what its sessions told."""

    def __init__(self, *args, **options):
        self.told = []
        super().__init__(*args, **options)

    def announce(self, line, notice):
        self.told.append(type(notice).__name__)
        super().announce(line, notice)


@pytest.fixture
def played(tmp_path):
    """Return what plays a scenario with a client that writes a journal."""

    def play(scenario, *, plan=None, seed=1, allowed=None, **options):
        path = tmp_path / "journal.jsonl"

        async def main():
            settings = Settings(coins=("BTC", "ETH"), trade_rate=1.0, user_rate=0.5)
            venue = MemoryVenue(Exchange(settings, seed, plan))
            client = Overheard(
                Config(network="local", limits=allowed),
                transport=venue,
                journal=path,
                rng=Random(seed),
                **options,
            )
            client.__dict__["info"] = venue.info()
            try:
                await scenario(client, venue)
            finally:
                await client.disconnect()
                await asyncio.sleep(2)
                venue.stop()
            return client.told

        return path, run(main())

    return play
