"""Many subscriptions, many kills: over real sockets."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.config import Limits
from bistoury.simulator.faults import Cut
from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Settings, many_coins
from bistoury.simulator.settings import Limits as VenueLimits

USER = "0x" + "1" * 40


async def until(condition, within=60):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_thousand_subscriptions_come_back_after_a_cut():
    count = 998
    settings = Settings(
        coins=many_coins(count),
        trade_rate=0.05,
        cadences=Cadences(all_mids=1.0),
        limits=VenueLimits(messages_per_minute=4000),
    )
    async with Venue(settings) as venue:
        config = Config(api_url=venue.url, limits=Limits(messages_per_minute=4000))
        client = HyperLiquidIntegration(config, connect_timeout=60)
        client.reconnect_delay = 0.1
        ready = []
        client.on("ready", ready.append)
        for coin in many_coins(count):
            await client.subscribe_bbo(coin)
        await client.subscribe_all_mids()
        await client.subscribe_order_updates(USER)
        assert await client.connect()
        await until(lambda: len(ready) == 1)
        assert client.get_reconnection_stats()["subscriptions"]["acknowledged"] == 1000

        venue.inject(Cut(how="rst"))
        await until(lambda: not client.is_connected())
        await until(lambda: len(ready) == 2)

        stats = client.get_reconnection_stats()
        assert stats["currently_connected"] is True
        assert stats["subscriptions"]["acknowledged"] == 1000
        assert ready[1].restored == 1000
        (held,) = [it for it in venue.exchange.subscriptions().values() if it]
        assert len(held) == 1000
        health = await client.get_connection_health()
        used = health["limits"]["messages_per_minute"]
        assert 2000 <= used["used"] <= used["allowed"] == 4000
        # The venue counted too, and never had to refuse anything.
        assert client._monitor.complaints == {}
        await client.disconnect()


@pytest.mark.slow
async def test_f56_a_restore_is_paced_in_real_time_by_a_window_that_the_venue_counts():
    """
    The venue's minute takes three seconds here, and it counts what arrives.

    The client counts what it sends: its minute is longer by what a busy machine may
    take to hand over a burst.
    """
    count, allowed, seconds, handing_over = 998, 300, 3.0, 2.0
    settings = Settings(
        coins=many_coins(count),
        trade_rate=0.05,
        cadences=Cadences(all_mids=1.0),
        limits=VenueLimits(messages_per_minute=allowed, window=seconds),
    )
    async with Venue(settings) as venue:
        limits = Limits(messages_per_minute=allowed, connections_per_minute=60)
        config = Config(api_url=venue.url, limits=limits)
        client = HyperLiquidIntegration(config, connect_timeout=60)
        client._account.messages.seconds = seconds + handing_over
        client.reconnect_delay = 0.1
        loop = asyncio.get_running_loop()
        ready, arrivals, users = [], [], []
        client.on("ready", lambda it: ready.append(loop.time()))
        receive = venue.exchange.receive

        def count_it(number, frame, now):
            arrivals.append(loop.time())
            if USER.encode() in frame:
                users.append(len(arrivals))
            receive(number, frame, now)

        venue.exchange.receive = count_it
        for coin in many_coins(count):
            await client.subscribe_bbo(coin)
        await client.subscribe_all_mids()
        await client.subscribe_order_updates(USER)
        assert await client.connect()
        await until(lambda: len(ready) == 1)
        await asyncio.sleep(seconds + handing_over)
        arrivals.clear()
        users.clear()
        began = loop.time()
        venue.inject(Cut(how="rst"))
        await until(lambda: len(ready) == 2)
        assert client.get_reconnection_stats()["subscriptions"]["acknowledged"] == 1000
        # Four windows' worth: it cannot have come in one burst, and never refused.
        assert ready[1] - began >= (1000 / (allowed * 0.9) - 1) * seconds - 0.5
        assert client._monitor.complaints == {}
        busiest = max(
            sum(at <= other < at + seconds for other in arrivals) for at in arrivals
        )
        assert busiest <= allowed
        assert users[0] <= 3  # behind the first ping, before any market's feed
        await client.disconnect()


@pytest.mark.slow
def test_two_hundred_kills_leave_nothing_behind():
    script = Path(__file__).with_name("kill.py")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(script), "200"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    counted = json.loads(done.stdout)
    assert counted["after"] == counted["before"]
    assert counted["connected"] > 200
    assert counted["connections at the end"] == 1
    assert counted["tasks at the end"] == 0
    assert counted["threads at the end"] == 1
