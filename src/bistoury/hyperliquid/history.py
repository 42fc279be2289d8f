"""
What the venue remembers of a feed, in the shape the feed would have brought it.

HL: which history heals which feed is protocol.md 5. Rows that differ between REST
and the socket are put into the socket's shape here, so that both have one key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ..session import Update
from ..session.effects import Backfill
from . import wire
from .feeds import FEEDS
from .info import Info

Row = dict[str, Any]

_ORDERS_KEPT = 2000
_FILLS_KEPT = 10_000
_ORDER_FIELDS = ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz")


@dataclass(frozen=True, slots=True)
class Found:
    """What a read brought, and whether it reaches back all the way."""

    updates: list[Update]
    is_complete: bool = True
    must_show: bool = True
    """Whether what was delivered last has to be in it, sooner or later."""
    trails: bool = False
    """Whether that is not in it yet."""


async def read(info: Info, wanted: Backfill) -> Found:
    """
    Read what a feed missed.

    Raises:
        RequestError: the venue did not answer; try again later.
    """
    found = await _READERS[wanted.subscription.feed](info, wanted)
    newest = max((update.time for update in found.updates), default=0)
    readable = not any(update.unreadable for update in found.updates)
    return replace(
        found,
        is_complete=found.is_complete and readable,
        trails=found.must_show and newest < wanted.delivered,
    )


def _found(
    wanted: Backfill,
    rows: list[Row],
    *,
    is_complete: bool = True,
    must_show: bool = True,
) -> Found:
    update = wire.recovered(wanted.subscription, "", rows)
    return Found([update], is_complete, must_show)


def _user(wanted: Backfill) -> str:
    return str(wanted.subscription.get("user"))


async def _trades(info: Info, wanted: Backfill) -> Found:
    # HL: a short list without a range (undocumented); the session judges its reach.
    rows = await info.recent_trades(str(wanted.subscription.get("coin")))
    return _found(wanted, rows, must_show=False)


async def _candles(info: Info, wanted: Backfill) -> Found:
    subscription = wanted.subscription
    coin, interval = subscription.get("coin"), subscription.get("interval")
    rows = await info.get_candles(str(coin), str(interval), wanted.since)
    # A bar to a frame, as the feed brings them.
    return Found([wire.recovered(subscription, "", [row]) for row in rows])


async def _fills(info: Info, wanted: Backfill) -> Found:
    rows = await info.user_fills_by_time(
        _user(wanted),
        wanted.since,
        aggregate_by_time=bool(wanted.subscription.get("aggregateByTime", False)),
    )
    complete = rows.complete and len(rows) < _FILLS_KEPT
    return _found(wanted, rows, is_complete=complete)


async def _fundings(info: Info, wanted: Backfill) -> Found:
    rows = await info.user_funding(_user(wanted), wanted.since)
    return _found(wanted, [_funding(row) for row in rows], is_complete=rows.complete)


def _funding(row: Row) -> Row:
    delta = {name: it for name, it in row["delta"].items() if name != "type"}
    return {"time": row["time"], **delta}


async def _ledger(info: Info, wanted: Backfill) -> Found:
    rows = await info.ledger_updates(_user(wanted), wanted.since)
    return _found(wanted, rows, is_complete=rows.complete)


async def _slices(info: Info, wanted: Backfill) -> Found:
    rows = await info.twap_slice_fills_by_time(_user(wanted), wanted.since)
    return _found(wanted, rows, is_complete=rows.complete)


async def _twaps(info: Info, wanted: Backfill) -> Found:
    rows = await info.twap_history(_user(wanted))
    # A row at the edge is read twice, not missed.
    unit = FEEDS[wanted.subscription.feed].unit
    return _found(wanted, [row for row in rows if row["time"] * unit >= wanted.since])


async def _orders(info: Info, wanted: Backfill) -> Found:
    since = wanted.since
    past = await info.historical_orders(_user(wanted))
    still_open = await info.open_orders(_user(wanted))
    rows = [_transition(row["order"], row) for row in past if _is_late(row, since)]
    told = {row["order"]["oid"] for row in past}
    for order in still_open:
        if order["timestamp"] < since or order["oid"] in told:
            continue
        # Placed while nobody listened. If something of it is gone already, the history
        # will tell how; where it does not, what is left is all there is to tell.
        if order["sz"] == order["origSz"] or wanted.reading > 1:
            said = {"status": "open", "statusTimestamp": order["timestamp"]}
            rows.append(_transition(order, said))
    # What was delivered last may be a change of an order that is still open, of which
    # no history has the moment.
    is_shown = any(_shows(order, wanted.key) for order in still_open)
    complete = _reaches(past, since)
    return _found(wanted, rows, is_complete=complete, must_show=not is_shown)


def _shows(order: Row, key: Hashable) -> bool:
    """Whether an open order is one that was known as open, or what is left of it."""
    match key:
        case (oid, "open", _, str(size)):
            is_it: bool = oid == order["oid"]
            return is_it and Decimal(order["sz"]) <= Decimal(size)
        case _:
            return False


async def _order_history(info: Info, wanted: Backfill) -> Found:
    past = await info.historical_orders(_user(wanted))
    rows = [row for row in past if _is_late(row, wanted.since)]
    return _found(wanted, rows, is_complete=_reaches(past, wanted.since))


def _reaches(past: list[Row], since: int) -> bool:
    """Whether a list of the latest orders goes back as far."""
    return len(past) < _ORDERS_KEPT or not _is_late(past[-1], since)


def _is_late(row: Row, since: int) -> bool:
    return int(row["statusTimestamp"]) >= since


def _transition(order: Row, said: Row) -> Row:
    # HL: REST says null where the feed leaves a member out (recorded frames).
    short = {name: order[name] for name in _ORDER_FIELDS}
    if order.get("cloid"):
        short["cloid"] = order["cloid"]
    if order.get("reduceOnly"):
        short["reduceOnly"] = True
    status, at = said["status"], said["statusTimestamp"]
    return {"order": short, "status": status, "statusTimestamp": at}


async def _user_events(info: Info, wanted: Backfill) -> Found:
    user, since = _user(wanted), wanted.since
    fills = await info.user_fills_by_time(user, since)
    slices = await info.twap_slice_fills_by_time(user, since)
    fundings = await info.user_funding(user, since)
    updates = [
        wire.recovered(wanted.subscription, kind, rows)
        for kind, rows in (
            ("fills", fills),
            ("twapSliceFills", slices),
            *(("funding", [_funding(row)]) for row in fundings),
        )
    ]
    complete = fills.complete and slices.complete and fundings.complete
    # What has no history has no key either, and is never what was delivered last.
    return Found(updates, complete and len(fills) < _FILLS_KEPT)


_Reader = Callable[[Info, Backfill], Awaitable[Found]]

_READERS: dict[str, _Reader] = {
    "trades": _trades,
    "candle": _candles,
    "userFills": _fills,
    "userFundings": _fundings,
    "userNonFundingLedgerUpdates": _ledger,
    "userTwapSliceFills": _slices,
    "userTwapHistory": _twaps,
    "orderUpdates": _orders,
    "userHistoricalOrders": _order_history,
    "userEvents": _user_events,
}
