"""
A client as users run it, in a process of its own, and its account.

Arguments: the venue's URL, the file with the venue's ledger. Prints a JSON line for
each event, with the system's monotonic time. A line on stdin, ``[since, until]`` in
venue milliseconds, asks for the account of each stream; the end of stdin ends it.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from bistoury import Config, HyperLiquidIntegration
from bistoury.simulator.ledger import Ledger
from bistoury.testing.oracle import Oracle

USER = "0x" + "ab" * 20
STREAMS = ("trades:BTC", "trades:ETH", f"userFills:{USER}", f"orderUpdates:{USER}")
EVENTS = ("connected", "ready", "disconnected", "reconnecting", "stale", "down")

NOTABLE = 2.0
"""Mids come once a second: a longer silence is worth a line."""


def say(name, **facts):
    line = json.dumps({"event": name, "at": time.monotonic(), **facts})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def account(oracle, path, since, until):
    ledger = Ledger()
    with Path(path).open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                ledger.record(*json.loads(line))
    oracle._ledger = ledger
    rows = oracle.accounts(STREAMS, since, until)
    return {
        "published": sum(row.published for row in rows),
        "delivered": sum(row.delivered for row in rows),
        "recovered": sum(row.recovered for row in rows),
        "repeated": sum(row.repeated for row in rows),
        "in_gaps": sum(row.in_gaps for row in rows),
        "lost": sum(len(row.lost) for row in rows),
        "missing": [[row.stream, *row.lost[0]] for row in rows if row.lost],
    }


async def main():
    url, path = sys.argv[1:]
    oracle = Oracle(Ledger())
    client = HyperLiquidIntegration(Config(api_url=url, allow_insecure=True))
    client.on("gap", oracle.gap)
    for name in EVENTS:
        client.on(
            name,
            lambda event, name=name: say(
                name,
                cause=str(getattr(event, "cause", "")),
                was_open=getattr(event, "was_open", None),
                number=getattr(event, "connection_id", None),
                text=str(event),
            ),
        )
    heard = [time.monotonic()]

    def hear(_):
        silence = time.monotonic() - heard[0]
        heard[0] += silence
        if silence > NOTABLE:
            say("data", silence=silence)

    await client.subscribe_all_mids(hear)
    await client.subscribe_orderbook("BTC")
    await client.subscribe_trades("BTC", oracle.handler())
    await client.subscribe_trades("ETH", oracle.handler())
    await client.subscribe_user_fills(USER, oracle.handler())
    await client.subscribe_order_updates(USER, oracle.handler(USER))
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await client.connect()
    while line := await reader.readline():
        since, until = json.loads(line)
        stats = client.get_reconnection_stats()
        open_gaps = stats["gaps"]["open"]
        say(
            "account",
            open_gaps=open_gaps,
            is_connected=client.is_connected(),
            **account(oracle, path, since, until),
        )
    await client.disconnect()


asyncio.run(main())
