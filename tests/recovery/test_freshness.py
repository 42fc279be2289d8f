"""Feeds that fall silent, repeat themselves or fall behind on a living connection."""

import asyncio

import pytest

from bistoury import Config, ConfigError, StaleDataError
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Delay, Freeze, Lag, Silent, Stuck
from bistoury.simulator.settings import Cadences, Limits, Settings, many_coins
from bistoury.testing.oracle import Oracle
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run


def played(scenario, settings, **given):
    async def main():
        venue = MemoryVenue(Exchange(settings, 1))
        client = venue.client(Config(api_url="http://127.0.0.1:20", **given))
        try:
            return await scenario(client, venue)
        finally:
            await client.disconnect()
            venue.stop()

    return run(main())


def inject(venue, fault, lasts=None):
    venue.exchange.inject(fault, venue.now(), lasts)
    venue.turn()


def test_one_feed_of_fifty_is_found_and_healed_and_the_others_lose_nothing(figures):
    async def scenario(client, venue):
        loop = asyncio.get_running_loop()
        oracle = Oracle(venue.exchange.ledger)
        stale, gaps, healed = [], [], []
        client.on("stale", lambda it: stale.append((loop.time(), it)))
        client.on("gap", lambda it: (gaps.append(it), oracle.gap(it)))
        await client.connect()
        coins = many_coins(49)
        for coin in coins:
            await client.subscribe_trades(coin, oracle.handler())
        book = await client.subscribe_orderbook("BTC", fast=True)
        assert await client.wait_ready(10)
        await asyncio.sleep(30)
        since = int(venue.now() * 1000)
        entry = client._fleet.entry(book.subscription)
        learned = client._session.conversation.freshness.threshold(entry)
        muted_at = loop.time()
        inject(venue, Silent(type="l2Book", what=("data",)), 18)
        client.add_message_handler(
            "l2Book",
            lambda it: loop.time() > muted_at + 18 and healed.append(loop.time()),
        )
        await asyncio.sleep(60)
        warned_at, warned = stale[0]
        assert warned.subscription == book.subscription
        assert warned.rung == "warn"
        assert warned_at - muted_at <= learned + 1.6  # its last frame, then a check
        assert [it.rung for _, it in stale] == ["warn", "resubscribe"]
        assert book.state == "live"
        assert venue.exchange.counters["connected"] == 1
        assert {gap.subscription for gap in gaps} == {book.subscription}
        until = int(venue.now() * 1000) - 1000
        rows = oracle.accounts([f"trades:{c}" for c in coins], since, until)
        assert sum(row.published for row in rows) > 1000
        assert [row for row in rows if row.lost or row.repeated or row.in_gaps] == []
        figures(
            notice=warned_at - muted_at,
            recover=healed[0] - muted_at - 18,
            lost=sum(len(row.lost) for row in rows),
            repeated=sum(row.repeated for row in rows),
        )

    coins = many_coins(49)
    played(scenario, Settings(coins=coins, trade_rate=1.0, limits=Limits.none()))


def test_a_feed_delivered_too_slowly_is_said_within_half_a_minute_and_reopened(figures):
    async def scenario(client, venue):
        stale, lost = [], []
        client.on("stale", stale.append)
        client.on("disconnected", lost.append)
        await client.connect()
        await client.subscribe_trades("BTC")
        await client.subscribe_orderbook("BTC", fast=True)
        await asyncio.sleep(20)
        began = asyncio.get_running_loop().time()
        connection = min(venue.exchange.subscriptions())
        inject(venue, Lag(fraction=0.8, connection=connection))
        while not stale:
            await asyncio.sleep(0.1)
        noticed = asyncio.get_running_loop().time() - began
        assert noticed <= 30
        assert stale[0].age_seconds >= 3.0
        assert lost == []  # liveness was happy all the time
        while not lost:
            await asyncio.sleep(0.1)
        assert str(lost[0].cause) == "stale"
        assert await client.wait_ready(10)
        await asyncio.sleep(10)
        health = await client.get_connection_health()
        assert health["feed_lag_seconds"]["p99"] < 1.0
        figures(notice=noticed)

    played(scenario, Settings(coins=("BTC",), trade_rate=3.0))


