"""One order, and the three ways in which the venue writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .instruments import Instrument
from .numbers import decimal


@dataclass(slots=True)
class Order:
    """An order of a user, sizes in lots and prices in ticks."""

    instrument: Instrument
    oid: int
    buys: bool
    ticks: int
    original: int
    placed: int
    cloid: str | None = None
    tif: str | None = "Gtc"
    kind: str = "Limit"
    reduce_only: bool = False
    remaining: int = field(default=-1)

    def __post_init__(self) -> None:
        if self.remaining < 0:
            self.remaining = self.original

    @property
    def limit(self) -> str:
        """The limit price."""
        return decimal(self.ticks, self.instrument.px_decimals)

    def update(self, status: str, time: int) -> dict[str, Any]:
        """
        Write a row of orderUpdates.

        HL: cloid and reduceOnly are absent, not null, when not given (§2.10).
        """
        return {"order": self.brief(), "status": status, "statusTimestamp": time}

    def state(self, status: str, time: int) -> dict[str, Any]:
        """Write a row of historicalOrders."""
        return {"order": self.frontend(), "status": status, "statusTimestamp": time}

    def brief(self) -> dict[str, Any]:
        """Write the order as openOrders and orderUpdates have it."""
        row: dict[str, Any] = {
            "coin": self.instrument.name,
            "side": "B" if self.buys else "A",
            "limitPx": self.limit,
            "sz": decimal(self.remaining, self.instrument.sz_decimals),
            "oid": self.oid,
            "timestamp": self.placed,
            "origSz": decimal(self.original, self.instrument.sz_decimals),
        }
        if self.cloid is not None:
            row["cloid"] = self.cloid
        if self.reduce_only:
            row["reduceOnly"] = True
        return row

    def frontend(self) -> dict[str, Any]:
        """Write the order in full. HL: here cloid is null when not given (§2.6)."""
        return {
            "coin": self.instrument.name,
            "side": "B" if self.buys else "A",
            "limitPx": self.limit,
            "sz": decimal(self.remaining, self.instrument.sz_decimals),
            "oid": self.oid,
            "timestamp": self.placed,
            "triggerCondition": "N/A",
            "isTrigger": False,
            "triggerPx": "0.0",
            "children": [],
            "isPositionTpsl": False,
            "reduceOnly": self.reduce_only,
            "orderType": self.kind,
            "origSz": decimal(self.original, self.instrument.sz_decimals),
            "tif": self.tif,
            "cloid": self.cloid,
        }
