# ruff: noqa: INP001 -- a script, not a package
"""
How long it takes to look at a client, and how much there is to see.

With 1, 100 and 1,000 subscriptions of a local venue: the document of the page, one
frame of its stream, a scrape of the metrics, a picture of ``watch``, and the look that
is taken every second. Run it as ``python tools/measure_view.py [--json] [COUNT ...]``;
it exits with 1 if a scrape takes 100 ms or more.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import msgspec
from rich.console import Console

from bistoury import Config, HyperLiquidIntegration
from bistoury.cli.viewer import Viewer
from bistoury.config import Limits
from bistoury.observability.snapshot import compact
from bistoury.simulator import Limits as VenueLimits
from bistoury.simulator import Settings, Venue

COUNTS = (1, 100, 1000)
PROMISED_SCRAPE = 0.1
_TIMES = 15


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median of the seconds that ``work`` takes, and its result."""
    seconds, result = [], None
    for _ in range(_TIMES):
        began = perf_counter()
        result = work()
        seconds.append(perf_counter() - began)
    return median(seconds), result


def picture(viewer: Viewer, width: int, height: int) -> str:
    """Draw a picture of ``watch``."""
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(viewer.render(width, height))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


async def measure(count: int) -> dict[str, Any]:
    """Measure a client with so many subscriptions."""
    coins = tuple(f"C{number}" for number in range(count))
    settings = Settings(coins=coins, trade_rate=0.05, limits=VenueLimits.none())
    async with Venue(settings) as venue:
        limits = Limits(subscriptions=10_000, messages_per_minute=100_000)
        config = Config(network="local", api_url=venue.url, limits=limits)
        client = HyperLiquidIntegration(config)
        for coin in coins:
            await client.subscribe_trades(coin)
        began = perf_counter()
        await client.connect()
        await client.wait_ready(60)
        restored = perf_counter() - began
        window = client._window  # noqa: SLF001 -- what the server looks through
        figures: dict[str, Any] = {"subscriptions": count, "ready_after": restored}
        figures["look"], _ = timed(window.look)
        figures["state"], state = timed(window.state)
        figures["frame"], frame = timed(
            lambda: msgspec.json.encode(compact(window.state()), enc_hook=str)
        )
        figures["frame_bytes"] = len(frame)
        figures["scrape"], (text, _) = timed(window.metrics)
        figures["scrape_bytes"] = len(text)
        viewer = Viewer(state)
        for width, height in ((80, 24), (200, 50)):
            name = f"watch_{width}x{height}"
            figures[name], _ = timed(lambda w=width, h=height: picture(viewer, w, h))
        await client.disconnect()
    return figures


def main() -> int:
    """Measure each count; print a table or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="*", type=int, default=COUNTS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    is_fast = True
    for count in given.count:
        figures = asyncio.run(measure(count))
        is_fast = is_fast and figures["scrape"] < PROMISED_SCRAPE
        if given.json:
            print(json.dumps({"v": 1, **figures}))  # noqa: T201
            continue
        print(f"{count} subscriptions")  # noqa: T201
        for name, value in figures.items():
            if name.endswith("_bytes"):
                print(f"  {name:<14} {value:>10,}")  # noqa: T201
            elif name != "subscriptions":
                print(f"  {name:<14} {value * 1000:>10.2f} ms")  # noqa: T201
    return 0 if is_fast else 1


if __name__ == "__main__":
    sys.exit(main())
