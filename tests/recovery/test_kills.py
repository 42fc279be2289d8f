"""Hundreds of kills over real sockets, with an account of every event at the end."""

import asyncio
import os
from random import Random

import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.simulator import Limits, Settings, Venue, many_coins
from bistoury.simulator.faults import Cut, DropAcks, Flap, Refuse, Repeat
from bistoury.testing.oracle import Oracle

KILLS = int(os.environ.get("SOAK_KILLS", "500"))
USERS = ["0x" + letter * 40 for letter in "abc"]
COINS = many_coins(30)
MANY = dict.fromkeys(
    (
        "connections",
        "connections_per_minute",
        "subscriptions",
        "users",
        "messages_per_minute",
        "rest_weight_per_minute",
    ),
    10**9,
)
KINDS = (
    Cut(how="rst"),
    Cut(how="eof"),
    Cut(how="close", code=1000, reason="Expired"),
    Cut(how="close", code=1001),
    Cut(how="close", code=1011),
    Cut(how="close", code=1012),
    Flap(after=0.0, how="rst"),
    DropAcks(every=7),
    Repeat(probability=0.2),
    Refuse(how="http", status=503),
)


async def settle(client, venue, seconds):
    """Wait until every gap is settled."""
    async with asyncio.timeout(seconds):
        while (
            not client.is_connected() or client.get_reconnection_stats()["gaps"]["open"]
        ):
            await asyncio.sleep(0.1)


# Everything at once is the same law; it needs fewer kills, as each of its parts has
# tests of its own.
WAYS = {
    "one line": (KILLS, {"shards": 2}),
    "in a thread": (KILLS // 5, {"shards": 2, "io_thread": True}),
    "two lines, in a thread": (KILLS // 5, {"redundancy": 2, "io_thread": True}),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("way", WAYS)
async def test_no_event_is_lost_without_a_word_and_none_comes_twice(way):
    kills, options = WAYS[way]

    async def kill_and_kill_again(client, venue):
        rng = Random(11)
        for _ in range(kills):
            fault = rng.choice(KINDS)
            venue.inject(fault, 0.05)
            if not isinstance(fault, Cut | Flap):
                venue.inject(Cut(how="rst"))
            await asyncio.sleep(rng.uniform(0.05, 0.3))
        venue.heal()
        await settle(client, venue, 120)

    total, stats = await account(f"{way}, {kills} kills", kill_and_kill_again, options)
    assert stats["total_reconnects"] > kills / 4
    assert total["published"] > kills
    assert total["recovered"] > 0
    assert (total["lost"], total["repeated"]) == ((), 0)


@pytest.mark.slow
async def test_planned_rotations_over_sockets_have_nothing_to_declare():
    async def wait(client, venue):
        while client.get_reconnection_stats()["rotations"] < 3:
            await asyncio.sleep(0.1)

    options = {"rotate_after": 0.5, "io_thread": True}
    total, stats = await account("3 rotations", wait, options)
    assert (total["lost"], total["repeated"], total["in declared gaps"]) == ((), 0, 0)
    assert stats["gaps"] == {"open": 0, "recovered": 0, "unrecoverable": 0}
    assert stats["total_reconnects"] == 0


async def account(name, scenario, options):
    """Play a scenario with numbered events; return what became of them, and stats."""
    settings = Settings(
        coins=COINS,
        trade_rate=1.0,
        user_rate=2.0,
        history=3600.0,
        history_lag=1.0,
        fills_snapshot=3,
        rows_snapshot=3,
        limits=Limits.none(),
    )
    async with Venue(settings, seed=7) as venue:
        oracle = Oracle(venue.exchange.ledger)
        config = Config(
            api_url=venue.url,
            limits=MANY,
            reconnect_delay=0.02,
            max_reconnect_delay=0.1,
        )
        client = HyperLiquidIntegration(config, rng=Random(7), **options)
        client.on("gap", oracle.gap)
        assert await client.connect()
        streams = []
        for coin in COINS:
            await client.subscribe_trades(coin, oracle.handler())
            await client.subscribe_candle(coin, "1m", oracle.handler())
            streams.append(f"trades:{coin}")
        for user in USERS:
            await client.subscribe_user_fills(user, oracle.handler())
            await client.subscribe_order_updates(user, oracle.handler(user))
            streams += [f"userFills:{user}", f"orderUpdates:{user}"]
        assert await client.wait_ready(20)
        since = int(venue.now * 1000)
        await scenario(client, venue)
        await asyncio.sleep(1)
        rows = oracle.accounts(streams, since, int(venue.now * 1000) - 1000)
        stats = client.get_reconnection_stats()
        await client.disconnect()
    total = {
        "published": sum(row.published for row in rows),
        "delivered": sum(row.delivered for row in rows),
        "recovered": sum(row.recovered for row in rows),
        "repeated": sum(row.repeated for row in rows),
        "in declared gaps": sum(row.in_gaps for row in rows),
        "lost": tuple(it for row in rows for it in row.lost),
    }
    print(f"{name}:", total)  # noqa: T201 -- the account, under -s
    return total, stats
