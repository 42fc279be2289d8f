"""Two lines to the venue: killing either one costs nothing."""

import asyncio
from random import Random

import pytest

from bistoury import Config
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Garble, Lose, Refuse, Silent
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.oracle import Oracle
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

USER = "0x" + "ab" * 20
STREAMS = ("trades:BTC", "trades:ETH", f"userFills:{USER}", f"orderUpdates:{USER}")
MANY = dict.fromkeys(
    (
        "connections",
        "connections_per_minute",
        "subscriptions",
        "users",
        "messages_per_minute",
    ),
    10**6,
)


def config(**given):
    return Config(
        api_url="http://127.0.0.1:19", limits=MANY, reconnect_delay=0.5, **given
    )


async def begin(venue, oracle, **options):
    client = venue.client(config(), **options)
    gaps, longest = [], {"at": 0.0, "silence": 0.0}
    loop = asyncio.get_running_loop()

    def heard(message, user=""):
        oracle.deliver(message, user)
        if longest["at"]:
            longest["silence"] = max(longest["silence"], loop.time() - longest["at"])
        longest["at"] = loop.time()

    client.on("gap", lambda gap: (gaps.append(gap), oracle.gap(gap)))
    await client.connect()
    await client.subscribe_trades("BTC", heard)
    await client.subscribe_trades("ETH", heard)
    await client.subscribe_user_fills(USER, heard)
    await client.subscribe_order_updates(USER, lambda message: heard(message, USER))
    await client.subscribe_all_mids(lambda message: None)
    assert await client.wait_ready(5)
    return client, gaps, longest


def played(scenario, **options):
    async def main():
        settings = Settings(
            coins=("BTC", "ETH"),
            trade_rate=5.0,
            user_rate=0.5,
            history=3600.0,
            limits=Limits.none(),
        )
        venue = MemoryVenue(Exchange(settings, 1))
        asked = []
        oracle = Oracle(venue.exchange.ledger)
        client, gaps, longest = await begin(venue, oracle, **options)
        request = client.info.request

        async def counted(body, *, weight=None):
            asked.append(body["type"])
            return await request(body)

        client.info.request = counted
        since = int(venue.now() * 1000) + 1
        await scenario(client, venue)
        await asyncio.sleep(8)
        rows = oracle.accounts(STREAMS, since, int(venue.now() * 1000) - 1000)
        await client.disconnect()
        venue.stop()
        return rows, gaps, asked, longest["silence"]

    return run(main())


async def kill_in_turn(client, venue, kills):
    rng = Random(3)
    for number in range(kills):
        held = sorted(venue.exchange.subscriptions())
        assert len(held) == 2
        how = rng.choice(("rst", "eof", "close"))
        cut = Cut(how=how, code=1000, connection=held[number % 2])
        venue.exchange.inject(cut, venue.now())
        venue.turn()
        await asyncio.sleep(3 + rng.random())


def test_five_hundred_kills_of_alternating_lines_lose_and_repeat_nothing(figures):
    async def scenario(client, venue):
        await kill_in_turn(client, venue, 500)
        assert client.get_reconnection_stats()["total_reconnects"] >= 500

    rows, gaps, asked, silence = played(scenario, redundancy=2)
    assert sum(row.published for row in rows) > 20_000
    assert [(row.lost, row.repeated, row.in_gaps) for row in rows] == [((), 0, 0)] * 4
    assert gaps == []
    assert asked == []
    assert silence < 2.0
    figures(
        lost=sum(len(row.lost) for row in rows),
        repeated=sum(row.repeated for row in rows),
    )


def test_one_line_would_have_had_gaps():
    async def scenario(client, venue):
        await asyncio.sleep(5)  # until both coins have traded
        for _ in range(5):
            venue.exchange.inject(Cut(how="rst"), venue.now())
            venue.turn()
            await asyncio.sleep(8)

    rows, gaps, asked, _ = played(scenario)
    assert [(row.lost, row.repeated) for row in rows] == [((), 0)] * 4
    assert {gap.status for gap in gaps} == {"open", "recovered"}
    assert asked


