"""Threads and event loops: what may be read from anywhere, and what may not."""

import asyncio
import itertools
import sys
import threading

import pytest

from bistoury import Config, HyperLiquidIntegration, WrongLoopError
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.venue import MemoryVenue

PORTS = itertools.count(30_000)
USER = "0x" + "1" * 40


class AnyVenue:
    """A transport that leads to whichever venue lives on the running loop."""

    def __init__(self):
        self.venue = None

    async def connect(self, url, receiver):
        return await self.venue.connect(url, receiver)


def client_of(transport):
    config = Config(
        api_url=f"http://127.0.0.1:{next(PORTS)}",
        limits={"connections_per_minute": 100_000, "messages_per_minute": 1_000_000},
    )
    client = HyperLiquidIntegration(config, transport=transport)
    client.reconnect_delay = client.max_reconnect_delay = 0.01
    return client


def venue_here():
    return MemoryVenue(Exchange(Settings(limits=Limits.none(), trade_rate=20.0)))


@pytest.fixture
async def venue():
    venue = venue_here()
    yield venue
    venue.stop()


@pytest.fixture
async def client(venue):
    client = client_of(venue)
    assert await client.connect()
    yield client
    await client.disconnect()


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


ASYNC_CALLS = {
    "connect": lambda client: client.connect(),
    "disconnect": lambda client: client.disconnect(),
    "reconnect": lambda client: client.reconnect(),
    "wait_ready": lambda client: client.wait_ready(),
    "get_connection_health": lambda client: client.get_connection_health(),
    "subscribe_all_mids": lambda client: client.subscribe_all_mids(),
    "subscribe_user_fills": lambda client: client.subscribe_user_fills(USER),
    "stream": lambda client: anext(client.stream({"type": "allMids"})),
}
PLAIN_CALLS = {
    "enable_auto_reconnect": lambda client: client.enable_auto_reconnect(),
    "disable_auto_reconnect": lambda client: client.disable_auto_reconnect(),
    "set_message_timeout": lambda client: client.set_message_timeout(20),
    "reconnect_delay": lambda client: setattr(client, "reconnect_delay", 1),
    "on": lambda client: client.on("ready", print),
    "add_message_handler": lambda client: client.add_message_handler("trades", print),
}


async def outcome_in_a_thread(call):
    """Call in another thread, on a loop of its own; return what it raised."""
    outcome = []

    def body():
        async def main():
            result = call()
            if asyncio.iscoroutine(result) or hasattr(result, "__await__"):
                await result

        try:
            asyncio.run(main())
            outcome.append(None)
        except BaseException as error:  # noqa: BLE001 -- handed to who asked
            outcome.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    await until(lambda: outcome)
    thread.join()
    return outcome[0]


@pytest.mark.parametrize("name", [*ASYNC_CALLS, *PLAIN_CALLS])
async def test_a_call_from_another_thread_names_the_remedy(client, name):
    call = (ASYNC_CALLS | PLAIN_CALLS)[name]
    before = client.get_reconnection_stats()

    error = await outcome_in_a_thread(lambda: call(client))

    assert isinstance(error, WrongLoopError)
    assert isinstance(error, RuntimeError)
    assert "asyncio.run_coroutine_threadsafe" in str(error)
    after = client.get_reconnection_stats()
    assert after["subscriptions"] == before["subscriptions"]
    assert after["message_timeout_seconds"] == before["message_timeout_seconds"]
    assert after["auto_reconnect_enabled"] is True
    assert client.is_connected()


async def test_unsubscribing_from_another_thread_names_the_remedy(client):
    handle = await client.subscribe_all_mids()
    error = await outcome_in_a_thread(handle.unsubscribe)
    assert isinstance(error, WrongLoopError)
    assert handle.state != "closed"


async def test_the_remedy_works(client):
    loop = asyncio.get_running_loop()
    handles = []

    def body():
        work = client.subscribe_all_mids()
        handles.append(asyncio.run_coroutine_threadsafe(work, loop).result(10))

    thread = threading.Thread(target=body)
    thread.start()
    await until(lambda: handles)
    thread.join()
    assert handles[0].state in {"live", "pending"}


async def test_statistics_may_be_read_from_any_thread_at_any_time(client, venue):
    stop, errors, readings = threading.Event(), [], []

    def read():
        try:
            while not stop.is_set():
                stats = client.get_reconnection_stats()
                assert stats["currently_connected"] == (stats["state"] == "live")
                client.is_connected()
                repr(client)
                readings.append(stats["state"])
        except BaseException as error:  # noqa: BLE001 -- raised below
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            coin = ("BTC", "ETH", "SOL", "HYPE", "DOGE")[number % 5]
            handle = await client.subscribe_trades(coin)
            await client.subscribe_candle(coin, "1m")
            if number % 4 == 0:
                venue.exchange.inject(Cut(how="rst"), venue.now())
                venue.turn()
                await until(lambda: not client.is_connected())
                await until(client.is_connected)
            await handle.unsubscribe()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert errors == []
    assert len(readings) > 100
    assert "live" in readings


def test_a_client_outlives_its_loop():
    transport = AnyVenue()
    client = client_of(transport)
    seen = []

    async def first():
        transport.venue = venue_here()
        assert await client.connect()
        await client.subscribe_all_mids(seen.append)
        await until(lambda: seen)

    async def second():
        transport.venue = venue_here()
        assert await client.connect()
        seen.clear()
        await until(lambda: seen)
        assert await client.wait_ready(timeout=10)
        await client.disconnect()
        transport.venue.stop()

    asyncio.run(first())
    assert not asyncio.iscoroutine(client)
    asyncio.run(second())
    assert client.get_reconnection_stats()["state"] == "closed"


def test_a_client_with_a_coroutine_handler_outlives_its_loop():
    transport = AnyVenue()
    client = client_of(transport)
    seen = []

    async def handler(message):
        seen.append(message)
        await asyncio.sleep(3600)

    async def first():
        transport.venue = venue_here()
        assert await client.connect()
        await client.subscribe_trades("BTC", handler)
        await until(lambda: seen)

    async def second():
        transport.venue = venue_here()
        assert await client.connect()
        seen.clear()
        await until(lambda: seen)
        await client.disconnect()
        transport.venue.stop()

    asyncio.run(first())
    asyncio.run(second())


def test_each_connect_binds_to_the_running_loop():
    transport = AnyVenue()
    client = client_of(transport)

    async def once():
        transport.venue = venue_here()
        assert await client.connect()
        await client.subscribe_all_mids()
        assert await client.wait_ready(timeout=10)
        await client.disconnect()
        transport.venue.stop()

    for _ in range(3):
        asyncio.run(once())


def test_settings_may_be_changed_without_any_loop():
    client = client_of(AnyVenue())
    client.reconnect_delay = 3
    client.set_message_timeout(11)
    client.disable_auto_reconnect()
    client.on("ready", print)()
    client.add_message_handler("trades", print)()
    stats = client.get_reconnection_stats()
    assert stats["message_timeout_seconds"] == 11
    assert stats["auto_reconnect_enabled"] is False
