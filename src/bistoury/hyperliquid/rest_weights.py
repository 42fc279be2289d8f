"""
What a REST request costs of the venue's budget, before and after its answer.

HL: every number here is from docs: rate limits, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from .validate import INTERVAL_MS

USUAL = 20

_BASE = {
    "allMids": 2,
    "clearinghouseState": 2,
    "exchangeStatus": 2,
    "l2Book": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "userRole": 60,
}

_ROWS_PER_UNIT = {
    "candleSnapshot": 60,
    "delegatorHistory": 20,
    "delegatorRewards": 20,
    "fundingHistory": 20,
    "historicalOrders": 20,
    "nonUserFundingUpdates": 20,
    "recentTrades": 20,
    "twapHistory": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "userFunding": 20,
    "userNonFundingLedgerUpdates": 20,
    "userTwapSliceFills": 20,
    "userTwapSliceFillsByTime": 20,
    "validatorStats": 20,
}

MOST_CANDLES = 5000
"""HL: older bars do not exist any more (docs: info/candleSnapshot)."""

FILLS_PAGE = 2000
ROWS_PAGE = 500

_MOST_ROWS = {
    "candleSnapshot": MOST_CANDLES,
    "fundingHistory": ROWS_PAGE,
    # HL: the number is not documented; a replay has about 30.
    "recentTrades": 100,
    "userFunding": ROWS_PAGE,
    "userNonFundingLedgerUpdates": ROWS_PAGE,
}


def weight_before(body: Mapping[str, Any]) -> int:
    """Return what a request costs whatever it answers."""
    return _BASE.get(str(body.get("type")), USUAL)


def weight_after(body: Mapping[str, Any], rows: int) -> int:
    """Return what an answer of this many rows costs on top."""
    # HL: whether a part of a unit counts is not documented; better too careful.
    per_unit = _ROWS_PER_UNIT.get(str(body.get("type")))
    return 0 if per_unit is None else ceil(rows / per_unit)


def most_weight_after(body: Mapping[str, Any]) -> int:
    """Return what the largest possible answer costs on top."""
    most = _MOST_ROWS.get(str(body.get("type")), FILLS_PAGE)
    return weight_after(body, min(most, _candles_asked(body)))


def _candles_asked(body: Mapping[str, Any]) -> int:
    asked = body.get("req")
    if not isinstance(asked, Mapping) or "endTime" not in asked:
        return MOST_CANDLES
    length = INTERVAL_MS.get(str(asked.get("interval")), 1)
    # Both ends are inclusive, and the bar that holds the start is there too.
    return int(asked["endTime"] - asked["startTime"]) // length + 2
