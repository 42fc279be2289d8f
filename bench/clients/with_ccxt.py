"""
ccxt.pro: ``watch_*`` in a loop for each feed, as its users write it.

Only the messages it has a handler for are asked for. Its caches join messages, so
what is counted are the messages it took in, one each, and not the loops' turns.
"""

import asyncio

import ccxt.pro
from meter import FEEDS, METER, URL

META = {"maxLeverage": "50", "szDecimals": "5"}


async def follow(watch, read):
    """Read what one feed brings, for ever."""
    while True:
        read(await watch())


def _trade(trades):
    _ = trades[0]["price"], trades[0]["amount"]


def _book(book):
    _ = book["bids"][0], book["asks"][0]


def _close(bars):
    _ = bars[0][4]


def _mid(tickers):
    _ = tickers["BTC/USDC:USDC"]["last"]


async def main():
    """Subscribe, and take what comes."""
    exchange = ccxt.pro.hyperliquid({"urls": {"api": {"ws": {"public": URL}}}})
    coins = sorted({feed["coin"] for feed in FEEDS if "coin" in feed})
    markets = [
        exchange.parse_market({**META, "name": coin, "baseId": number})
        for number, coin in enumerate(coins)
    ]
    exchange.set_markets(markets)
    take = exchange.handle_message

    def counted(client, message):
        take(client, message)
        if message.get("channel") not in ("pong", "subscriptionResponse"):
            METER.tick()

    exchange.handle_message = counted
    is_over = asyncio.Event()
    METER.on_done = is_over.set
    tasks = []
    for feed in FEEDS:
        symbol = f"{feed.get('coin')}/USDC:USDC"
        watch, read = {
            "trades": (lambda s=symbol: exchange.watch_trades(s), _trade),
            "l2Book": (lambda s=symbol: exchange.watch_order_book(s), _book),
            "candle": (lambda s=symbol: exchange.watch_ohlcv(s, "1m"), _close),
            "allMids": (lambda: exchange.watch_tickers(), _mid),
        }[feed["type"]]
        tasks.append(asyncio.ensure_future(follow(watch, read)))
    done, _ = await asyncio.wait(
        [*tasks, asyncio.ensure_future(is_over.wait())],
        return_when=asyncio.FIRST_COMPLETED,
    )
    if not METER.is_done:
        await done.pop()
    METER.report(ccxt=ccxt.__version__)


asyncio.run(main())