@pytest.mark.parametrize("fault", [Freeze(), Stuck(type="l2Book")])
def test_frames_that_bring_no_news_do_not_keep_a_feed_fresh(fault, figures):
    async def scenario(client, venue):
        stale = []
        heard = []
        client.on("stale", stale.append)
        client.on("stale", lambda _: heard.append(asyncio.get_running_loop().time()))
        await client.connect()
        book = await client.subscribe_orderbook("BTC", fast=True)
        await asyncio.sleep(10)
        received = client._session.conversation.received
        inject(venue, fault)
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(12)
        assert client._session.conversation.received > received + 10
        assert [it.rung for it in stale] == ["warn"]
        assert book.state == "stale"
        with pytest.raises(StaleDataError):
            client.require_fresh(book, 3600)
        figures(notice=heard[0] - began)

    played(scenario, Settings(coins=("BTC",), trade_rate=3.0))


def test_a_feed_that_stays_mute_costs_one_connection_and_then_is_called_failed(figures):
    async def scenario(client, venue):
        stale, lost = [], []
        heard = []
        client.on("stale", stale.append)
        client.on("stale", lambda _: heard.append(asyncio.get_running_loop().time()))
        client.on("disconnected", lost.append)
        await client.connect()
        await client.subscribe_all_mids()
        book = await client.subscribe_orderbook("BTC", fast=True)
        await asyncio.sleep(10)
        began = asyncio.get_running_loop().time()
        inject(venue, Silent(type="l2Book", what=("data",)))
        await asyncio.sleep(600)
        assert [it.rung for it in stale].count("reconnect") == 1
        figures(notice=heard[0] - began)
        assert [str(it.cause) for it in lost] == ["stale"]
        assert book.state == "failed"
        health = await client.get_connection_health()
        assert not health["is_healthy"]
        assert any("l2Book(coin=BTC" in reason for reason in health["reasons"])

    played(scenario, Settings(coins=("BTC",), trade_rate=3.0))


def test_a_quiet_coin_for_a_day_costs_nothing():
    async def scenario(client, venue):
        told = []
        for name in ("disconnected", "stale", "degraded", "gap"):
            client.on(name, told.append)
        await client.connect()
        await client.subscribe_trades("BTC")
        await client.subscribe_user_fills("0x" + "cd" * 20)
        await asyncio.sleep(24 * 3600)
        assert told == []
        assert venue.exchange.counters["connected"] == 1

    quiet = Settings(coins=("BTC",), trade_rate=0.0, user_rate=0.0, history=60.0)
    played(scenario, quiet)


def test_a_slower_cadence_is_learned_and_not_taken_for_silence():
    async def scenario(client, venue):
        told = []
        client.on("stale", told.append)
        client.on("disconnected", told.append)
        await client.connect()
        await client.subscribe_orderbook("BTC")
        await asyncio.sleep(1800)
        # The first interval may be any part of the cadence: one error, then it knows.
        assert [it.rung for it in told] in ([], ["warn"])

    slow = Settings(coins=("BTC",), trade_rate=1.0, cadences=Cadences(l2_book=15.0))
    played(scenario, slow)


