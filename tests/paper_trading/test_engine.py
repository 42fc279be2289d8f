"""Paper trading on a venue in this process, in virtual time."""

import asyncio
from decimal import Decimal

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration, StaleDataError
from bistoury.paper_trading import PaperTradingEngine
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Silent
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run


def played(scenario, **options):
    async def main():
        exchange = Exchange(Settings(coins=("BTC", "ETH"), trade_rate=2.0), 1)
        venue = MemoryVenue(exchange)
        client = HyperLiquidIntegration(Config(network="local"), transport=venue)
        engine = PaperTradingEngine(client=client, **options)
        await client.connect()
        await engine.start()
        await asyncio.sleep(2)
        try:
            await scenario(engine, venue)
        finally:
            await engine.stop()
            await client.disconnect()
            venue.stop()

    run(main())


def test_takes_what_the_book_shows_and_no_more():
    async def scenario(engine, venue):
        fill = await engine.market_open("BTC", True, "1000000")
        assert Decimal(0) < fill.size < 1_000_000
        assert engine.positions()[0].size == fill.size
        assert engine.account()["paper"] is True

    played(scenario)


def test_closes_a_position_it_opened():
    async def scenario(engine, venue):
        await engine.market_open("ETH", False, "0.01")
        fill = await engine.market_close("ETH")
        assert fill.is_buy
        assert engine.positions() == []
        assert len(engine.fills()) == 2
        assert await engine.market_close("ETH") is None

    played(scenario)


def test_refuses_to_fill_on_a_silent_feed():
    async def scenario(engine, venue):
        venue.exchange.inject(Silent(), venue.now())
        await asyncio.sleep(6)
        with pytest.raises(StaleDataError, match="at most 5 s"):
            await engine.market_open("BTC", True, "0.01")
        assert engine.fills() == []

    played(scenario)


def test_refuses_to_fill_while_disconnected():
    async def scenario(engine, venue):
        await engine.client.disconnect()
        with pytest.raises(StaleDataError):
            await engine.market_open("BTC", True, "0.01")

    played(scenario)


def test_refuses_what_it_does_not_follow_and_sizes_that_are_none():
    async def scenario(engine, venue):
        for coin, size in [("DOGE", "1"), ("BTC", "0"), ("BTC", "-1"), ("BTC", "many")]:
            with pytest.raises(ConfigError):
                await engine.market_open(coin, True, size)

    played(scenario, coins=("BTC",))
