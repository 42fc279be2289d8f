"""What the status page shows of paper accounts."""

from __future__ import annotations

import asyncio

import aiohttp

from bistoury import Config
from bistoury.paper_trading import PaperTradingEngine
from bistoury.paper_trading.panel import panels
from bistoury.simulator import Settings, Venue


async def test_a_position_stands_on_the_page_with_the_state_of_its_data():
    async with Venue(Settings(coins=("BTC", "ETH"), trade_rate=5.0)) as venue:
        config = Config(network="local", api_url=venue.url)
        engine = PaperTradingEngine(config, coins=["BTC"])
        shown = panels(engine)
        assert "Waiting" in shown[0]()["note"]
        assert shown[1]()["rows"] == []

        await engine.start()
        async with asyncio.timeout(20):
            while not engine.is_ready:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        await engine.market_open("BTC", is_buy=True, size="0.01")
        async with (
            engine.client.serve(port=0, panels=shown) as server,
            aiohttp.ClientSession() as http,
            http.get(f"{server.url}/state.json") as answer,
        ):
            accounts, positions = (await answer.json())["panels"]
        await engine.stop()

    assert "PAPER" in accounts["note"]
    assert accounts["rows"][0][0] == "main"
    assert accounts["rows"][0][-1] == "1"
    assert len(accounts["rows"][0]) == len(accounts["columns"])
    (row,) = positions["rows"]
    assert row[:3] == ["main", "BTC", "0.01"]
    assert row[-1] == "live"
