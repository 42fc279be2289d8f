"""
A bot that is killed: sends orders, each once, and says what was acknowledged.

Run as ``trader.py <url> <journal> <first> <count>``: orders ``first`` to ``first +
count``, each with a nonce of its own; of those that a journal already answers, the
same answer comes again. What is printed was acknowledged.
"""

import asyncio
import sys

from bistoury import Config
from bistoury.config import Limits
from bistoury.errors import StaleDataError
from bistoury.paper_trading import PaperConfig, PaperTradingEngine

URL, JOURNAL, FIRST, COUNT = (
    sys.argv[1],
    sys.argv[2],
    int(sys.argv[3]),
    int(sys.argv[4]),
)
MANY = 1_000_000


async def main():
    limits = Limits(
        connections=MANY,
        connections_per_minute=MANY,
        subscriptions=MANY,
        messages_per_minute=MANY,
        rest_weight_per_minute=MANY,
    )
    config = Config(network="local", api_url=URL, limits=limits)
    paper = PaperConfig(
        entry_latency="constant(0)",
        cancel_latency="constant(0)",
        response_latency="constant(0)",
    )
    engine = PaperTradingEngine(
        config, coins=["BTC"], journal=JOURNAL, paper=paper, cash="100000000"
    )
    await engine.start()
    while not engine.is_ready or engine.venue.desk.coin("BTC").health.state != "live":
        await asyncio.sleep(0.005)
    print("begun", flush=True)

    async def send(nonce):
        book = engine.venue.desk.coin("BTC").book
        while not book.bids.levels or not book.asks.levels:
            await asyncio.sleep(0.005)
        takes = nonce % 2 == 0
        tif = {"limit": {"tif": "Ioc" if takes else "Gtc"}}
        # The same in every life: another order with that nonce would be refused.
        px = 100_000 if takes else 50_000
        answer = await engine.order(
            "BTC", True, "0.001", px, tif, cloid=f"0x{nonce:032x}", nonce=nonce
        )
        print(nonce, answer["status"], flush=True)

    # Several are under way at any time, as in life.
    pending = set()
    for nonce in range(FIRST, FIRST + COUNT):
        pending.add(asyncio.ensure_future(send(nonce)))
        if len(pending) >= 4:
            done, pending = await asyncio.wait(
                pending, return_when=asyncio.FIRST_COMPLETED
            )
            for it in done:
                it.result()
    await asyncio.gather(*pending)
    await engine.stop()
    print("ended", flush=True)


try:
    asyncio.run(main())
except StaleDataError as error:
    print("stale", error, flush=True)