@pytest.mark.parametrize("slower", [5.0, 15.0])
def test_f64_a_cadence_that_changes_while_it_runs_costs_no_connection(slower, figures):
    async def scenario(client, venue):
        oracle = Oracle(venue.exchange.ledger)
        told, books = [], []
        for name in ("stale", "disconnected", "gap"):
            client.on(name, told.append)
        await client.connect()
        await client.subscribe_orderbook("BTC", books.append, fast=True)
        await client.subscribe_trades("BTC", oracle.handler())
        await asyncio.sleep(300)
        assert len(books) > 500
        since = int(venue.now() * 1000) - 290_000
        for beat in venue.exchange._publisher._beats:
            if beat.fast:
                beat.period = round(slower * 1000)
        books.clear()
        await asyncio.sleep(1800)
        assert len(books) == pytest.approx(1800 / slower, abs=2)
        row = oracle.account("trades:BTC", since, int(venue.now() * 1000) - 1000)
        figures(
            notice="n/a: no fault",
            recover="n/a: no outage",
            lost=len(row.lost),
            repeated=row.repeated,
        )
        assert row.published > 1000
        # Fifteen seconds are beyond the threshold's floor: one error, then it knows.
        warnings = [getattr(it, "rung", it) for it in told]
        assert warnings in ([], ["warn"] if slower > 10 else [])

    played(scenario, Settings(coins=("BTC",), trade_rate=1.0))


def test_f09_a_feed_whose_first_word_never_comes_is_asked_for_again(figures):
    async def scenario(client, venue):
        loop = asyncio.get_running_loop()
        oracle = Oracle(venue.exchange.ledger)
        stale, first = [], []
        client.on("stale", lambda it: stale.append((loop.time(), it)))
        await client.connect()
        await client.subscribe_trades("BTC", oracle.handler())
        since = int(venue.now() * 1000) + 1000
        inject(venue, Silent(type="l2Book", what=("data",)), 12)
        healed_at = loop.time() + 12
        book = await client.subscribe_orderbook(
            "BTC", lambda _: first.append(loop.time())
        )
        granted_at = loop.time()
        assert not await client.wait_ready(5)
        async with asyncio.timeout(60):
            while not first:
                await asyncio.sleep(0.01)
        await asyncio.sleep(2)  # the next look takes it off the ladder
        assert book.state == "live"
        await asyncio.sleep(60)
        row = oracle.account("trades:BTC", since, int(venue.now() * 1000) - 1000)
        figures(
            notice=stale[0][0] - granted_at,
            recover=first[0] - healed_at,
            lost=len(row.lost),
            repeated=row.repeated,
        )
        assert row.published > 50
        assert stale[0][1].subscription == book.subscription
        assert 10 <= stale[0][0] - granted_at <= 11.6
        rungs = [it.rung for _, it in stale]
        assert rungs[:2] == ["warn", "resubscribe"]
        assert venue.exchange.counters["connected"] == 1

    # Its next frame is an hour away: only the request brings one sooner.
    cadences = Cadences(l2_book=3600.0)
    played(scenario, Settings(coins=("BTC",), trade_rate=1.0, cadences=cadences))


def test_fresh_data_may_be_acted_on_and_old_data_not():
    async def scenario(client, venue):
        await client.connect()
        bbo = await client.subscribe_bbo("BTC")
        assert await client.wait_ready(5)
        await asyncio.sleep(2)
        client.require_fresh(bbo, 5)
        client.require_fresh({"type": "bbo", "coin": "BTC"}, 5)
        with pytest.raises(StaleDataError, match="at most 0"):
            client.require_fresh(bbo, 0.0001)
        with pytest.raises(StaleDataError, match="no data"):
            client.require_fresh({"type": "bbo", "coin": "ETH"}, 5)
        await client.disconnect()
        with pytest.raises(StaleDataError):
            client.require_fresh(bbo, 5)

    played(scenario, Settings(coins=("BTC", "ETH"), trade_rate=5.0))


