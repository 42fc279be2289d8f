"""hyperliquid-python-sdk's ``Info``, with callbacks as its examples have them."""

# mypy: ignore-errors

import sys
import time
from importlib.metadata import version

import said
from hyperliquid.info import Info


def hear(message):
    """Say what came."""
    data = message["data"]
    if message["channel"] == "trades":
        said.trades(data[0]["coin"], [row["tid"] for row in data])
    else:
        said.book(data["coin"])


said.say("version", version=version("hyperliquid-python-sdk"))
info = Info(sys.argv[1])
for body in (
    {"type": "trades", "coin": "BTC"},
    {"type": "trades", "coin": "ETH"},
    {"type": "l2Book", "coin": "BTC"},
):
    info.subscribe(body, hear)
while True:
    # The one thing an application can look at.
    if not info.ws_manager.is_alive():
        said.say("word", text="the thread of the socket has ended")
        time.sleep(3600)
    time.sleep(0.1)
