"""How a TWAP runs: activated, sliced, finished (§2.4, §2.17, §2.18)."""

from __future__ import annotations

from typing import Any

from .market import ZERO_HASH
from .numbers import decimal
from .scene import Scene, affordable, draft, fill

_SLICES = 5


def slice_twap(scene: Scene) -> None:
    """Start a TWAP, or execute its next slice. HL: slices have a zero hash."""
    account, coin = scene.account, scene.coin
    running = next(
        (
            (number, twap)
            for number, twap in account.twaps.items()
            if twap["coin"] == coin.instrument.name
        ),
        None,
    )
    if running is None:
        _start_twap(scene)
        return
    number, twap = running
    buys = twap["side"] == "B"
    order = draft(scene, buys=buys)
    order.kind, order.tif = "Twap Slice", None
    touch = coin.book.asks[0][0] if buys else coin.book.bids[0][0]
    lots = max(1, twap["_lots"] // _SLICES)
    order.original = order.remaining = lots
    if not affordable(scene, order):
        return
    fill(scene, order, touch, lots, ZERO_HASH, crossed=True, twap=number)
    twap["_done"] += lots
    twap["_notional"] += lots * touch
    twap["executedSz"] = coin.sz(twap["_done"])
    places = coin.instrument.px_decimals + coin.instrument.sz_decimals
    twap["executedNtl"] = decimal(twap["_notional"], places)
    if twap["_done"] >= twap["_lots"]:
        del account.twaps[number]
        _note_twap(scene, number, twap, "finished")


def _start_twap(scene: Scene) -> None:
    account, coin = scene.account, scene.coin
    order = draft(scene, buys=True)
    number = account.next_oid() % 1_000_000
    lots = max(order.original, 1) * _SLICES
    twap: dict[str, Any] = {
        "coin": coin.instrument.name,
        "user": account.address,
        "side": "B",
        "sz": coin.sz(lots),
        "executedSz": "0.0",
        "executedNtl": "0.0",
        "minutes": 5,
        "reduceOnly": False,
        "randomize": False,
        "timestamp": scene.time,
        "_lots": lots,
        "_done": 0,
        "_notional": 0,
    }
    account.twaps[number] = twap
    _note_twap(scene, number, twap, "activated")


def _note_twap(scene: Scene, number: int, twap: dict[str, Any], status: str) -> None:
    # HL: this time is in seconds, unlike every other (General conventions).
    row = {
        "time": scene.time // 1000,
        "state": twap_state(twap),
        "status": {"status": status},
        "twapId": number,
    }
    scene.account.twap_history.append(row)
    scene.account.activity.twap_history.append(row)


def twap_state(twap: dict[str, Any]) -> dict[str, Any]:
    """Return a TWAP's state without what only the venue knows."""
    return {name: value for name, value in twap.items() if not name.startswith("_")}
