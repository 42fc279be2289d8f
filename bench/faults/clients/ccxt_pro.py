"""
ccxt.pro's Hyperliquid exchange, with the loop that its manual shows.

An error ends an await; the loop says so, waits a second and awaits again.
"""

# mypy: ignore-errors

import asyncio
import sys

import ccxt.pro
import said

URL = sys.argv[1]
PAIRS = {"BTC": "BTC/USDC:USDC", "ETH": "ETH/USDC:USDC"}


async def watch(exchange, method, coin, take):
    """Await again and again."""
    while True:
        try:
            take(coin, await getattr(exchange, method)(PAIRS[coin]))
        except ccxt.BaseError as error:
            said.say("word", text=f"{type(error).__name__}: {error}"[:200])
            await asyncio.sleep(1)


def trades(coin, rows):
    """Say which trades came."""
    said.trades(coin, [int(row["id"]) for row in rows])


async def main():
    """Subscribe, and listen until ended."""
    said.say("version", version=ccxt.__version__)
    socket = "ws" + URL.removeprefix("http") + "/ws"
    exchange = ccxt.pro.hyperliquid(
        {
            "newUpdates": True,
            "urls": {"api": {"public": URL, "private": URL, "ws": {"public": socket}}},
        }
    )
    await exchange.load_markets()
    try:
        await asyncio.gather(
            watch(exchange, "watch_trades", "BTC", trades),
            watch(exchange, "watch_trades", "ETH", trades),
            watch(exchange, "watch_order_book", "BTC", lambda coin, _: said.book(coin)),
        )
    finally:
        await exchange.close()


asyncio.run(main())
