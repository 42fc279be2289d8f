"""
Print prices for a while; connection drops are handled on the way.

    python examples/quick_start.py --seconds 60

Reads the real venue unless BISTOURY_NETWORK or BISTOURY_API_URL say otherwise:
``bistoury sim`` in another terminal, and BISTOURY_NETWORK=local here.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from bistoury import Config, HyperLiquidIntegration


def show(message: dict[str, Any]) -> None:
    """Print two of the prices."""
    mids = message["data"]["mids"]
    print(f"BTC {mids.get('BTC')}  ETH {mids.get('ETH')}", flush=True)


async def main(seconds: float) -> None:
    """Connect, subscribe, wait, disconnect."""
    client = HyperLiquidIntegration(Config.load_from_env())
    await client.connect()
    await client.subscribe_all_mids(show)
    await asyncio.sleep(seconds)
    await client.disconnect(disable_auto_reconnect=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print prices for a while.")
    parser.add_argument("--seconds", type=float, default=60.0)
    asyncio.run(main(parser.parse_args().seconds))
