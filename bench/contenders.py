"""Who runs, with how many messages a round, and what each stands for."""

from __future__ import annotations

from .race import Client

BARE = Client("picows, bytes only", "bare_picows.py", mixes=("mixed", "market"))
FLOOR = Client("picows + msgspec, dicts", "picows_decoding.py")
TYPED_FLOOR = Client("picows + msgspec, typed", "picows_decoding.py", handler="typed")
OURS = Client("bistoury, dicts", "with_bistoury.py", mixes=("mixed", "market"))
TYPED = Client(
    "bistoury, typed", "with_bistoury.py", handler="typed", mixes=("mixed", "market")
)
TYPED_WHOLE = Client(
    "bistoury, typed, every level read", "with_bistoury.py", handler="whole"
)
AIOHTTP = Client("aiohttp + orjson", "with_aiohttp.py")
WEBSOCKETS = Client("websockets + json", "with_websockets.py", per_round=15_000)
SDK = Client("hyperliquid-python-sdk", "with_sdk.py", "clients", per_round=2_500)
WSACCEL = Client("… with wsaccel", "with_sdk.py", "wsaccel", per_round=10_000)
CCXT = Client(
    "ccxt.pro",
    "with_ccxt.py",
    "clients",
    per_round=1_200,
    feeds=("trades", "l2Book", "candle", "allMids"),
)
NAUTILUS = Client("nautilus_trader", "with_nautilus.py", "nautilus", mixes=("market",))

CONTENDERS = (
    *(BARE, FLOOR, TYPED_FLOOR, OURS, TYPED, TYPED_WHOLE),
    *(AIOHTTP, WEBSOCKETS, WSACCEL, SDK, CCXT, NAUTILUS),
)

# Environments for PEERS=1, and what goes into each: ``name==version`` pins them.
ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "clients": (
        "hyperliquid-python-sdk==0.24.0",
        "ccxt==4.5.90",
    ),
    "wsaccel": ("hyperliquid-python-sdk==0.24.0", "wsaccel==0.6.7"),
    # The last version that Python 3.11 can have.
    "nautilus": ("nautilus_trader==1.221.0",),
}