def test_both_lines_down_at_once_is_a_gap_and_is_filled():
    async def scenario(client, venue):
        venue.exchange.inject(Cut(how="rst"), venue.now())
        venue.turn()
        await asyncio.sleep(10)

    rows, gaps, _, _ = played(scenario, redundancy=2)
    assert [(row.lost, row.repeated) for row in rows] == [((), 0)] * 4
    told = [(str(gap.subscription.feed), gap.status) for gap in gaps]
    assert ("userFills", "open") in told
    assert ("userFills", "recovered") in told
    assert len(told) == len(set(told)) + 2  # trades of two coins share a feed


def test_a_line_that_is_dead_and_does_not_know_it_covers_nothing():
    async def scenario(client, venue):
        await asyncio.sleep(5)
        dead, other = sorted(venue.exchange.subscriptions())
        venue.exchange.inject(Silent(connection=dead), venue.now())
        venue.turn()
        await asyncio.sleep(5)
        venue.exchange.inject(Cut(how="rst", connection=other), venue.now())
        venue.turn()
        await asyncio.sleep(40)  # until the dead one is found out

    rows, gaps, asked, _ = played(scenario, redundancy=2)
    assert [(row.lost, row.repeated) for row in rows] == [((), 0)] * 4
    of_user = [gap for gap in gaps if gap.subscription.get("user")]
    assert {gap.status for gap in of_user} == {"open", "recovered"}
    assert asked


@pytest.mark.parametrize("fault", [Garble(probability=1.0, how=("truncated",)), None])
def test_the_same_trouble_on_both_lines_is_no_ones_cover(fault):
    """All data is spoilt, or none comes, on both lines, and pongs go on."""

    async def scenario(client, venue):
        await asyncio.sleep(15)
        lost = fault or Lose(probability=1.0)
        venue.exchange.inject(lost, venue.now(), 9)
        venue.turn()
        await asyncio.sleep(40)

    rows, gaps, asked, _ = played(scenario, redundancy=2)
    assert [(row.lost, row.repeated) for row in rows] == [((), 0)] * 4
    assert {gap.subscription.feed for gap in gaps} >= {"userFills", "orderUpdates"}
    assert asked


def test_one_shard_dying_touches_no_other(figures):
    async def scenario(client, venue):
        groups = client._fleet.groups
        assert len(groups) == 3
        assert all("user" in dict(s.params) for s in groups[0].wanted)
        users = groups[0].lines[0].session.connection_id
        numbers = sorted(venue.exchange.subscriptions())
        before = [group.lines[0].session.connection_id for group in groups[1:]]
        silent = Silent(connection=numbers[users - 1])
        venue.exchange.inject(silent, venue.now(), 30)
        venue.turn()
        await asyncio.sleep(40)
        assert groups[0].lines[0].session.connection_id != users
        assert [g.lines[0].session.connection_id for g in groups[1:]] == before

    rows, gaps, _, _ = played(scenario, shards=3)
    assert [(row.lost, row.repeated) for row in rows] == [((), 0)] * 4
    figures(
        lost=sum(len(row.lost) for row in rows),
        repeated=sum(row.repeated for row in rows),
    )
    assert {gap.subscription.feed for gap in gaps} <= {"userFills", "orderUpdates"}


def test_what_is_stale_on_one_line_is_not_amiss_while_another_carries_it():
    async def scenario(client, venue):
        told = []
        client.on("stale", told.append)
        book = await client.subscribe_orderbook("BTC", lambda message: None)
        await asyncio.sleep(5)
        one, two = sorted(venue.exchange.subscriptions())

        async def amiss():
            health = await client.get_connection_health()
            return health["reasons"], health["verdict"], book.state

        venue.exchange.inject(
            Lose(probability=1.0, type="l2Book", connection=one), venue.now(), 200
        )
        venue.turn()
        for _ in range(60):
            await asyncio.sleep(1)
            assert await amiss() == ([], "ok", "live")
        assert told
        venue.exchange.inject(Refuse(status=503), venue.now(), 100)
        venue.exchange.inject(Cut(how="rst", connection=one), venue.now())
        venue.turn()
        await asyncio.sleep(5)
        assert await amiss() == ([], "ok", "live")
        venue.exchange.inject(
            Lose(probability=1.0, type="l2Book", connection=two), venue.now(), 60
        )
        venue.turn()
        await asyncio.sleep(50)
        reasons, verdict, _ = await amiss()
        assert verdict == "degraded"
        assert any(reason.startswith("l2Book(coin=BTC) stale") for reason in reasons)

    played(scenario, redundancy=2)
