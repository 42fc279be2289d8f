"""bistoury as users run it; ``--cap=5`` waits five seconds at most."""

import asyncio
import sys
from typing import Any

import said  # type: ignore[import-not-found]  # beside this script

from bistoury import Config, HyperLiquidIntegration, __version__


def hear(message: dict[str, Any]) -> None:
    """Say what came."""
    data = message["data"]
    if message["channel"] == "trades":
        said.trades(data[0]["coin"], [row["tid"] for row in data])
    else:
        said.book(data["coin"])


def gap(event: Any) -> None:
    """Say what is known to be missing."""
    said.say(
        "gap",
        feed=":".join((event.subscription.feed, str(event.subscription.get("coin")))),
        status=event.status,
        since=event.since,
        until=event.until,
        is_partial=bool(event.note),
    )


async def main() -> None:
    """Subscribe, and listen until ended."""
    said.say("version", version=__version__)
    caps = [float(it[6:]) for it in sys.argv if it.startswith("--cap=")]
    client = HyperLiquidIntegration(
        Config(api_url=sys.argv[-1], max_reconnect_delay=caps[0] if caps else None)
    )
    client.on("gap", gap)
    for name in ("disconnected", "stale", "degraded", "down"):
        client.on(name, lambda event: said.say("word", text=str(event)[:200]))
    await client.subscribe_trades("BTC", hear)
    await client.subscribe_trades("ETH", hear)
    await client.subscribe_orderbook("BTC", hear)
    await client.connect()
    await asyncio.Event().wait()


asyncio.run(main())
