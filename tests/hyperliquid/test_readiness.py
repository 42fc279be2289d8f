"""What a client of several connections says of itself is true of all of them."""

import asyncio
import itertools
from datetime import datetime, timedelta

from bistoury import Config, ConnectFailedError
from bistoury.config import Limits
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

PORTS = itertools.count(31_000)
USERS = [f"0x{number:040x}" for number in range(1, 5)]


class Stage:
    """A client, its venue, and a door that may be shut before some attempts."""

    def __init__(self, **options):
        self.venue = MemoryVenue(Exchange(Settings(coins=("BTC", "ETH")), 1))
        self.attempts = 0
        self.lets_in = lambda number: True
        config = Config(
            api_url=f"http://127.0.0.1:{next(PORTS)}",
            limits=Limits(connections_per_minute=1000),
        )
        self.client = self.venue.client(config, transport=self, **options)
        self.events = []
        for name in ("ready", "disconnected", "down"):
            self.client.on(name, lambda it, name=name: self.hear(name, it))

    def hear(self, name, event):
        self.events.append((name, event, self.client.is_connected()))

    def told(self, name):
        return [event for what, event, _ in self.events if what == name]

    async def connect(self, url, receiver):
        self.attempts += 1
        if not self.lets_in(self.attempts):
            raise ConnectFailedError("tcp", "refused")
        return await self.venue.connect(url, receiver)

    def cut(self, *connections):
        for number in connections:
            self.venue.exchange.inject(
                Cut(how="rst", connection=number), self.venue.now()
            )
        self.venue.turn()

    def stats(self, *keys):
        found = self.client.get_reconnection_stats()
        return [found[key] for key in keys] if len(keys) > 1 else found[keys[0]]


def played(scenario, **options):
    async def main():
        stage = Stage(**options)
        try:
            return await scenario(stage, stage.client)
        finally:
            await stage.client.disconnect()
            stage.venue.stop()

    return run(main())


