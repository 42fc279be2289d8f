"""
Know what was missed: recovered trades, and gaps that nobody could fill.

    python examples/handle_gap.py --seconds 120

What fills a gap carries ``"recovered": True`` and comes before anything newer, so
a bar or a sum built from trades stays right. What could not be had again is told
as a ``gap``: then a strategy had better wait, or begin anew.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from bistoury import Config, HyperLiquidIntegration


class Bars:
    """Adds trades up, and knows whether the sum can be trusted."""

    def __init__(self) -> None:
        self.trades = 0
        self.recovered = 0
        self.is_complete = True

    def take(self, message: dict[str, Any]) -> None:
        """Count trades; late ones count too, because each comes once."""
        self.trades += len(message["data"])
        if message.get("recovered"):
            self.recovered += len(message["data"])
            print(f"{len(message['data'])} trades of an outage came late", flush=True)

    def gap(self, event: Any) -> None:
        """Stop trusting the sum if something is gone for good."""
        print(event, flush=True)
        if event.status == "unrecoverable":
            self.is_complete = False


async def main(seconds: float) -> None:
    """Follow trades through whatever happens."""
    bars = Bars()
    async with HyperLiquidIntegration(Config.load_from_env()) as client:
        client.on("disconnected", lambda event: print(event, flush=True))
        client.on("ready", lambda event: print(event, flush=True))
        client.on("gap", bars.gap)
        await client.subscribe_trades("BTC", bars.take)
        print("following trades", flush=True)
        await asyncio.sleep(seconds)
    trust = "complete" if bars.is_complete else "not complete"
    print(f"{bars.trades} trades, {bars.recovered} of them late: {trust}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Know what was missed.")
    parser.add_argument("--seconds", type=float, default=120.0)
    asyncio.run(main(parser.parse_args().seconds))
