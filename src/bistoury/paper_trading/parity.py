"""
How far paper can be believed: a real account's orders again, beside its real fills.

A back-test of a stretch that was really traded ought to come out as it really did.
``parity`` plays a recording of the market, places the orders of a real account at the
moments at which the venue took them, ends them when they really ended, and compares
what was filled. What it cannot know is said with the result.
"""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from .events import Filled, Rejected
from .numbers import ZERO
from .recording import RecordingError, Replay, begun, messages
from .settings import PaperConfig
from .universe import Universe
from .venue import ACT, OPEN

_ACCOUNT = "parity"
_CASH = Decimal(1_000_000_000)
_POINTS = Decimal(10_000)
_TIFS = ("Gtc", "Ioc", "Alo", "FrontendMarket")
_LIVE = ("open", "triggered")
_WISHES = (ACT, OPEN)
NOTES = (
    "real orders are in the recorded books too: a resting one waits behind itself here",
    "what a real taker took is missing from the books after it",
    "margin and reduce-only are not looked at: what the account held is not known",
    "orders from before the recording, triggers and TWAPs are left out",
)

Row = Mapping[str, Any]


@dataclass(slots=True)
class _Made:
    """What was filled of an order."""

    size: Decimal = ZERO
    value: Decimal = ZERO
    first: int | None = None

    def add(self, sz: Decimal, px: Decimal, time: int) -> None:
        self.size += sz
        self.value += sz * px
        self.first = time if self.first is None else min(self.first, time)


@dataclass(slots=True)
class _Order:
    """A real order, and what became of it there and here."""

    oid: int
    coin: str
    is_buy: bool
    px: Decimal
    sz: Decimal
    tif: str
    placed_at: int
    ended_at: int | None
    real: _Made = field(default_factory=_Made)
    paper: _Made = field(default_factory=_Made)

    @property
    def cloid(self) -> str:
        return f"0x{self.oid:032x}"

    @property
    def price_error(self) -> Decimal | None:
        """How much worse paper was, in basis points, if both were filled."""
        if not self.real.size or not self.paper.size:
            return None
        real = self.real.value / self.real.size
        paper = self.paper.value / self.paper.size
        return (paper - real if self.is_buy else real - paper) / real * _POINTS


def parity(
    path: str | os.PathLike[str],
    orders: Iterable[Row],
    fills: Iterable[Row],
    *,
    universe: Universe | None = None,
    config: PaperConfig | None = None,
) -> dict[str, Any]:
    """
    Return how the fills of a real account compare with those on paper.

    ``orders`` are rows of ``historicalOrders``, ``fills`` of ``userFillsByTime``.
    Prices are in USDC, times in ms; ``price_error_bps`` is positive where paper was
    worse.
    ``universe`` is needed for recordings of others, which do not begin with it.

    Raises:
        RecordingError: the recording cannot be read.
        KeyError, ValueError: a row is not of the venue's shape.
    """
    run: Replay | None = None
    waiting: list[tuple[int, int, dict[str, Any]]] = []
    known: dict[int, _Order] = {}
    left_out: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    assumed = _assumed(config)
    for at, message in messages(path):
        if run is None:
            run = begun(str(path), message, universe, assumed, is_fresh=True)
            known, left_out = _readable(orders, at, run.venue.desk.universe)
            waiting = _wishes(known.values(), run.venue.desk.universe)
        while waiting and waiting[-1][0] <= at:
            moment, _, action = waiting.pop()
            run.act(action, _ACCOUNT, moment)
        if message["channel"] not in _WISHES:
            run.take(at, message)
    if run is None:
        raise RecordingError(str(path), 1, "it is empty")
    end = run.now
    for order in [it for it in known.values() if it.placed_at > end]:
        del known[order.oid]
        left_out["placed after the recording"] += 1
    for row in fills:
        if row["oid"] in known and row["time"] <= end:
            made = known[row["oid"]].real
            made.add(Decimal(row["sz"]), Decimal(row["px"]), row["time"])
    by_cloid = {it.cloid: it for it in known.values()}
    for event in run.events:
        if isinstance(event, Filled) and event.cloid in by_cloid:
            by_cloid[event.cloid].paper.add(event.sz, event.px, event.time)
        elif isinstance(event, Rejected):
            refused[event.order.status] += 1
    return _compared(list(known.values()), left_out, assumed, refused)


