"""
nautilus_trader's Hyperliquid client, from Python: Rust underneath, capsules above.

Trades, books and quotes are what it can be asked for. Its callback gets one object
for each trade, so a run ends when nothing has come for half a second.
"""

import asyncio
import time
from collections import Counter
from importlib.metadata import version

from meter import FEEDS, METER, SPEC, URL
from nautilus_trader.core import nautilus_pyo3 as rust

L2 = 2
QUIET = 10


def instrument(coin):
    """Return what it must know of a coin beforehand."""
    currency = rust.Currency.from_str("USDC")
    base = rust.Currency(coin, 8, 0, coin, rust.CurrencyType.CRYPTO)
    return rust.CryptoPerpetual(
        rust.InstrumentId.from_str(f"{coin}-PERP.HYPERLIQUID"),
        rust.Symbol(coin),
        base,
        currency,
        currency,
        False,
        1,
        3,
        rust.Price.from_str("0.1"),
        rust.Quantity.from_str("0.001"),
        0,
        0,
    )


async def main():
    """Subscribe, and take what comes until no more comes."""
    coins = sorted({feed["coin"] for feed in FEEDS})
    kinds = Counter()
    began = None

    def take(thing):
        nonlocal began
        if began is None:
            began = time.process_time(), time.monotonic()
        kinds[type(thing).__name__] += 1

    client = rust.HyperliquidWebSocketClient(URL)
    await client.connect([instrument(coin) for coin in coins], take)
    for feed in FEEDS:
        where = rust.InstrumentId.from_str(f"{feed['coin']}-PERP.HYPERLIQUID")
        if feed["type"] == "trades":
            await client.subscribe_trades(where)
        elif feed["type"] == "bbo":
            await client.subscribe_quotes(where)
        else:
            await client.subscribe_order_book_deltas(where, L2, 20)
    seen = quiet = 0
    ended = 0.0, 0.0
    while quiet < QUIET:
        await asyncio.sleep(0.05)
        now = kinds.total()
        if now == seen:
            quiet += seen > 0
        else:
            seen, quiet = now, 0
            ended = time.process_time(), time.monotonic()
    METER.cpu, METER.wall = (end - begin for end, begin in zip(ended, began))
    SPEC["skip"] = 0
    METER.report(nautilus_trader=version("nautilus_trader"), objects=dict(kinds))


asyncio.run(main())
