"""bistoury as users hold it, with every protection on."""

import asyncio
from importlib.metadata import version

from meter import DICT_READERS, FEEDS, METER, SPEC, URL

from bistoury import Config, HyperLiquidIntegration, __version__


def _trades(message):
    row = message.data[0]
    _ = row.price, row.size
    METER.tick()


def _book(message):
    bid, ask = message.data.best()
    _ = bid.price, ask.price
    METER.tick()


def _whole_book(message):
    bids, asks = message.data.levels()
    _ = bids[0].price, asks[0].price
    METER.tick()


def _bbo(message):
    bid, ask = message.data.quotes
    _ = bid.price, ask.price
    METER.tick()


def _mids(message):
    _ = message.data.price("BTC")
    METER.tick()


def _whole_mids(message):
    _ = message.data.all()["BTC"]
    METER.tick()


def _candle(message):
    _ = message.data.close
    METER.tick()


def _context(message):
    _ = message.data.context.mark_price
    METER.tick()


TYPED_READERS = {
    "trades": _trades,
    "l2Book": _book,
    "bbo": _bbo,
    "allMids": _mids,
    "candle": _candle,
    "activeAssetCtx": _context,
}
READERS = {
    "dict": DICT_READERS,
    "typed": TYPED_READERS,
    "whole": {**TYPED_READERS, "l2Book": _whole_book, "allMids": _whole_mids},
}[SPEC["handler"]]
if SPEC["stamps"]:
    READERS = dict.fromkeys(READERS, METER.stamp)


async def main():
    """Subscribe, and take what comes."""
    base = "http" + URL.removeprefix("ws").removesuffix("/ws")
    limits = {"messages_per_minute": 1_000_000, "subscriptions": 10_000}
    config = Config(api_url=base, limits=limits)
    typed = SPEC["handler"] != "dict"
    async with HyperLiquidIntegration(config) as client:
        is_over = asyncio.Event()
        METER.on_done = is_over.set
        for feed in FEEDS:
            await client.subscribe(feed, READERS[feed["type"]], typed=typed)
        await is_over.wait()
        stats = client.get_reconnection_stats()
        if stats["total_reconnects"] or stats["gaps"]["unrecoverable"]:
            raise SystemExit(f"the run was disturbed: {stats}")
        packages = {name: version(name) for name in ("picows", "msgspec")}
        METER.report(bistoury=__version__, **packages)


asyncio.run(main())
