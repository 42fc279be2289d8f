"""Rows of the venue's feeds and answers that ``views`` has in another form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .. import views
from ..accounts import Account
from ..events import Filled, FundingPaid, Liquidated, TwapChanged
from ..numbers import text

Row = dict[str, Any]

NO_HASH = "0x" + "0" * 64
_SUMMED = ("sz", "fee", "closedPnl")


def slice_of(made: Filled, address: str) -> Row:
    """Return what a TWAP filled, as ``userTwapSliceFills`` has it."""
    return {"fill": views.fill(made, address), "twapId": made.twap_id}


def funding_delta(paid: FundingPaid) -> Row:
    """Return a payment as ``userFunding`` has it."""
    row = views.funding(paid)
    time = row.pop("time")
    return {"time": time, "hash": NO_HASH, "delta": {"type": "funding", **row}}


def liquidation(event: Liquidated, address: str) -> Row:
    """Return what ``userEvents`` says of a liquidation."""
    return {
        "lid": event.seq,
        "liquidator": "0x" + "0" * 40,
        "liquidated_user": address,
        "liquidated_ntl_pos": views.usd(event.notional),
        "liquidated_account_value": views.usd(event.account_value),
    }


def twap_state(twap: TwapChanged, user: str = "") -> Row:
    """Return how far a TWAP has come."""
    return {
        "coin": twap.coin,
        "user": user or twap.account,
        "side": "B" if twap.is_buy else "A",
        "sz": text(twap.sz),
        "executedSz": text(twap.executed),
        "executedNtl": text(twap.executed_ntl),
        "minutes": twap.minutes,
        "reduceOnly": twap.reduce_only,
        "randomize": twap.randomize,
        "timestamp": twap.at,
    }


def twap_entry(twap: TwapChanged) -> Row:
    """Return a row of ``twapHistory``. HL: its ``time`` is in seconds."""
    status = {"status": twap.status}
    if twap.description:
        status["description"] = twap.description
    return {
        "time": twap.at // 1000,
        "state": twap_state(twap),
        "status": status,
        "twapId": twap.twap_id,
    }


def twap_states(account: Account) -> list[list[Any]]:
    """Return the TWAPs that run."""
    return [
        [it.twap_id, twap_state(it)]
        for it in account.twaps.values()
        if it.status == "activated"
    ]


def by_time(made: list[Row]) -> list[Row]:
    """Join fills of one order at one moment. HL: ``aggregateByTime``."""
    joined: dict[tuple[Any, ...], Row] = {}
    for row in made:
        key = row["oid"], row["time"], row["crossed"]
        known = joined.get(key)
        if known is None:
            joined[key] = dict(row)
            continue
        size, more = Decimal(known["sz"]), Decimal(row["sz"])
        cost = size * Decimal(known["px"]) + more * Decimal(row["px"])
        known["px"] = text((cost / (size + more)).normalize())
        for name in _SUMMED:
            known[name] = text(Decimal(known[name]) + Decimal(row[name]))
    return list(joined.values())
