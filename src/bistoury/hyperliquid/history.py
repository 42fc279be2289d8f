"""
What the venue remembers of a feed, in the shape the feed would have brought it.

HL: which history heals which feed is protocol.md 5. Rows that differ between REST
and the socket are put into the socket's shape here, so that both have one key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from ..session import Subscription, Update
from ..session.effects import Backfill
from . import wire
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
    trails: bool | None = None
    """Whether even what was delivered before is not in it yet; ``None``: look at it."""


async def read(info: Info, wanted: Backfill) -> Found:
    """
    Read what a feed missed.

    Raises:
        RequestError: the venue did not answer; try again later.
    """
    subscription = wanted.subscription
    if subscription.feed == "orderUpdates":
        found = await _orders(info, subscription, wanted.since, wanted.reading)
    else:
        found = await _READERS[subscription.feed](info, subscription, wanted.since)
    if found.trails is not None or not wanted.delivered:
        return found
    if subscription.feed in _UNLIKE:
        return found
    newest = max((update.time for update in found.updates), default=0)
    return replace(found, trails=newest < wanted.delivered)


def _found(
    subscription: Subscription, rows: list[Row], *, is_complete: bool = True
) -> Found:
    update = wire.recovered(subscription, "", rows)
    return Found([update], is_complete and not update.unreadable)


async def _trades(info: Info, subscription: Subscription, _: int) -> Found:
    # HL: a short list without a range (undocumented); the session judges its reach.
    rows = await info.recent_trades(str(subscription.get("coin")))
    return _found(subscription, rows)


async def _candles(info: Info, subscription: Subscription, since: int) -> Found:
    coin, interval = subscription.get("coin"), subscription.get("interval")
    rows = await info.get_candles(str(coin), str(interval), since)
    # A bar to a frame, as the feed brings them.
    updates = [wire.recovered(subscription, "", [row]) for row in rows]
    return Found(updates, not any(update.unreadable for update in updates))


async def _fills(info: Info, subscription: Subscription, since: int) -> Found:
    rows = await info.user_fills_by_time(
        str(subscription.get("user")),
        since,
        aggregate_by_time=bool(subscription.get("aggregateByTime", False)),
    )
    complete = rows.complete and len(rows) < _FILLS_KEPT
    return _found(subscription, rows, is_complete=complete)


async def _fundings(info: Info, subscription: Subscription, since: int) -> Found:
    rows = await info.user_funding(str(subscription.get("user")), since)
    return _found(
        subscription, [_funding(row) for row in rows], is_complete=rows.complete
    )


def _funding(row: Row) -> Row:
    delta = {name: it for name, it in row["delta"].items() if name != "type"}
    return {"time": row["time"], **delta}


async def _ledger(info: Info, subscription: Subscription, since: int) -> Found:
    rows = await info.ledger_updates(str(subscription.get("user")), since)
    return _found(subscription, rows, is_complete=rows.complete)


async def _slices(info: Info, subscription: Subscription, since: int) -> Found:
    user = str(subscription.get("user"))
    rows = await info.twap_slice_fills_by_time(user, since)
    return _found(subscription, rows, is_complete=rows.complete)


async def _twaps(info: Info, subscription: Subscription, since: int) -> Found:
    rows = await info.twap_history(str(subscription.get("user")))
    # HL: these rows count seconds; a row at the edge is read twice, not missed.
    return _found(subscription, [row for row in rows if row["time"] * 1000 >= since])


async def _orders(
    info: Info, subscription: Subscription, since: int, reading: int
) -> Found:
    user = str(subscription.get("user"))
    past = await info.historical_orders(user)
    still_open = await info.open_orders(user)
    rows = [_transition(row["order"], row) for row in past if _is_late(row, since)]
    told = {row["order"]["oid"] for row in past}
    for order in still_open:
        if order["timestamp"] < since or order["oid"] in told:
            continue
        # Placed while nobody listened. If something of it is gone already, the history
        # will tell how; where it does not, what is left is all there is to tell.
        if order["sz"] == order["origSz"] or reading > 1:
            said = {"status": "open", "statusTimestamp": order["timestamp"]}
            rows.append(_transition(order, said))
    complete = len(past) < _ORDERS_KEPT or not _is_late(past[-1], since)
    found = _found(subscription, rows, is_complete=complete)
    # What was delivered last may be a change of an order that is still open.
    return replace(found, trails=False) if still_open else found


async def _order_history(info: Info, subscription: Subscription, since: int) -> Found:
    past = await info.historical_orders(str(subscription.get("user")))
    rows = [row for row in past if _is_late(row, since)]
    complete = len(past) < _ORDERS_KEPT or not _is_late(past[-1], since)
    return _found(subscription, rows, is_complete=complete)


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


async def _user_events(info: Info, subscription: Subscription, since: int) -> Found:
    user = str(subscription.get("user"))
    fills = await info.user_fills_by_time(user, since)
    slices = await info.twap_slice_fills_by_time(user, since)
    fundings = await info.user_funding(user, since)
    paid = [_funding(row) for row in fundings]
    updates = [
        wire.recovered(subscription, "fills", fills),
        wire.recovered(subscription, "twapSliceFills", slices),
        *(wire.recovered(subscription, "funding", [row]) for row in paid),
    ]
    complete = fills.complete and slices.complete and fundings.complete
    readable = not any(update.unreadable for update in updates)
    return Found(updates, complete and readable and len(fills) < _FILLS_KEPT)


# Their last row may be of a kind that no history has, or the windows are judged by
# the session.
_UNLIKE = {"userEvents", "trades"}

_Reader = Callable[[Info, Subscription, int], Awaitable[Found]]

_READERS: dict[str, _Reader] = {
    "trades": _trades,
    "candle": _candles,
    "userFills": _fills,
    "userFundings": _fundings,
    "userNonFundingLedgerUpdates": _ledger,
    "userTwapSliceFills": _slices,
    "userTwapHistory": _twaps,
    "userHistoricalOrders": _order_history,
    "userEvents": _user_events,
}
