"""
Kills the connection of one client many times in every way, and counts what is left.

Run under ``-X dev -W error``; prints one JSON line. What it counts is taken when
nothing is under way, before the first kill and after the last.
"""

import asyncio
import gc
import json
import sys
import threading
from contextlib import suppress
from pathlib import Path

from bistoury import Config, HyperLiquidIntegration
from bistoury.config import Limits as Allowed
from bistoury.simulator.faults import Cut, Flap, Garble, Refuse, Silent
from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Limits, Settings

KILLS = int(sys.argv[1])
WAYS = (
    ("rst", Cut(how="rst"), None),
    ("eof", Cut(how="eof"), None),
    ("close 1000", Cut(how="close", code=1000, reason="Expired"), None),
    ("close 1001", Cut(how="close", code=1001), None),
    ("close 1008", Cut(how="close", code=1008), None),
    ("close 1011", Cut(how="close", code=1011), None),
    ("close 1012", Cut(how="close", code=1012), None),
    ("invalid UTF-8", Garble(probability=1.0, how=("utf8",)), 0.05),
    ("refused 503", Refuse(status=503), 0.05),
    ("refused tcp", Refuse(how="tcp"), 0.05),
    ("refused rst", Refuse(how="rst"), 0.05),
    ("hanging upgrade", Refuse(how="hang"), 0.1),
    ("flap", Flap(after=0.0), 0.05),
    ("half-open", Silent(), 1.0),
    ("user", None, None),
)


async def until(condition, within=30):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)


def count():
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


async def settled(expected):
    """Return the counts once they are as before, or after some patience."""
    with suppress(TimeoutError):
        await until(lambda: count() == expected, within=10)
    return count()


async def kill(client, venue, number):
    """End one connection; wait until another one is live."""
    name, fault, lasts = WAYS[number % len(WAYS)]
    lost = client.get_reconnection_stats()["total_reconnects"]
    if fault is None:
        await client.reconnect()
    else:
        venue.inject(fault, lasts)
        if name.startswith(("refused", "hanging", "flap")):
            venue.inject(Cut(how="rst"))
    if name == "half-open":
        # The same rule as by default, in a shorter time.
        await until(lambda: not client.is_connected())
        venue.heal()
    await until(lambda: client.get_reconnection_stats()["total_reconnects"] > lost)
    await until(client.is_connected)


async def main():
    import msgspec

    settings = Settings(
        coins=("BTC",), limits=Limits.none(), cadences=Cadences(all_mids=0.02)
    )
    allowed = Allowed(connections_per_minute=1_000_000, messages_per_minute=1_000_000)
    async with Venue(settings) as venue:
        client = HyperLiquidIntegration(Config(api_url=venue.url, limits=allowed))
        client.reconnect_delay = client.max_reconnect_delay = 0.01
        policy = msgspec.structs.replace(
            client._session.policy, ping_interval=0.15, pong_timeout=0.15
        )
        client._adopt(policy)
        seen = []

        async def handler(message):
            seen.append(message)

        await client.subscribe_all_mids(handler)
        await client.subscribe_trades("BTC", handler)
        # Once each way first: what is made once and kept is no leak.
        assert await client.connect()
        for number in range(len(WAYS)):
            await kill(client, venue, number)
        await client.disconnect()
        await client.connect()
        await until(client.is_connected)
        await client.wait_ready(timeout=10)
        await asyncio.sleep(0.2)
        before = count()
        for number in range(KILLS):
            await kill(client, venue, number)
        seen.clear()
        await until(lambda: seen)
        after = await settled(before)
        connected = venue.exchange.counters["connected"]
        held = [it for it in venue.exchange.subscriptions().values() if it]
        await client.disconnect()
    rest = {
        "before": before,
        "after": after,
        "connected": connected,
        "connections at the end": len(held),
        "tasks at the end": len(asyncio.all_tasks()) - 1,
        "threads at the end": threading.active_count(),
    }
    print(json.dumps(rest))  # noqa: T201


if __name__ == "__main__":
    import logging

    # asyncio's debug mode says what was slow: that is the machine's business.
    logging.getLogger("asyncio").addFilter(
        lambda record: not record.msg.startswith("Executing ")
    )
    asyncio.run(main())
