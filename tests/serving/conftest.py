"""A client of a venue on this machine, and its page."""

from __future__ import annotations

import aiohttp
import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.simulator import Settings, Venue

USER = "0xAbCd" + "0" * 32 + "1234"


@pytest.fixture
async def venue():
    async with Venue(Settings(coins=("BTC", "ETH"), trade_rate=4.0)) as it:
        yield it


@pytest.fixture
async def client(venue):
    it = HyperLiquidIntegration(Config(network="local", api_url=venue.url))
    it.reconnect_delay = 0.2
    await it.connect()
    await it.subscribe_trades("BTC")
    await it.subscribe_all_mids()
    await it.subscribe_user_fills(USER)
    assert await it.wait_ready(10)
    yield it
    await it.disconnect()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as it:
        yield it
