"""hyperliquid-python-sdk: its ``WebsocketManager``, as its users have it."""

import threading
from importlib.metadata import PackageNotFoundError, version

from hyperliquid.websocket_manager import WebsocketManager
from meter import FEEDS, METER, URL, readers

HANDLERS = readers()

is_over = threading.Event()
METER.on_done = is_over.set
base = "http" + URL.removeprefix("ws").removesuffix("/ws")
manager = WebsocketManager(base)
manager.daemon = True
manager.start()
for feed in FEEDS:
    manager.subscribe(feed, HANDLERS[feed["type"]])
is_over.wait()
found = {}
for name in ("hyperliquid-python-sdk", "websocket-client", "wsaccel"):
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        continue
METER.report(**found)