async def until(condition, within=300.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


def test_a_connection_wanted_before_connect_is_waited_for():
    async def scenario(stage, client):
        for user in USERS[:2]:
            await client.subscribe_order_updates(user)
        stage.lets_in = lambda number: number == 1

        assert not await client.connect()
        assert not client.is_connected()
        assert stage.stats("state") in ("backoff", "connecting")
        health = await client.get_connection_health()
        assert not health["is_healthy"]
        assert "refused" in health["reasons"][0]
        assert stage.told("ready") == []

        stage.lets_in = lambda number: True
        await until(client.is_connected)
        assert stage.stats("connection_lost_time") is None

    played(scenario)


def test_a_connection_added_while_live_counts_once_it_fails():
    async def scenario(stage, client):
        await client.connect()
        await client.subscribe_order_updates(USERS[0])
        stage.lets_in = lambda number: False
        adding = asyncio.create_task(client.subscribe_order_updates(USERS[1]))
        await until(lambda: stage.told("disconnected"))

        assert not client.is_connected()
        assert stage.stats("connection_lost_time") is not None
        assert not (await client.get_connection_health())["is_healthy"]
        await until(lambda: stage.told("down"))
        assert not client.is_connected()

        stage.lets_in = lambda number: True
        await until(client.is_connected)
        assert (await adding).state == "live"

    played(scenario)


def test_a_connection_added_while_live_is_a_reason_but_ends_nothing_while_it_opens():
    async def scenario(stage, client):
        await client.connect()
        await client.subscribe_order_updates(USERS[0])
        opened = asyncio.Event()
        connect = stage.venue.connect

        async def slowly(url, receiver):
            await opened.wait()
            return await connect(url, receiver)

        stage.venue.connect = slowly
        adding = asyncio.create_task(client.subscribe_order_updates(USERS[1]))
        await asyncio.sleep(5)
        assert client.is_connected()
        reasons = (await client.get_connection_health())["reasons"]
        assert len(reasons) == 1
        assert reasons[0].startswith("not acknowledged yet: orderUpdates")

        opened.set()
        assert (await adding).state == "live"
        assert (await client.get_connection_health())["reasons"] == []
        assert stage.told("disconnected") == []

    played(scenario)


def test_a_connection_that_never_got_anywhere_counts_at_the_next_connect():
    async def scenario(stage, client):
        await client.connect()
        await client.subscribe_order_updates(USERS[0])
        hanging = asyncio.Event()

        async def never(url, receiver):
            await hanging.wait()

        connect, stage.venue.connect = stage.venue.connect, never
        adding = asyncio.create_task(client.subscribe_order_updates(USERS[1]))
        await asyncio.sleep(1)
        await client.disconnect()
        adding.cancel()
        stage.venue.connect = connect
        await client.subscribe_order_updates(USERS[1])
        first = stage.attempts
        stage.lets_in = lambda number: number == first + 1

        assert not await client.connect()
        assert not client.is_connected()

    played(scenario)


def test_ready_is_told_once_when_all_connections_are():
    async def scenario(stage, client):
        for user in USERS[:2]:
            await client.subscribe_order_updates(user)
        await client.connect()
        assert await client.wait_ready(10)
        await until(lambda: stage.told("ready"))
        (first,) = stage.told("ready")
        assert first.restored == 2

        began = asyncio.get_running_loop().time()
        back = stage.attempts + 1
        stage.lets_in = lambda number: number in (back, back + 4)
        stage.cut(1, 2)
        await until(lambda: len(stage.told("ready")) == 2)
        ended = asyncio.get_running_loop().time()
        await asyncio.sleep(20)

        _, again, was_connected = next(
            it for it in reversed(stage.events) if it[0] == "ready"
        )
        assert was_connected
        assert again.restored == 2
        assert again.downtime_seconds > 2.0  # the line that was back first took 1
        assert abs(again.downtime_seconds - (ended - began)) < 0.5
        assert len(stage.told("ready")) == 2

    played(scenario)


def test_ready_is_told_when_what_was_missing_is_unwanted():
    async def scenario(stage, client):
        await client.subscribe_order_updates(USERS[0])
        other = await client.subscribe_order_updates(USERS[1])
        stage.lets_in = lambda number: number == 1
        await client.connect()
        assert stage.told("ready") == []
        await other.unsubscribe()

        assert client.is_connected()
        (ready,) = stage.told("ready")
        assert ready.restored == 1

    played(scenario)


def test_a_line_that_another_one_stood_in_for_was_no_downtime():
    async def scenario(stage, client):
        await client.subscribe_all_mids()
        await client.connect()
        await until(lambda: stage.told("ready"))
        await asyncio.sleep(5)
        before = len(stage.told("ready"))
        stage.cut(1)
        await asyncio.sleep(0.5)
        assert client.is_connected()
        assert stage.stats("connection_lost_time", "connection_lost_at") == [None, None]
        await until(lambda: len(stage.told("ready")) > before)
        assert stage.told("ready")[-1].downtime_seconds == 0.0

    played(scenario, redundancy=2)


def test_the_loss_is_dated_from_the_first_part_until_the_last_is_back():
    async def scenario(stage, client):
        await client.subscribe_order_updates(USERS[0])
        await client.subscribe_trades("BTC")
        await client.subscribe_trades("ETH")
        await client.connect()
        await client.wait_ready(10)
        await asyncio.sleep(5)
        back = stage.attempts + 1
        stage.lets_in = lambda number: number in (back, back + 5)
        stage.cut(1, 2)
        await asyncio.sleep(0.1)
        lost_at = stage.stats("connection_lost_time")
        assert datetime.now() - datetime.fromisoformat(lost_at) < timedelta(minutes=1)  # noqa: DTZ005

        seen = set()
        while not client.is_connected():
            seen.add(stage.stats("connection_lost_time"))
            await asyncio.sleep(0.1)
        assert stage.attempts >= back + 5
        assert seen == {lost_at}
        assert stage.stats("connection_lost_time") is None

    played(scenario, shards=3)


def test_a_replacement_that_takes_over_early_ends_the_loss_and_is_told():
    async def scenario(stage, client):
        await client.subscribe_all_mids()
        await client.connect()
        await client.wait_ready(10)
        opened = asyncio.Event()
        connect = stage.venue.connect

        async def slowly(url, receiver):
            await opened.wait()
            return await connect(url, receiver)

        stage.venue.connect = slowly
        first = stage.attempts
        await until(lambda: stage.attempts > first)  # the replacement is on its way
        stage.lets_in = lambda number: False
        ready = len(stage.told("ready"))
        stage.cut(1)
        await asyncio.sleep(0.1)
        assert stage.stats("connection_lost_time") is not None

        opened.set()
        await until(client.is_connected)
        assert stage.stats("connection_lost_time") is None
        await until(lambda: len(stage.told("ready")) > ready)
        assert stage.told("ready")[-1].downtime_seconds > 0

    played(scenario, rotate_after=30.0)


def test_stable_is_told_of_a_connection_that_lasted_and_of_no_other():
    async def scenario(stage, client):
        told = []
        client.on("stable", told.append)
        await client.subscribe_all_mids()
        await client.connect()
        assert await client.wait_ready(1)
        await asyncio.sleep(3)
        stage.cut(1)
        await until(lambda: len(stage.told("ready")) == 2)
        assert told == []
        await asyncio.sleep(4.5)
        assert told == []
        await asyncio.sleep(1)
        assert [it.connection_id for it in told] == [2]

    played(scenario)
