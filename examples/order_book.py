"""
Follow an order book with ``async for``: the spread, and the depth beside it.

    python examples/order_book.py ETH --seconds 60
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from bistoury import Config, HyperLiquidIntegration


def describe(book: dict[str, Any]) -> str:
    """Return a book in one line. Each message is a whole book, never a change."""
    bids, asks = book["levels"]
    if not (bids and asks):
        return f"{book['coin']}: one side is empty"
    bid, ask = float(bids[0]["px"]), float(asks[0]["px"])
    depth = sum(float(level["sz"]) for level in (*bids[:5], *asks[:5]))
    spread = (ask - bid) / bid * 10_000
    return f"{book['coin']}: {bid:g} / {ask:g}, {spread:.1f} bp, {depth:g} near by"


async def main(coin: str, seconds: float) -> None:
    """Print books for a while."""
    async with HyperLiquidIntegration(Config.load_from_env()) as client:
        books = client.stream({"type": "l2Book", "coin": coin, "fast": True})
        try:
            async with asyncio.timeout(seconds), books:
                async for message in books:
                    print(describe(message["data"]), flush=True)
        except TimeoutError:
            pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Follow an order book.")
    parser.add_argument("coin", nargs="?", default="BTC")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    asyncio.run(main(given.coin, given.seconds))
