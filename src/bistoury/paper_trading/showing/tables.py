"""A report as lines of text, and its fills as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

COLUMNS = (
    *("time", "tid", "coin", "side", "role", "px", "sz", "fee", "closed_pnl"),
    *("direction", "quality", "data_age", "cause", "oid", "cloid", "liquidation"),
    *("mid_at_decision", "mid_at_arrival", "ahead", "level_source", "paper"),
)
"""Of the CSV: times are venue ms, amounts USDC; ``paper`` is always true."""


def as_csv(document: dict[str, Any]) -> str:
    """Return the fills as CSV, oldest first."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in document["rows"]:
        writer.writerow({**row, "paper": "true"})
    return text.getvalue()


def as_lines(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and values, the assumptions first."""
    yield "PAPER", f"account {document['account']}; no order left this machine"
    assumed = document["assumptions"]
    shown = ", ".join(
        f"{name}={_short(value)}"
        for name, value in assumed.items()
        if name not in ("accounts", "not_simulated", "changed_at")
    )
    yield "assumed", shown or "not known: the journal is from before they were in it"
    if assumed.get("changed_at"):
        yield "assumed since", ", ".join(moment(it) for it in assumed["changed_at"])
    yield "not simulated", "; ".join(assumed["not_simulated"])
    yield "from", moment(document["from"])
    yield "to", moment(document["to"])
    yield "began with", usd(document["begun_with"])
    yield "value", usd(document["value"])
    yield "profit", usd(document["profit"])
    for name, value in document["profit_from"].items():
        yield f"  {name.replace('_', ' ')}", usd(value)
    share = share_text(document["drawdown_share"])
    yield "deepest fall", f"{usd(document['drawdown'])} ({share})"
    yield "fills", str(document["fills"])
    yield "traded", usd(document["traded"])
    yield "maker share", share_text(document["maker_share"])
    for name, value in document["slippage_points"].items():
        shown = "-" if value is None else f"{Decimal(str(value)):.2f} bp"
        yield f"slippage {name.replace('_', ' ')}", shown
    qualities = document["fills_by_quality"]
    shown = ", ".join(f"{count} {name}" for name, count in qualities.items())
    yield "quality of fills", shown or "-"
    for coin, it in document["degraded"].items():
        yield f"data of {coin} degraded", share_text(it["share"])
    resting = document["orders_that_rested_through_a_gap"]
    yield "orders that rested through a gap", str(resting)


def usd(value: Any) -> str:
    """Write dollars with two decimals."""
    return f"{Decimal(str(value)):,.2f} USDC"


def share_text(value: Any) -> str:
    """Write a fraction in per cent."""
    return "-" if value is None else f"{Decimal(str(value)) * 100:.2f} %"


def moment(at: int) -> str:
    """Write a venue time, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(" ", "seconds")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        given = {name: it for name, it in value.items() if it is not None}
        return "(" + ", ".join(f"{name}={it}" for name, it in given.items()) + ")"
    return str(value)
