"""
A local venue on an address of its namespace; a process that can be stopped and killed.

Arguments: address, port (0 takes a free one), the file that gets the ledger. What is
published is in that file before anybody is told, so that a kill loses no account.
"""

import asyncio
import json
import os
import signal
import sys

from bistoury.simulator import Limits, Settings, Venue
from bistoury.simulator.exchange import Exchange

SETTINGS = Settings(
    coins=("BTC", "ETH"),
    trade_rate=2.0,
    user_rate=0.5,
    history=3600.0,
    limits=Limits.none(),
)


async def main():
    bind, port, path = sys.argv[1:]
    book = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    exchange = Exchange(SETTINGS, seed=5)
    record = exchange.ledger.record

    def write(stream, time, key):
        os.write(book, json.dumps([stream, time, key]).encode() + b"\n")
        record(stream, time, key)

    exchange.ledger.record = write
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    venue = Venue(host=exchange, bind=bind)
    try:
        sys.stdout.write(json.dumps({"url": await venue.start(int(port))}) + "\n")
        sys.stdout.flush()
        await ending.wait()
    finally:
        await venue.stop()


asyncio.run(main())
