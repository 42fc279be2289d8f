"""
What the rows of each feed are known by, so that none is delivered twice.

HL: which members tell two rows apart was gathered from recorded frames (protocol.md
5). Each function raises ``LookupError`` for a row that lacks one of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from ..session.model import Version

Row = Mapping[str, Any]

BITS = 64
"""Of a whole number in the venue's JSON."""


def of_fill(row: Row) -> Hashable:
    """Return what a fill is known by."""
    # HL: dust conversions all have tid 0 and a zero hash, so the order counts too
    # (recorded frames).
    return (row["time"], row["coin"], row["oid"], row["tid"])


def of_trade(row: Row) -> Hashable:
    """Return what a trade of one coin is known by."""
    # HL: (time, coin, tid) is unique; the hash is shared or zero (docs: "trades").
    # A subscription has one coin, so it need not be remembered, only be there.
    if "coin" not in row:
        raise KeyError("coin")
    # Not a tuple: thousands are remembered, and the garbage collector walks tuples.
    time, number = row["time"], row["tid"]
    key: int = time << BITS | number
    return key


def of_order(row: Row) -> Hashable:
    """Return what one state of an order is known by."""
    order, status = row["order"], row["status"]
    # HL: partial fills repeat "open" with a smaller size. A final status happens
    # once, and its size is spelled differently in histories.
    size = order["sz"] if status == "open" else ""
    return (order["oid"], status, row["statusTimestamp"], size)


def of_bar(row: Row) -> Hashable:
    """Return what one version of a bar is known by."""
    return Version(
        row["t"], row["n"], (row["o"], row["h"], row["l"], row["c"], row["v"])
    )


def of_slice(row: Row) -> Hashable:
    """Return what a fill of a TWAP's slice is known by."""
    return (row["twapId"], of_fill(row["fill"]))


def of_twap(row: Row) -> Hashable:
    """Return what one status of a TWAP is known by."""
    state = row["state"]
    return (state["timestamp"], state["coin"], row["status"]["status"], row["time"])


def of_change(row: Row) -> Hashable:
    """Return what a change in an account's ledger is known by."""
    # HL: one transaction can make several rows, so the whole change counts.
    return (row["time"], row["hash"], repr(sorted(row["delta"].items())))


def of_funding(row: Row) -> Hashable:
    """Return what a funding payment is known by."""
    return (row["time"], row["coin"])
