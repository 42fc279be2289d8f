"""What is delivered: flags, order, and nothing twice, held against the venue's ledger."""

import asyncio

from bistoury.simulator.faults import Cut, Garble, Refuse, Repeat
from bistoury.simulator.ledger import fill_key, trade_key, update_key
from bistoury.simulator.settings import Settings

from .playing import heal, inject, played, until

USER = "0x" + "7" * 40


def rows_of(messages):
    return [row for message in messages for row in message["data"]]


def test_history_of_a_first_subscription_is_marked_as_snapshot():
    async def scenario(client, venue):
        seen = []
        await asyncio.sleep(60)
        await client.connect()
        await client.subscribe_trades("BTC", seen.append)
        await asyncio.sleep(5)
        assert seen[0]["snapshot"] is True
        assert len(seen[0]["data"]) == 30
        assert not [it for it in seen[1:] if it.keys() != {"channel", "data"}]

    played(scenario)


def test_a_batch_is_sorted_oldest_first_although_the_venue_sends_newest_first():
    async def scenario(client, venue):
        seen = []
        await asyncio.sleep(60)
        await client.connect()
        await client.subscribe_trades("BTC", seen.append)
        times = [row["time"] for row in seen[0]["data"]]
        assert times == sorted(times)
        assert len(set(times)) > 1

    played(scenario)


def test_what_fills_a_gap_is_marked_as_recovered_and_complete():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        await client.subscribe_trades("BTC", seen.append)
        await asyncio.sleep(10)
        before = len(seen)
        inject(venue, Refuse(), 6)
        inject(venue, Cut(how="rst"))
        await until(lambda: not client.is_connected())
        await until(client.is_connected)
        await asyncio.sleep(10)
        recovered = [it for it in seen[before:] if "recovered" in it]
        assert len(recovered) == 1
        assert recovered[0]["recovered"] is True
        assert recovered[0]["data"]
        assert not any("snapshot" in it for it in seen[1:])
        delivered = [trade_key(row) for row in rows_of(seen)]
        published = [key for _, key in venue.exchange.ledger.stream("trades:BTC")]
        assert len(delivered) == len(set(delivered))
        assert set(published[-len(delivered) :]) == set(delivered)

    played(scenario, Settings(coins=("BTC",), trade_rate=1.0))


def test_nothing_comes_twice_whatever_is_repeated():
    async def scenario(client, venue):
        trades, fills, orders = [], [], []
        await client.connect()
        await client.subscribe_trades("BTC", trades.append)
        await client.subscribe_user_fills(USER, fills.append)
        await client.subscribe_order_updates(USER, orders.append)
        inject(venue, Repeat(probability=0.5, times=2))
        for _ in range(6):
            await asyncio.sleep(20)
            inject(venue, Cut(how="eof"))
        await asyncio.sleep(20)
        keys = [trade_key(row) for row in rows_of(trades)]
        assert len(keys) == len(set(keys)) > 100
        keys = [fill_key(row) for it in fills for row in it["data"]["fills"]]
        assert len(keys) == len(set(keys)) > 20
        keys = [update_key(row) for row in rows_of(orders)]
        assert len(keys) == len(set(keys)) > 10
        health = await client.get_connection_health()
        assert health["subscriptions"]["trades(coin=BTC)"]["duplicates"] > 30

    played(scenario, Settings(coins=("BTC",), trade_rate=2.0, user_rate=2.0))


def test_every_fill_of_an_outage_comes_once_and_in_order():
    async def scenario(client, venue):
        fills = []
        await client.connect()
        await client.subscribe_user_fills(USER, fills.append)
        assert fills[0]["snapshot"] is True
        inject(venue, Refuse(), 25)
        inject(venue, Cut(how="rst"))
        await until(lambda: not client.is_connected())
        await until(client.is_connected)
        await client.wait_ready()
        recovered = [it for it in fills if it.get("recovered")]
        assert len(recovered) == 1
        assert len(recovered[0]["data"]["fills"]) > 5
        delivered = [fill_key(row) for it in fills for row in it["data"]["fills"]]
        published = [
            key for _, key in venue.exchange.ledger.stream(f"userFills:{USER}")
        ]
        assert delivered[-len(published) :] == published

    played(scenario, Settings(coins=("BTC",), user_rate=2.0))


def test_an_empty_first_snapshot_is_told_so_that_nothing_is_known_to_be_nothing():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        await client.subscribe_user_fills(USER, seen.append)
        await client.wait_ready(5)
        assert [it["data"]["fills"] for it in seen] == [[]]
        assert seen[0]["snapshot"] is True
        await client.reconnect()
        await until(client.is_connected)
        await asyncio.sleep(5)
        assert len(seen) == 1

    played(scenario, Settings(coins=("BTC",), user_rate=0.0, user_history=0))


def test_a_second_handler_shares_what_comes_next_with_the_first():
    async def scenario(client, venue):
        first, second = [], []
        await client.connect()
        await client.subscribe_trades("BTC", first.append)
        await asyncio.sleep(5)
        await client.subscribe_trades("BTC", second.append)
        first.clear()
        await asyncio.sleep(5)
        assert second
        assert all(a is b for a, b in zip(first, second, strict=True))

    played(scenario)


def test_rows_that_make_no_sense_cost_only_themselves():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        await client.subscribe_trades("BTC", seen.append)
        await asyncio.sleep(5)
        inject(venue, Garble(probability=0.5))
        await asyncio.sleep(60)
        heal(venue)
        await until(client.is_connected)
        seen.clear()
        await asyncio.sleep(10)
        assert seen
        assert client._monitor.unreadable > 0

    played(scenario)
