"""More was missed than the venue tells in one answer."""

import asyncio
from collections import Counter
from random import Random

from bistoury import Config
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Refuse
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.oracle import Oracle
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

USER = "0x" + "ab" * 20
FILLS, FUNDINGS, LEDGER, CANDLE = STREAMS = (
    f"userFills:{USER}",
    f"userFundings:{USER}",
    f"userNonFundingLedgerUpdates:{USER}",
    "candle:BTC,1m",
)
OUTAGE = 4000.0  # seconds: an hour's funding is paid meanwhile
MANY = dict.fromkeys(("connections_per_minute", "rest_weight_per_minute"), 10**6)


async def act(venue, habit, times, seconds):
    for _ in range(times):
        await asyncio.sleep(seconds / times)
        venue.exchange.act(USER, habit, "BTC", venue.now())


def through_an_outage(scenario, **settings):
    """Return what became of each feed, the gaps, and what was asked over REST."""

    async def main():
        chosen = Settings(
            coins=("BTC",),
            trade_rate=0.5,
            user_rate=0.0,
            history=7200.0,
            history_lag=4.0,
            fills_snapshot=3,
            rows_snapshot=3,
            limits=Limits.none(),
            **settings,
        )
        venue = MemoryVenue(Exchange(chosen, 1))
        oracle = Oracle(venue.exchange.ledger)
        config = Config(
            api_url="http://127.0.0.1:29", limits=MANY, max_reconnect_delay=5.0
        )
        client = venue.client(config, rng=Random(1))
        asked, gaps = Counter(), []
        request = client.info.request

        async def counted(body, *, weight=None):
            asked[body["type"]] += 1
            return await request(body)

        client.info.request = counted
        client.on("gap", lambda gap: (gaps.append(gap), oracle.gap(gap)))
        await client.connect()
        await client.subscribe_user_fills(USER, oracle.handler())
        await client.subscribe_candle("BTC", "1m", oracle.handler())
        for feed in ("userFundings", "userNonFundingLedgerUpdates"):
            await client.subscribe({"type": feed, "user": USER}, oracle.handler())
        assert await client.wait_ready(10)
        await act(venue, "cross", 5, 70)
        since = int(venue.now() * 1000) - 69_000
        venue.exchange.inject(Cut(how="rst"), venue.now())
        venue.exchange.inject(Refuse(how="http", status=503), venue.now(), OUTAGE)
        venue.turn()
        await scenario(venue)
        async with asyncio.timeout(60):
            while not client.is_connected():
                await asyncio.sleep(0.1)
        # What happens just before is not in the history yet when it is first read.
        await act(venue, "cross", 5, 10)
        await asyncio.sleep(130)
        rows = oracle.accounts(STREAMS, since, int(venue.now() * 1000) - 70_000)
        stats = client.get_reconnection_stats()
        await client.disconnect()
        venue.stop()
        return {row.stream: row for row in rows}, gaps, asked, stats

    return run(main())


def test_two_thousand_five_hundred_missed_fills_come_back_page_by_page():
    async def scenario(venue):
        await act(venue, "ledger", 40, OUTAGE / 2)
        await act(venue, "cross", 2500, OUTAGE / 2)

    rows, gaps, asked, stats = through_an_outage(scenario)
    assert [(row.lost, row.repeated, row.in_gaps) for row in rows.values()] == (
        [((), 0, 0)] * 4
    )
    assert rows[FILLS].recovered >= 2500
    assert rows[LEDGER].recovered >= 40
    assert rows[FUNDINGS].recovered >= 1
    assert rows[CANDLE].recovered >= 60
    # Two reads of two pages or more: one is not the whole of it.
    assert asked["userFillsByTime"] >= 4
    assert {gap.status for gap in gaps} == {"open", "recovered"}
    assert stats["gaps"] == {"open": 0, "recovered": 4, "unrecoverable": 0}


def test_more_than_the_venue_keeps_is_said_to_be_incomplete():
    async def scenario(venue):
        await act(venue, "cross", 10_300, OUTAGE)

    rows, gaps, _, _ = through_an_outage(scenario)
    fills = rows[FILLS]
    assert (fills.lost, fills.repeated) == ((), 0)
    assert fills.published > 20_000  # a taker's fills are two here
    assert fills.delivered >= 10_000
    assert fills.in_gaps == fills.published - fills.delivered
    ends = [gap.status for gap in gaps if gap.subscription.feed == "userFills"]
    assert ends == ["open", "unrecoverable"]
