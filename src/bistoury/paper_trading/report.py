"""
What came of it: profit, where it came from, what it cost, and how far to believe it.

Made of the facts alone, so a journal, a recording and a running engine give the same
report. The assumptions stand on top: without them no number means anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from . import events as said
from .accounts import Account, Accounts
from .degraded import Degraded
from .events import Event, Filled
from .numbers import ZERO

VERSION = 1
_POINTS = Decimal(10_000)
NOT_SIMULATED = (
    "your orders move no market and nobody reacts to them",
    "auto-deleveraging",
    "open interest caps",
    "spot, vaults and transfers",
)


@dataclass(slots=True)
class _Curve:
    """The equity of one account, and how deep it fell."""

    points: list[tuple[int, Decimal]] = field(default_factory=list)
    peak: Decimal = ZERO
    drawdown: Decimal = ZERO
    drawdown_share: Decimal = ZERO

    def add(self, at: int, value: Decimal) -> None:
        if self.points and self.points[-1][0] == at:
            self.points[-1] = (at, value)
        else:
            self.points.append((at, value))
        self.peak = max(self.peak, value)
        fall = self.peak - value
        self.drawdown = max(self.drawdown, fall)
        if self.peak > 0:
            self.drawdown_share = max(self.drawdown_share, fall / self.peak)


@dataclass(slots=True)
class _Slippage:
    """How much worse than the mid orders were filled, by size."""

    notional: Decimal = ZERO
    cost: Decimal = ZERO

    def add(self, made: Filled, mid: Decimal | None) -> None:
        if mid is None:
            return
        side = 1 if made.is_buy else -1
        self.notional += made.sz * mid
        self.cost += side * (made.px - mid) * made.sz

    @property
    def points(self) -> Decimal | None:
        """In basis points; positive is worse."""
        return self.cost / self.notional * _POINTS if self.notional else None


def report(
    events: Iterable[Event],
    account: str = "main",
    *,
    assumptions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """
    Return the report of one account as plain members; amounts are ``Decimal``.

    ``equity`` is a list of ``(venue ms, USDC)``. An account is reported since it began,
    or began anew. The assumptions are those that the facts tell last, unless they are
    given; ``changed_at`` among them says when there were others before.

    Raises:
        KeyError: there is no such account.
    """
    accounts, curve = Accounts(), _Curve()
    at_decision, at_arrival = _Slippage(), _Slippage()
    qualities: dict[str, int] = {}
    uncertain: set[int] = set()
    degraded = Degraded()
    first = last = 0
    changed: list[int] = []
    for event in events:
        last = event.at
        accounts.apply(event)
        degraded.see(event)
        if isinstance(event, said.Assumed):
            changed.append(event.at)
        if event.account != account:
            continue
        known = accounts.by_name[account]
        if isinstance(event, said.AccountOpened):
            first, changed = event.at, []
            degraded.restart(first)
            curve, qualities, uncertain = _Curve(), {}, set()
            at_decision, at_arrival = _Slippage(), _Slippage()
        elif isinstance(event, Filled):
            qualities[event.quality] = qualities.get(event.quality, 0) + 1
            if event.crossed and not event.liquidation:
                at_decision.add(event, event.mid_at_decision)
                at_arrival.add(event, event.mid_at_arrival)
        elif isinstance(event, said.OrderChanged) and event.order.is_uncertain:
            uncertain.add(event.order.oid)
        if isinstance(event, said.Valued):
            curve.add(event.at, event.value)
        elif isinstance(event, _MOVES) and _is_marked(known, event):
            curve.add(event.at, known.value(_marks_of(event)))
    known = accounts.by_name[account]
    return {
        "v": VERSION,
        "paper": True,
        "assumptions": {
            **(accounts.assumed if assumptions is None else assumptions),
            **({"changed_at": changed} if changed else {}),
            "not_simulated": list(NOT_SIMULATED),
        },
        "account": account,
        "from": first,
        "to": last,
        "orders_that_rested_through_a_gap": len(uncertain),
        "degraded": _degraded(degraded, last),
        **_profit(known, curve),
        **_trading(known, qualities),
        "slippage_points": {
            "against_mid_at_decision": at_decision.points,
            "against_mid_at_arrival": at_arrival.points,
        },
        "equity": curve.points,
    }


_MOVES = (said.AccountOpened, Filled, said.FundingPaid, said.Liquidated)


def _marks_of(event: Event) -> dict[str, Decimal]:
    """Return the marks that a fact itself knows."""
    if isinstance(event, Filled) and event.mark_px is not None:
        return {event.coin: event.mark_px}
    return {}


def _is_marked(known: Account, event: Event) -> bool:
    """Whether a fact knows every mark that matters: those of facts before are old."""
    return known.positions.keys() <= _marks_of(event).keys()


def _profit(known: Account, curve: _Curve) -> dict[str, Any]:
    totals = known.totals
    value = curve.points[-1][1] if curve.points else known.opened_with
    realized = totals.price + totals.fees + totals.funding + totals.liquidation
    profit = value - known.opened_with
    return {
        "begun_with": known.opened_with,
        "value": value,
        "profit": profit,
        "profit_from": {
            "price": totals.price,
            "fees": totals.fees,
            "funding": totals.funding,
            "liquidation": totals.liquidation,
            "open_positions": profit - realized,
        },
        "drawdown": curve.drawdown,
        "drawdown_share": curve.drawdown_share,
    }


def _trading(known: Account, qualities: dict[str, int]) -> dict[str, Any]:
    totals = known.totals
    traded = totals.maker_notional + totals.taker_notional
    return {
        "fills": totals.fills,
        "traded": traded,
        "maker_share": totals.maker_notional / traded if traded else None,
        "fills_by_quality": qualities,
    }


def _degraded(it: Degraded, last: int) -> dict[str, Any]:
    """Return seconds and shares by coin."""
    told = {}
    for coin, spent in it.spent(last).items():
        observed = last - it.since[coin]
        told[coin] = {
            "share": round(sum(spent.values()) / max(observed, 1), 6),
            "seconds": {state: ms / 1000 for state, ms in sorted(spent.items())},
            "observed_seconds": observed / 1000,
        }
    return told


def explain(events: Iterable[Event], tid: int) -> dict[str, Any]:
    """
    Return why a fill was made: the market event, the queue, the delays.

    Raises:
        KeyError: there is no such fill.
    """
    history: list[dict[str, Any]] = []
    orders: dict[int, list[said.OrderChanged]] = {}
    for event in events:
        if isinstance(event, said.OrderChanged):
            orders.setdefault(event.order.oid, []).append(event)
        if isinstance(event, Filled) and event.tid == tid:
            history = [
                {"at": it.at, "status": it.order.status, "cause": it.cause}
                for it in orders.get(event.oid, ())
            ]
            return _explained(event, history)
    raise KeyError(tid)


def _explained(made: Filled, history: list[dict[str, Any]]) -> dict[str, Any]:
    feed, *place = made.cause.rsplit(":", 3 if made.cause.startswith("trades") else 2)
    return {
        "v": VERSION,
        "paper": True,
        "tid": made.tid,
        "why": _sentence(made),
        "fill": {
            "coin": made.coin,
            "side": "buy" if made.is_buy else "sell",
            "px": made.px,
            "sz": made.sz,
            "fee": made.fee,
            "time": made.time,
            "quality": made.quality,
            "data_age_ms": made.data_age,
        },
        "market_event": {"feed": feed, "place": place, "id": made.cause},
        "level": {"source": made.level_source, "time": made.level_time}
        if made.level_source
        else None,
        "queue_ahead": made.ahead,
        "decided_at": made.order_at,
        "matched_at": made.arrived_at,
        "mid_at_decision": made.mid_at_decision,
        "mid_at_arrival": made.mid_at_arrival,
        "order": {"oid": made.oid, "cloid": made.cloid, "before": history},
    }


def _sentence(made: Filled) -> str:
    """Say in one sentence why a fill was made."""
    if made.liquidation:
        return (
            f"the venue closed the position ({made.liquidation}): the account was below"
            f" its maintenance margin at the mark {made.mark_px}"
        )
    if made.crossed:
        return (
            f"the order took {made.sz} at {made.px}, shown by {made.level_source}"
            f" {made.data_age} ms earlier,"
            f" {made.arrived_at - made.order_at} ms after it was decided on"
        )
    if made.quality == "backfilled":
        return f"a trade inside a recovered gap reached the order: {made.cause}"
    if made.quality == "uncertain":
        return "after a gap the market stood beyond the order's price"
    if made.ahead is not None:
        return (
            f"a public trade at {made.px} went past the {made.ahead} that stood before"
            f" the order: {made.cause}"
        )
    if made.cause.startswith("trades:"):
        return f"a public trade went through the order's price: {made.cause}"
    return f"the other side was shown at the order's price: {made.cause}"
