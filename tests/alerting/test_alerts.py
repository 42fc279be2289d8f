"""Alerts of the real client, over real sockets, with sinks in good and bad health."""

from __future__ import annotations

import asyncio
import json
import time
from random import Random

import pytest
from aiohttp import web

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.config import Limits
from bistoury.errors import SubscriptionRefusedError
from bistoury.simulator import Settings, Venue
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Delay, Refuse
from bistoury.testing.oracle import Oracle
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run as virtual_run


class Hook:
    """A webhook that takes messages, refuses them, or never answers."""

    def __init__(self):
        self.bodies = []
        self.mode = "take"
        self.asked = 0
        self.released = asyncio.Event()
        self.app = web.Application()
        self.app.router.add_route("*", "/{tail:.*}", self._hear)

    async def _hear(self, request):
        self.asked += 1
        if self.mode == "hang":
            await self.released.wait()
        if self.mode == "refuse":
            return web.Response(status=500)
        if request.method == "POST":
            self.bodies.append(json.loads(await request.read()))
        return web.Response(text="ok")


@pytest.fixture
async def hook():
    it = Hook()
    runner = web.AppRunner(it.app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.port = runner.addresses[0][1]
    yield it
    it.released.set()
    await runner.cleanup()


@pytest.fixture
async def venue():
    async with Venue(Settings(coins=("BTC",), trade_rate=20.0)) as it:
        yield it


@pytest.fixture
async def client(venue):
    it = HyperLiquidIntegration(Config(network="local", api_url=venue.url))
    it.reconnect_delay = it.max_reconnect_delay = 0.2
    await it.connect()
    await it.subscribe_all_mids()
    await it.wait_ready(10)
    yield it
    await it.disconnect()


async def until(condition, within=15.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


async def test_an_outage_is_told_and_its_end(client, venue):
    heard = []
    async with client.alerts(heard.append, down_after=0.5, settle=0.5):
        number = venue.inject(Refuse())
        venue.inject(Cut())
        await until(lambda: heard)
        venue.heal(number)
        venue.heal()
        await until(lambda: len(heard) == 2)

    assert [(it.kind, it.rule) for it in heard] == [("open", "down"), ("close", "down")]
    assert "lost after" in heard[1].body


async def test_apprise_carries_both_to_a_webhook_with_their_kinds(client, venue, hook):
    pytest.importorskip("apprise")
    alerts = await client.alerts(f"json://127.0.0.1:{hook.port}/")
    alerts.test()
    await until(lambda: len(hook.bodies) == 2)
    await alerts.stop()

    assert [it["type"] for it in hook.bodies] == ["warning", "success"]
    assert "test" in hook.bodies[0]["title"].lower()
    assert alerts.delivery.posts[0].sent == 2


def _now(venue):
    return int(venue.now * 1000)


@pytest.mark.parametrize("mode", ["hang", "refuse"])
async def test_a_sink_in_bad_health_costs_the_client_nothing(
    client, venue, hook, mode, figures
):
    pytest.importorskip("apprise")
    hook.mode = mode
    good = []
    alerts = await client.alerts(
        f"json://127.0.0.1:{hook.port}/", good.append, down_after=0.2, settle=0.2
    )
    lags = []
    oracle, trades = Oracle(venue.exchange.ledger), "trades:BTC"
    client.on("gap", oracle.gap)
    await client.subscribe_trades("BTC", oracle.handler())
    await until(lambda: oracle.account(trades, 0, _now(venue)).delivered)
    since = _now(venue)

    async def measure():
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)

    task = asyncio.ensure_future(measure())
    for _ in range(100):
        alerts.test()
    broken_at = time.perf_counter()
    number = venue.inject(Refuse())
    venue.inject(Cut())
    await until(lambda: any(it.rule == "down" for it in good))
    told_at = time.perf_counter()
    venue.heal(number)
    venue.heal()
    await until(client.is_connected)
    back_at, reach = time.perf_counter(), _now(venue)
    await until(lambda: not oracle.account(trades, since, reach).lost)
    row = oracle.account(trades, since, reach)
    figures(
        notice=told_at - broken_at,
        recover=back_at - told_at,
        lost=len(row.lost),
        repeated=row.repeated,
    )
    task.cancel()
    bad = alerts.delivery.posts[0]
    await until(lambda: hook.asked >= 1)
    began = time.perf_counter()
    await alerts.stop()

    assert time.perf_counter() - began < 4.0
    assert bad.sent == 0
    assert bad.dropped > 0  # its queue is bounded
    assert sorted(lags)[len(lags) // 2] < 0.05  # a hanging sink would make it seconds
    assert max(lags) < 2.0


async def test_a_sink_that_raises_is_tried_again_counted_and_not_fatal(client):
    def broken(message):
        raise RuntimeError("no network")

    alerts = await client.alerts(broken)
    post = alerts.delivery.posts[0]
    post.waits = (0.0, 0.0)
    alerts.test()
    await until(lambda: post.failed == 2)
    await alerts.stop()

    assert post.last_error == "RuntimeError: no network"


async def test_the_sign_of_life_stays_away_while_the_connection_is_down(
    client, venue, hook
):
    url = f"http://127.0.0.1:{hook.port}/alive"
    async with client.alerts(ping_url=url, ping_every=1.0):
        await until(lambda: hook.asked >= 2)
        venue.inject(Refuse())
        venue.inject(Cut())
        await until(lambda: not client.is_connected())
        await asyncio.sleep(0.2)
        count = hook.asked
        await asyncio.sleep(2.2)
        assert hook.asked == count


async def test_a_switch_that_answers_with_an_error_is_counted(client, hook):
    hook.mode = "refuse"
    async with client.alerts(ping_url=f"http://127.0.0.1:{hook.port}/", ping_every=1.0):
        await until(lambda: hook.asked >= 2)


async def test_a_second_refused_feed_is_told_while_the_first_stays_refused(
    client, venue
):
    heard = []
    async with client.alerts(heard.append, refused_after=0.2, settle=0.1, floor=0):
        for coin in ("NOSUCH", "NONE"):
            with pytest.raises(SubscriptionRefusedError):
                await client.subscribe_trades(coin)
            await until(lambda coin=coin: heard and coin in heard[-1].body)

    assert [(it.kind, it.rule) for it in heard] == [("open", "refused")] * 2
    assert "NOSUCH" not in heard[1].body


async def test_what_cannot_work_is_said_before_it_is_needed(client):
    with pytest.raises(ConfigError, match="at least one place"):
        client.alerts()
    with pytest.raises(ConfigError, match="down_afer"):
        client.alerts(print, down_afer=3)
    with pytest.raises(ConfigError, match="down_after: '2'"):
        client.alerts(print, down_after="2")


async def test_a_watch_that_fails_says_so_once_goes_on_and_gives_no_sign_of_life(
    client, hook, caplog
):
    url = f"http://127.0.0.1:{hook.port}/alive"
    async with client.alerts(print, ping_url=url, ping_every=1.0) as alerts:
        await until(lambda: hook.asked)
        real, alerts._clock = alerts._clock, None
        await until(lambda: alerts.errors >= 2)
        count = hook.asked
        await until(lambda: alerts.errors >= 5)
        assert hook.asked == count
        alerts._clock = real
        await until(lambda: hook.asked > count)

    told = [it for it in caplog.records if "cannot watch" in it.message]
    assert [it.levelname for it in told] == ["ERROR"]


async def test_stopping_leaves_no_task(client):
    before = asyncio.all_tasks()
    alerts = await client.alerts(print)
    assert await alerts.start() is alerts
    await alerts.stop()
    await alerts.stop()

    assert {it for it in asyncio.all_tasks() if not it.done()} == before


def test_500_flaps_of_a_real_client_in_a_virtual_hour(figures):
    heard = []

    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",), trade_rate=1.0), 1))
        limits = Limits(connections_per_minute=10_000)
        config = Config(api_url="http://127.0.0.1:28999", limits=limits)
        client = venue.client(config, rng=Random(1))
        client.reconnect_delay = client.max_reconnect_delay = 2.0
        oracle, downtimes, told_at = Oracle(venue.exchange.ledger), [], []
        client.on("gap", oracle.gap)
        client.on("ready", lambda it: downtimes.append(it.downtime_seconds or 0.0))
        await client.connect()
        await client.subscribe_trades("BTC", oracle.handler())
        await asyncio.sleep(5)
        began_at = venue.now()

        def hear(message):
            heard.append(message)
            told_at.append(venue.now())

        async with client.alerts(hear) as alerts:
            for _ in range(500):
                venue.exchange.inject(Cut(), venue.now())
                venue.turn()
                await asyncio.sleep(7.2)
            within = alerts.sent
            await asyncio.sleep(3600)
        losses = client._tally.disconnects.total()
        since, until = int(began_at * 1000), int((venue.now() - 1) * 1000)
        row = oracle.account("trades:BTC", since, until)
        figures(
            notice=told_at[0] - began_at,
            recover=max(downtimes),
            lost=len(row.lost),
            repeated=row.repeated,
        )
        await client.disconnect()
        venue.stop()
        return losses, within

    losses, within = virtual_run(main())
    assert losses >= 500
    assert within <= 2
    kinds = [it.kind for it in heard]
    assert kinds.count("open") <= 2
    assert kinds.count("digest") <= 1
    assert len(heard) <= 4
    assert heard[-1].rule == "flapping"


def test_a_feed_that_comes_late_is_told_and_its_end():
    heard = []

    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",)), 1))
        client = venue.client(Config(api_url="http://127.0.0.1:28998"), rng=Random(1))
        await client.connect()
        await client.subscribe({"type": "l2Book", "coin": "BTC"})
        assert await client.wait_ready(10)
        async with client.alerts(heard.append, stale_after=10.0):
            await asyncio.sleep(10)
            number = venue.exchange.inject(Delay(type="l2Book", seconds=6), venue.now())
            venue.turn()
            await until(lambda: heard, 120)
            venue.exchange.heal(venue.now(), number)
            venue.turn()
            await until(lambda: len(heard) == 2, 120)
        assert venue.exchange.counters["connected"] == 1
        await client.disconnect()
        venue.stop()

    virtual_run(main())
    assert [(it.kind, it.rule) for it in heard] == [("open", "late"), ("close", "late")]
    assert "l2Book(coin=BTC)" in heard[0].body
