"""A client whose connection lives in a thread of its own, against real sockets."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest

from bistoury import Config, HyperLiquidIntegration, WrongLoopError
from bistoury.simulator import Limits, Settings, Venue
from bistoury.simulator.faults import Cut


class VenueElsewhere:
    """A venue that goes on when the loop of its client is blocked."""

    def __init__(self, venue, loop):
        self.url = venue.url
        self._venue, self._loop = venue, loop

    def inject(self, fault):
        self._loop.call_soon_threadsafe(self._venue.inject, fault)


@contextmanager
def venue_elsewhere(settings):
    started, ended = threading.Event(), []
    found = []

    async def main():
        stop = asyncio.Event()
        async with Venue(settings, seed=3) as venue:
            loop = asyncio.get_running_loop()
            found.append(VenueElsewhere(venue, loop))
            ended.append(lambda: loop.call_soon_threadsafe(stop.set))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield found[0]
    finally:
        ended[0]()
        thread.join(10)


@pytest.fixture
def venue():
    settings = Settings(coins=("BTC", "ETH"), trade_rate=20.0, limits=Limits.none())
    with venue_elsewhere(settings) as venue:
        yield venue


@pytest.fixture
async def client(venue):
    config = Config(api_url=venue.url, reconnect_delay=0.05)
    client = HyperLiquidIntegration(config, io_thread=True)
    yield client
    await client.disconnect()
    assert io_threads() == []


def io_threads():
    return [it for it in threading.enumerate() if it.name == "bistoury-io"]


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def block(seconds):
    time.sleep(seconds)


async def test_handlers_run_at_home_and_the_connection_does_not(client):
    names = set()

    def plain(message):
        names.add(("plain", threading.current_thread().name))

    async def coroutine(message):
        names.add(("coroutine", threading.current_thread().name))

    def on_ready(event):
        names.add(("event", threading.current_thread().name))

    client.on("ready", on_ready)
    assert await client.connect()
    await client.subscribe_trades("BTC", plain)
    await client.subscribe_trades("ETH", coroutine)
    client.add_message_handler("trades", plain)
    await until(lambda: len(names) == 3)
    main = threading.current_thread().name
    assert names == {("plain", main), ("coroutine", main), ("event", main)}
    assert len(io_threads()) == 1


async def test_a_blocked_handler_costs_no_message_and_no_connection(client):
    seen, is_over = [], []
    figures = {}

    def look():
        # From a third thread: what the client does while its user is stuck.
        figures["before"] = client._view().received
        time.sleep(1.5)
        figures["after"] = client._view().received

    def handler(message):
        if not figures:
            watcher = threading.Thread(target=look)
            watcher.start()
            block(2.0)
            watcher.join()
            is_over.append(len(seen))
        seen.extend(row["tid"] for row in message["data"])

    assert await client.connect()
    disconnected = []
    client.on("disconnected", disconnected.append)
    await client.subscribe_trades("BTC", handler)
    await until(lambda: is_over and len(seen) > is_over[0] + 40)
    assert figures["after"] > figures["before"] + 10
    assert len(seen) == len(set(seen))
    assert disconnected == []
    health = await client.get_connection_health()
    assert [it["overflowed"] for it in health["handlers"]] == [0]


async def test_a_connection_that_is_lost_while_a_handler_blocks_is_restored(
    client, venue
):
    ready, states = [], []

    def handler(message):
        if not states:
            venue.inject(Cut(how="rst"))
            end = time.monotonic() + 10
            while client.get_reconnection_stats()["total_reconnects"] == 0:
                assert time.monotonic() < end
                block(0.05)
            states.append(client.get_reconnection_stats()["state"])

    assert await client.connect()
    client.on("ready", ready.append)
    await client.subscribe_trades("BTC", handler)
    await until(lambda: states and ready)
    assert states == ["live"]


async def test_every_verb_works_from_home(client):
    assert await client.connect()
    seen = []
    handle = await client.subscribe_trades("BTC", seen.append)
    await until(lambda: seen)
    assert handle.state == "live"
    client.reconnect_delay = 0.1
    client.set_message_timeout(20)
    client.disable_auto_reconnect()
    client.enable_auto_reconnect()
    assert client.get_reconnection_stats()["message_timeout_seconds"] == 20
    assert "BTC" in await client.get_all_mids()
    assert "universe" in await client.request({"type": "meta"})
    assert await client.wait_ready(10)
    client.require_fresh(handle, 10)
    async with client.stream({"type": "bbo", "coin": "ETH"}) as stream:
        message = await anext(stream)
    assert message["channel"] == "bbo"
    await client.reconnect()
    await until(lambda: client.get_reconnection_stats()["total_reconnects"] == 1)
    await handle.unsubscribe()
    assert handle.state == "closed"
    assert (await client.get_connection_health())["state"] in {"live", "syncing"}


async def test_after_unsubscribing_there_is_no_further_call(client):
    seen = []
    assert await client.connect()
    handle = await client.subscribe_trades("BTC", seen.append)
    await until(lambda: seen)
    await handle.unsubscribe()
    count = len(seen)
    await asyncio.sleep(0.3)
    assert len(seen) == count


async def test_what_a_handler_has_not_come_to_when_disconnecting_is_a_gap(client):
    tids, gaps = [], []

    async def stuck(message):
        await asyncio.sleep(3600)

    client.on("gap", gaps.append)
    assert await client.connect()
    await client.subscribe_trades(
        "BTC", lambda it: tids.extend(row["tid"] for row in it["data"])
    )
    await client.subscribe_trades("BTC", stuck)
    (_, box) = client._dispatcher.outlets()
    await until(lambda: box.depth > 5)
    await client.disconnect()
    await until(lambda: len(gaps) == 2)  # they are on their way to this thread

    assert [it.status for it in gaps] == ["open", "unrecoverable"]
    assert gaps[1].missed_count > 6
    assert gaps[1].cause == "overflow"


async def test_a_handler_may_disconnect_the_client_it_works_for(client):
    done = []

    async def handler(message):
        await client.disconnect()
        done.append(message)

    assert await client.connect()
    await client.subscribe_trades("BTC", handler)
    await until(lambda: done)
    assert client.get_reconnection_stats()["state"] == "closed"


async def test_rest_before_connecting_and_connecting_again_afterwards(client):
    assert "BTC" in await client.get_all_mids()
    for _ in range(2):
        assert await client.connect()
        assert "BTC" in await client.get_all_mids()
        await client.disconnect()
        assert io_threads() == []


async def test_calls_from_a_third_thread_name_the_remedy(client):
    assert await client.connect()

    def body():
        for call in (client.subscribe_trades("ETH"), client.get_connection_health()):
            with pytest.raises(WrongLoopError, match="run_coroutine_threadsafe"):
                asyncio.run(call)
        with pytest.raises(WrongLoopError):
            client.set_message_timeout(3)

    await asyncio.to_thread(body)


def test_a_program_that_forgets_to_disconnect_ends_and_leaves_no_thread(venue):
    client = HyperLiquidIntegration(Config(api_url=venue.url), io_thread=True)

    async def main():
        assert await client.connect()
        await client.subscribe_trades("BTC", lambda message: None)

    asyncio.run(main())
    for thread in io_threads():
        thread.join(10)
    assert io_threads() == []
    assert client.get_reconnection_stats()["state"] == "closed"