def _compared(
    orders: list[_Order],
    left_out: Counter[str],
    config: PaperConfig,
    refused: Counter[str],
) -> dict[str, Any]:
    both = [it for it in orders if it.real.size and it.paper.size]
    errors = [it.price_error for it in both]
    worse = [it for it in errors if it is not None]
    return {
        "v": 1,
        "paper": True,
        "assumptions": config.assumptions(),
        "notes": list(NOTES),
        "orders": len(orders),
        "left_out": dict(left_out),
        "refused_on_paper": dict(refused),
        "filled": {
            "both": len(both),
            "only_real": sum(bool(it.real.size and not it.paper.size) for it in orders),
            "only_paper": sum(
                bool(it.paper.size and not it.real.size) for it in orders
            ),
            "neither": sum(not (it.real.size or it.paper.size) for it in orders),
        },
        "fill_rate": {
            name: sum((getattr(it, name).size / it.sz for it in orders), ZERO)
            / len(orders)
            if orders
            else None
            for name in ("real", "paper")
        },
        "time_to_fill_ms": {
            name: _median([getattr(it, name).first - it.placed_at for it in both])
            for name in ("real", "paper")
        },
        "price_error_bps": {
            "mean": sum(worse, ZERO) / len(worse) if worse else None,
            "median": _median(worse),
            "worst": max(worse, key=abs) if worse else None,
        },
        "rows": [_row(it) for it in sorted(orders, key=lambda it: it.placed_at)],
    }


def _assumed(config: PaperConfig | None) -> PaperConfig:
    """Return the assumptions: real orders stand where the venue took them already."""
    none = "constant(0)"
    return msgspec.structs.replace(
        config or PaperConfig(),
        accounts={_ACCOUNT: _CASH},
        entry_latency=none,
        cancel_latency=none,
        response_latency=none,
    )


def _readable(
    rows: Iterable[Row], begin: int, universe: Universe
) -> tuple[dict[int, _Order], Counter[str]]:
    """Return the orders that can be placed again, and why others cannot."""
    found: dict[int, _Order] = {}
    left_out: dict[int, str] = {}
    for entry in rows:
        row, status = entry["order"], entry["status"]
        oid = row["oid"]
        reason = _reason(row, status, begin, universe)
        if reason:
            left_out[oid] = reason
            continue
        ended = None
        if status not in (*_LIVE, "filled"):
            ended = entry["statusTimestamp"]
        known = found.get(oid)
        if known is not None:
            known.ended_at = known.ended_at or ended
            continue
        found[oid] = _Order(
            oid=oid,
            coin=row["coin"],
            is_buy=row["side"] == "B",
            px=Decimal(row["limitPx"]),
            sz=Decimal(row["origSz"]),
            tif=row["tif"],
            placed_at=row["timestamp"],
            ended_at=ended,
        )
    for oid in left_out:
        found.pop(oid, None)
    return found, Counter(left_out.values())


def _reason(row: Row, status: str, begin: int, universe: Universe) -> str:
    if row["coin"] not in universe.by_coin:
        return "not a perpetual of the recording"
    if row["isTrigger"] or row.get("tif") not in _TIFS:
        return "triggers and liquidations"
    if row["timestamp"] < begin:
        return "placed before the recording"
    # HL: of refused orders only these two depend on the market alone.
    if status in ("iocCancelRejected", "badAloPxRejected"):
        return ""
    return "rejected by the venue" if status.lower().endswith("rejected") else ""


def _wishes(
    orders: Iterable[_Order], universe: Universe
) -> list[tuple[int, int, dict[str, Any]]]:
    """Return what was asked for, the latest first."""
    made: list[tuple[int, int, dict[str, Any]]] = []
    for it in orders:
        asset = universe.by_coin[it.coin].asset
        row = {
            "a": asset,
            "b": it.is_buy,
            "p": str(it.px),
            "s": str(it.sz),
            "r": False,
            "t": {"limit": {"tif": it.tif}},
            "c": it.cloid,
        }
        made.append(
            (it.placed_at, it.oid, {"type": "order", "orders": [row], "grouping": "na"})
        )
        if it.ended_at is not None and it.tif not in ("Ioc", "FrontendMarket"):
            cancel = {"asset": asset, "cloid": it.cloid}
            action = {"type": "cancelByCloid", "cancels": [cancel]}
            made.append((it.ended_at, it.oid, action))
    return sorted(made, key=lambda it: it[:2], reverse=True)


def _median(values: list[Any]) -> Any:
    return statistics.median(values) if values else None


def _row(it: _Order) -> dict[str, Any]:
    return {
        "oid": it.oid,
        "coin": it.coin,
        "side": "buy" if it.is_buy else "sell",
        "limit_px": it.px,
        "sz": it.sz,
        "tif": it.tif,
        "placed_at": it.placed_at,
        "real": _side(it.real),
        "paper": _side(it.paper),
        "price_error_bps": it.price_error,
    }


def _side(made: _Made) -> dict[str, Any]:
    average = made.value / made.size if made.size else None
    return {"sz": made.size, "px": average, "first_fill_at": made.first}
