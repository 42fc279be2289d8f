"""What Prometheus learns of paper trading."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from bistoury import Config, HyperLiquidIntegration, StaleDataError
from bistoury.observability.metric_names import PAPER
from bistoury.observability.metrics import exposition
from bistoury.paper_trading import OrderRejectedError, PaperTradingEngine
from bistoury.paper_trading import events as said
from bistoury.paper_trading.figures import Figures
from bistoury.paper_trading.server import PaperServer
from bistoury.simulator import Settings, Venue
from bistoury.simulator.faults import Cut, Refuse

USER = "0x" + "5ecb0a7d" * 5


def figures(text):
    return {
        (it.name, *it.labels.values()): it.value
        for family in text_string_to_metric_families(text)
        for it in family.samples
        if it.name.startswith("bistoury_paper_")
    }


class Watched:
    """A market, and the figures of what happens on it."""

    def __init__(self, market, limit):
        self.market = market
        self._limit = limit
        self.accounts = market.desk.accounts.by_name
        self.is_ready = True
        self.client = SimpleNamespace(metrics_registry=CollectorRegistry())
        self._seen = len(market.events)
        self.figures = Figures(self, lambda: market.desk.now)
        for event in market.events:
            self.figures.see(event)
        self.figures.show()

    @property
    def venue(self):
        return self.market.venue

    def order(self, at, px, sz, tif="Gtc"):
        """Ask for an order; the market answers."""
        return self.answered(at, self.market.order(at, self._limit(True, px, sz, tif)))

    def answered(self, at, number):
        self.market.bbo(at + 200, ("99", "1"), ("101", "1"))
        self.market.pass_time(at + 400)
        return self.market.statuses(number)

    def read(self):
        for event in self.market.events[self._seen :]:
            self.figures.see(event)
        self._seen = len(self.market.events)
        return figures(exposition(self.client.metrics_registry)[0].decode())


@pytest.fixture
def watched(market, orders):
    return Watched(market, orders[0])


def test_orders_fills_and_what_an_account_is_worth_are_counted(watched):
    market = watched.market
    watched.order(100, "101", "1", "Ioc")
    watched.order(800, "98", "1")
    (refused,) = watched.order(1500, "98", "0")
    read = watched.read()

    told = Counter(type(it) for it in market.events)
    assert "error" in refused
    assert read["bistoury_paper_orders_total",] == 2
    assert read["bistoury_paper_open_orders",] == 1
    assert read["bistoury_paper_fills_total", "live"] == told[said.Filled] == 1
    assert read["bistoury_paper_rejects_total",] == told[said.Rejected] == 1
    worth = market.account().value({"BTC": Decimal(100)})
    assert read["bistoury_paper_equity", "main"] == float(worth)
    assert worth < market.account().opened_with


def test_an_order_is_counted_once_however_often_it_changes(watched):
    market = watched.market
    watched.order(100, "101", "7")  # takes one, and rests with six
    assert watched.read()["bistoury_paper_open_orders",] == 1
    (oid,) = market.account().orders
    assert watched.answered(800, market.cancel(800, oid)) == ["success"]
    assert len(market.of(said.OrderChanged)) > 1

    read = watched.read()
    assert read["bistoury_paper_orders_total",] == 1
    assert read["bistoury_paper_open_orders",] == 0


def test_bad_time_is_counted_while_it_lasts_and_never_goes_back(watched):
    market = watched.market
    assert watched.read()["bistoury_paper_degraded_seconds_total", "BTC", "gap"] == 0
    market.gap(1000)
    market.pass_time(3000)
    during = watched.read()["bistoury_paper_degraded_seconds_total", "BTC", "gap"]
    assert during == pytest.approx(2.0)
    # It is told with a delay that it ended before the last look.
    late = said.FeedChanged(at=market.desk.now - 500, coin="BTC", state="live")
    watched.figures.see(late)
    market.pass_time(4000)

    after = watched.read()["bistoury_paper_degraded_seconds_total", "BTC", "gap"]
    assert after == during


def test_addresses_that_accounts_are_named_by_are_shortened(watched):
    market = watched.market
    market.send(0, "paper:open", {"account": USER, "cash": "5", "address": USER})

    read = watched.read()
    assert read["bistoury_paper_equity", "0x5ecb…0a7d"] == 5


def test_a_second_engine_of_a_client_is_not_shown(watched, caplog):
    second = Figures(watched, lambda: 0)
    with caplog.at_level(logging.WARNING):
        second.show()
    second.hide()

    assert "another engine" in caplog.text
    assert watched.read()
    watched.figures.hide()
    assert watched.read() == {}
    second.show()
    assert watched.read()


def test_every_figure_of_the_table_is_made_and_no_other(watched):
    made = {it.name: it for it in watched.figures.collect()}

    assert set(made) == {f"bistoury_{name}" for name in PAPER}
    for name, described in PAPER.items():
        assert made[f"bistoury_{name}"].type == described.kind
        assert made[f"bistoury_{name}"].documentation == described.text


async def test_a_server_gives_them_beside_the_clients_and_a_stop_takes_them_away():
    async with Venue(Settings(coins=("BTC", "ETH"), trade_rate=5.0)) as venue:
        client = HyperLiquidIntegration(Config(network="local", api_url=venue.url))
        engine = PaperTradingEngine(coins=["BTC"], client=client)
        await client.connect()
        before = exposition(client.metrics_registry)[0].decode()
        async with engine, PaperServer(engine, port=0) as server:
            async with asyncio.timeout(20):
                while not engine.is_ready or not engine.venue.desk.marks():
                    await asyncio.sleep(0.02)
                while not await _is_traded(engine):
                    await asyncio.sleep(0.02)
            async with (
                aiohttp.ClientSession() as http,
                client.serve(port=0) as status,
            ):
                served = [
                    await (await http.get(f"{it.url}/metrics")).text()
                    for it in (server, status)
                ]
                venue.inject(Refuse())
                venue.inject(Cut(how="rst"))
                async with asyncio.timeout(20):
                    while not (later := figures(await _metrics(http, server))).get(
                        ("bistoury_paper_degraded_seconds_total", "BTC", "gap")
                    ):
                        await asyncio.sleep(0.02)
        after = exposition(client.metrics_registry)[0].decode()
        await client.disconnect()

    assert figures(before) == figures(after) == {}
    for text in served:
        assert 'bistoury_callback_seconds_count{handler="' in text
        assert "bistoury_up 1.0" in text
        assert figures(text)["bistoury_paper_fills_total", "live"] >= 1
        assert figures(text)["bistoury_paper_equity", "main"] < 10_000
    assert later["bistoury_paper_orders_total",] >= 1


async def _metrics(http, server):
    async with http.get(f"{server.url}/metrics") as answer:
        return await answer.text()


async def _is_traded(engine):
    try:
        return await engine.market_open("BTC", is_buy=True, size="0.01") is not None
    except (OrderRejectedError, StaleDataError):
        return False
