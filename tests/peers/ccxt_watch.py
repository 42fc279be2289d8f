"""
ccxt's Hyperliquid exchange, as it is, against the venue whose URL is given.

Runs in an environment of its own; prints one JSON line of what it got.
"""

import asyncio
import json
import sys

import ccxt.pro

URL = sys.argv[1]
PERP = "BTC/USDC:USDC"


async def main():
    socket = "ws" + URL.removeprefix("http") + "/ws"
    exchange = ccxt.pro.hyperliquid(
        {"urls": {"api": {"public": URL, "private": URL, "ws": {"public": socket}}}}
    )
    try:
        async with asyncio.timeout(60):
            markets = await exchange.load_markets()
            trades, books = [], []
            while len(trades) < 10:
                trades += await exchange.watch_trades(PERP)
            while len(books) < 3:
                book = await exchange.watch_order_book(PERP)
                books.append({"bids": book["bids"][:2], "asks": book["asks"][:2]})
            bars = await exchange.fetch_ohlcv(PERP, "1m", limit=20)
            ticker = await exchange.fetch_order_book(PERP)
    finally:
        await exchange.close()
    return {
        "symbols": sorted(markets),
        "trades": trades[-3:],
        "books": books,
        "bars": bars,
        "book": {"bids": ticker["bids"][:2], "asks": ticker["asks"][:2]},
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))  # noqa: T201