def test_f55_what_falls_silent_may_not_be_acted_on_until_it_speaks_again(figures):
    async def scenario(client, venue):
        loop = asyncio.get_running_loop()
        oracle, heard = Oracle(venue.exchange.ledger), []
        client.on("gap", oracle.gap)
        await client.connect()
        bbo = await client.subscribe_bbo("BTC", lambda _: heard.append(loop.time()))
        await client.subscribe_trades("BTC", oracle.handler())
        assert await client.wait_ready(5)
        await asyncio.sleep(5)

        def is_fresh():
            try:
                client.require_fresh(bbo, 5)
            except StaleDataError:
                return False
            return True

        async def until(condition):
            async with asyncio.timeout(60):
                while not condition():
                    await asyncio.sleep(0.01)
            return loop.time()

        since = int(venue.now() * 1000)
        inject(venue, Silent(type="bbo", what=("data",)), 8)
        silent_at = loop.time()
        stale_at = await until(lambda: not is_fresh())
        assert stale_at - heard[-1] == pytest.approx(5, abs=0.02)
        fresh_at = await until(is_fresh)
        assert fresh_at >= silent_at + 8
        assert fresh_at - heard[-1] <= 0.02
        await asyncio.sleep(10)
        row = oracle.account("trades:BTC", since, int(venue.now() * 1000) - 1000)
        figures(
            notice=stale_at - silent_at,
            recover=fresh_at - silent_at - 8,
            lost=len(row.lost),
            repeated=row.repeated,
        )

    played(scenario, Settings(coins=("BTC", "ETH"), trade_rate=5.0))


def test_data_that_comes_late_is_as_old_as_it_is():
    async def scenario(client, venue):
        await client.connect()
        bbo = await client.subscribe_bbo("BTC")
        await client.wait_ready(5)
        await asyncio.sleep(10)
        client.require_fresh(bbo, 2)
        inject(venue, Delay(seconds=4.0))
        await asyncio.sleep(6)
        assert bbo.last_message_age < 1
        assert bbo.state == "live"
        with pytest.raises(StaleDataError) as caught:
            client.require_fresh(bbo, 2)
        assert 4 <= caught.value.age < 6
        client.require_fresh(bbo, 8)

    played(scenario, Settings(coins=("BTC",), trade_rate=5.0))


def test_frames_that_repeat_the_past_do_not_make_data_young():
    async def scenario(client, venue):
        await client.connect()
        book = await client.subscribe_orderbook("BTC", fast=True)
        await asyncio.sleep(10)
        inject(venue, Stuck(type="l2Book"))
        await asyncio.sleep(4)
        assert book.last_message_age < 1
        assert book.state == "live"
        with pytest.raises(StaleDataError, match=r"[34]\.\d s old"):
            client.require_fresh(book, 3)

    played(scenario, Settings(coins=("BTC",), trade_rate=3.0))


@pytest.mark.parametrize("max_age", [float("nan"), float("inf"), -1, "x", None, True])
def test_an_age_that_is_none_is_named(max_age):
    async def scenario(client, venue):
        await client.connect()
        bbo = await client.subscribe_bbo("BTC")
        await client.wait_ready(5)
        with pytest.raises(ConfigError, match="max_age"):
            client.require_fresh(bbo, max_age)

    played(scenario, Settings(coins=("BTC",), trade_rate=3.0))


# Settings


@pytest.mark.parametrize("floor", [2.0, 25.0])
def test_how_soon_a_feed_is_stale_is_a_setting(floor):
    async def scenario(client, venue):
        loop = asyncio.get_running_loop()
        stale = []
        client.on("stale", stale.append)
        await client.connect()
        await client.subscribe_all_mids()
        await client.subscribe_trades("BTC")
        await asyncio.sleep(60)
        inject(venue, Silent(type="allMids", what=("data",)))
        muted_at = loop.time()
        while not stale:
            await asyncio.sleep(0.05)
        assert floor - 1 <= loop.time() - muted_at <= floor + 5
        assert floor <= stale[0].age_seconds

    played(scenario, Settings(coins=("BTC",)), stale_floor=floor)


def test_how_many_rows_are_remembered_is_a_setting():
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_trades("BTC")
        await client.subscribe_user_fills("0x" + "ab" * 20)
        return sorted(it.traits.memory for it in client._fleet.entries().values())

    memories = {"user_memory": 30_000, "coin_memory": 6_000}
    assert played(scenario, Settings(coins=("BTC",)), **memories) == [6_000, 30_000]
