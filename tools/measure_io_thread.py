"""
What a thread for input and output costs, and what it saves.

    python tools/measure_io_thread.py              # about a minute and a half
    python tools/measure_io_thread.py --block 5    # a shorter block

The venue is another process. First the same messages are taken with and without
the thread, in turns, and the processor time of each is told. Then a handler blocks
its event loop, with and without the thread, on a connection that is otherwise quiet.
"""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from bistoury import Config, HyperLiquidIntegration
from bistoury.simulator import Limits, Settings, Venue, many_coins

MANY = dict.fromkeys(("connections_per_minute", "messages_per_minute"), 10**9)
COINS = many_coins(40)


def serve(settings: Settings, urls: Any) -> None:
    """Be the venue."""

    async def main() -> None:
        async with Venue(settings, seed=1) as venue:
            urls.put(venue.url)
            await asyncio.sleep(3600)

    asyncio.run(main())


@contextmanager
def venue(**settings: Any) -> Iterator[str]:
    """Start a venue in another process; return where it is."""
    context = multiprocessing.get_context("spawn")
    urls = context.Queue()
    chosen = Settings(limits=Limits.none(), **settings)
    process = context.Process(target=serve, args=(chosen, urls), daemon=True)
    process.start()
    try:
        yield urls.get(timeout=30)
    finally:
        process.terminate()
        process.join()


def client_of(url: str, *, io_thread: bool) -> HyperLiquidIntegration:
    """Return a client of the venue at ``url``."""
    config = Config(api_url=url, limits=MANY)
    return HyperLiquidIntegration(config, io_thread=io_thread)


async def take(url: str, *, io_thread: bool, seconds: float) -> float:
    """Return microseconds of processor time for each message taken."""
    count = 0

    def handler(message: dict[str, Any]) -> None:
        nonlocal count
        count += len(message["data"]) > 0

    async with client_of(url, io_thread=io_thread) as client:
        for coin in COINS:
            await client.subscribe_trades(coin, handler)
            await client.subscribe_bbo(coin, handler)
        await client.wait_ready(10)
        count, began = 0, time.process_time()
        await asyncio.sleep(seconds)
        return (time.process_time() - began) / count * 1e6


async def block(url: str, *, io_thread: bool, seconds: float) -> dict[str, Any]:
    """Block the loop once; return what that cost."""
    events: list[str] = []
    async with client_of(url, io_thread=io_thread) as client:
        client.on("disconnected", lambda it: events.append(f"disconnected {it.cause}"))
        client.on("gap", lambda it: events.append(f"gap {it.status}"))
        await client.subscribe_user_fills("0x" + "1" * 40)
        await client.wait_ready(10)
        time.sleep(seconds)  # noqa: ASYNC251 -- what a handler should not do
        await asyncio.sleep(8)
        stats = client.get_reconnection_stats()
        return {
            "reconnects": stats["total_reconnects"],
            "gaps": sum(stats["gaps"].values()),
            "events": events,
        }


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--block", type=float, default=65.0, help="seconds to block")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each kind")
    asked = parser.parse_args()
    costs: dict[bool, list[float]] = {False: [], True: []}
    with venue(coins=COINS, trade_rate=30.0) as url:
        for _ in range(asked.rounds):
            for io_thread, found in costs.items():
                found.append(asyncio.run(take(url, io_thread=io_thread, seconds=3)))
    for io_thread, found in costs.items():
        middle, all_of_them = statistics.median(found), [round(it, 1) for it in found]
        print(f"io_thread={io_thread}: {middle:.1f} µs a message, {all_of_them}")
    ratio = statistics.median(costs[True]) / statistics.median(costs[False])
    print(f"the thread costs {ratio:.2f} times as much processor time")
    for io_thread in costs:
        with venue(user_rate=0.0) as url:
            cost = asyncio.run(block(url, io_thread=io_thread, seconds=asked.block))
        print(f"blocked for {asked.block:g} s, io_thread={io_thread}: {cost}")


if __name__ == "__main__":
    main()
