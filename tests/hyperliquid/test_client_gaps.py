"""Every gap that is told of comes to an end, and statistics count it; virtual time."""

import asyncio

import pytest

from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Refuse, Silent
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

from .playing import config, inject

TRADES = {"type": "trades", "coin": "BTC"}


def played(scenario, **options):
    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",), trade_rate=5.0), 1))
        client = venue.client(config(), **options)
        gaps = []
        client.on("gap", gaps.append)
        try:
            return await scenario(client, venue, gaps)
        finally:
            await client.disconnect()
            venue.stop()

    return run(main())


def gaps_of(client):
    return client.get_reconnection_stats()["gaps"]


@pytest.mark.parametrize("redundancy", [1, 2])
def test_unsubscribing_settles_the_gap_that_is_open(redundancy):
    async def scenario(client, venue, gaps):
        await client.connect()
        trades = await client.subscribe(TRADES, lambda message: None)
        await asyncio.sleep(5)
        inject(venue, Refuse(), 10)
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(3)
        assert [it.status for it in gaps] == ["open"]
        before = int(venue.now() * 1000)
        await trades.unsubscribe()

        settled = gaps[-1]
        assert [it.status for it in gaps] == ["open", "unrecoverable"]
        assert settled.since == gaps[0].since
        assert before - 1000 < settled.until <= before
        assert "given up" in settled.note
        assert gaps_of(client) == {"open": 0, "recovered": 0, "unrecoverable": 1}
        await asyncio.sleep(60)
        assert len(gaps) == 2

    played(scenario, redundancy=redundancy)


def test_unsubscribing_without_a_gap_settles_nothing():
    async def scenario(client, venue, gaps):
        await client.connect()
        trades = await client.subscribe(TRADES, lambda message: None)
        await asyncio.sleep(5)
        await trades.unsubscribe()
        assert gaps == []
        assert gaps_of(client) == {"open": 0, "recovered": 0, "unrecoverable": 0}

    played(scenario)


def test_an_overflow_is_counted_and_settled_once_its_reader_is_past_it():
    async def scenario(client, venue, gaps):
        release = asyncio.Event()

        async def slow(message):
            await release.wait()

        await client.connect()
        await client.subscribe(TRADES, slow, max_queue=5)
        await asyncio.sleep(20)
        assert gaps_of(client) == {"open": 1, "recovered": 0, "unrecoverable": 0}
        health = await client.get_connection_health()
        assert health["subscriptions"]["trades(coin=BTC)"]["gaps"]["open"] == 1

        inject(venue, Silent(type="trades", what=("data",)))
        release.set()
        await asyncio.sleep(3)
        assert [(it.status, it.cause) for it in gaps] == [
            ("open", "overflow"),
            ("unrecoverable", "overflow"),
        ]
        assert gaps_of(client) == {"open": 0, "recovered": 0, "unrecoverable": 1}
        health = await client.get_connection_health()
        assert health["subscriptions"]["trades(coin=BTC)"]["gaps"] == {
            "open": 0,
            "recovered": 0,
            "unrecoverable": 1,
        }

    played(scenario)


def test_an_overflow_of_a_feed_that_is_unsubscribed_is_counted_as_over():
    async def scenario(client, venue, gaps):
        async def stuck(message):
            await asyncio.Event().wait()

        await client.connect()
        trades = await client.subscribe(TRADES, stuck, max_queue=5)
        await asyncio.sleep(20)
        await trades.unsubscribe()
        assert [it.status for it in gaps] == ["open", "unrecoverable"]
        assert gaps_of(client) == {"open": 0, "recovered": 0, "unrecoverable": 1}

    played(scenario)


def test_the_bounds_of_every_gap_are_venue_milliseconds():
    user = "0x" + "ab" * 20

    async def main():
        settings = Settings(coins=("BTC",), user_rate=2.0, history=600.0)
        venue = MemoryVenue(Exchange(settings, 1))
        client = venue.client(config())
        gaps, rows = [], []
        client.on("gap", gaps.append)
        began = venue.now() * 1000
        await client.connect()
        await client.subscribe(
            {"type": "userTwapHistory", "user": user},
            lambda it: rows.extend(it["data"]["history"]),
        )
        await client.subscribe({"type": "candle", "coin": "BTC", "interval": "1m"})
        await asyncio.sleep(300)
        assert rows
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(60)
        ended = venue.now() * 1000
        await client.disconnect()
        venue.stop()
        return began, ended, gaps

    began, ended, gaps = run(main())
    settled = [it for it in gaps if it.status != "open"]
    assert {it.subscription.feed for it in settled} == {"userTwapHistory", "candle"}
    for gap in gaps:
        assert began - 600_000 <= gap.since <= (gap.until or ended) <= ended
    assert {it.status for it in settled} == {"recovered"}
