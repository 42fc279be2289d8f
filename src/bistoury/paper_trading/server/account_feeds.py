"""
What the socket says of accounts: which feed says what, first and later.

HL: docs "websocket subscriptions". A feed of rows begins with a snapshot
(``isSnapshot``) and goes on with what happens; a feed of states is whole each time.
Whatever is sent says ``paper``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import events as said
from .. import views
from ..events import Event
from ..wire import UnreadableError
from . import account_answers as answers
from . import rows
from .account_answers import Asked

Body = dict[str, Any]
First = Callable[[Asked], Any]
Later = Callable[[Event, Asked], Any]

# Ends of orders that their owner did not ask for.
_ASKED = frozenset({"open", "filled", "canceled", "triggered", "waiting"})


@dataclass(frozen=True, slots=True)
class Feed:
    """One type of subscription."""

    channel: str
    first: First | None = None
    """What is said at once; of states, also at every change."""
    later: Later | None = None
    """What is said of a fact; nothing for ``None``."""
    needs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def is_state(self) -> bool:
        """Whether each message is whole."""
        return self.first is not None and self.later is None


def _fills_later(event: Event, it: Asked) -> Any:
    if not isinstance(event, said.Filled) or event.twap_id is not None:
        return None
    return {"user": it.user, "fills": [views.fill(event, it.account.address)]}


def _fills_first(it: Asked) -> Any:
    made = [row for row in answers.fills(it) if row["twapId"] is None]
    return {"isSnapshot": True, "user": it.user, "fills": made}


def _orders_later(event: Event, _: Asked) -> Any:
    if isinstance(event, said.OrderChanged | said.Rejected):
        return [views.order_update(event.order)]
    return None


def _history_later(event: Event, it: Asked) -> Any:
    if isinstance(event, said.OrderChanged | said.Rejected):
        row = views.historical_order(event.order)
        return {"user": it.user, "orderHistory": [row]}
    return None


def _events_later(event: Event, it: Asked) -> Any:
    match event:
        case said.Filled(twap_id=int()):
            return {"twapSliceFills": [rows.slice_of(event, it.account.address)]}
        case said.Filled():
            return {"fills": [views.fill(event, it.account.address)]}
        case said.FundingPaid():
            return {"funding": views.funding(event)}
        case said.Liquidated():
            return {"liquidation": rows.liquidation(event, it.user)}
        case said.TwapChanged():
            return {"twapHistory": [rows.twap_entry(event)]}
        case said.OrderChanged(order=order) if order.status not in _ASKED:
            return {"nonUserCancel": [{"coin": order.coin, "oid": order.oid}]}
        case _:
            return None


def _fundings(it: Asked) -> list[Any]:
    return [views.funding(paid) for paid in it.account.fundings]


def _fundings_later(event: Event, it: Asked) -> Any:
    if not isinstance(event, said.FundingPaid):
        return None
    return {"user": it.user, "fundings": [views.funding(event)]}


def _slices_later(event: Event, it: Asked) -> Any:
    if not isinstance(event, said.Filled) or event.twap_id is None:
        return None
    made = rows.slice_of(event, it.account.address)
    return {"user": it.user, "twapSliceFills": [made]}


def _twaps_later(event: Event, it: Asked) -> Any:
    if not isinstance(event, said.TwapChanged):
        return None
    return {"user": it.user, "history": [rows.twap_entry(event)]}


def _notice_later(event: Event, _: Asked) -> Any:
    if not isinstance(event, said.Filled) or event.crossed:
        return None
    verb = "Bought" if event.is_buy else "Sold"
    what = f"{verb} {event.sz} {event.coin} at ${event.px}"
    return {"notification": f"Paper: resting order filled: {what}"}


def _snapshot(name: str, made: Callable[[Asked], list[Any]]) -> First:
    """Return a first message of rows that are kept."""
    return lambda it: {"isSnapshot": True, "user": it.user, name: made(it)}


def _of_dex(name: str, made: First) -> First:
    """Return a state of one dex."""
    return lambda it: {"dex": it.dex, "user": it.user, name: made(it)}


def _web_data3(it: Asked) -> Any:
    user = {
        "agentAddress": None,
        "agentValidUntil": None,
        "cumLedger": "0.0",
        "serverTime": it.desk.now,
        "isVault": False,
        "user": it.user,
    }
    return {"userState": user, "perpDexStates": [{"totalVaultEquity": "0.0"}]}


FEEDS: dict[str, Feed] = {
    "orderUpdates": Feed("orderUpdates", later=_orders_later),
    "userEvents": Feed("user", later=_events_later),
    "notification": Feed("notification", later=_notice_later),
    "userFills": Feed(
        "userFills", _fills_first, _fills_later, optional=("aggregateByTime",)
    ),
    "userFundings": Feed(
        "userFundings",
        _snapshot("fundings", _fundings),
        _fundings_later,
    ),
    "userNonFundingLedgerUpdates": Feed(
        "userNonFundingLedgerUpdates",
        _snapshot("nonFundingLedgerUpdates", lambda _: []),
        lambda *_: None,
    ),
    "userTwapSliceFills": Feed(
        "userTwapSliceFills",
        _snapshot("twapSliceFills", answers.slices),
        _slices_later,
    ),
    "userTwapHistory": Feed(
        "userTwapHistory", _snapshot("history", answers.twap_history), _twaps_later
    ),
    "userHistoricalOrders": Feed(
        "userHistoricalOrders",
        _snapshot("orderHistory", answers.historical),
        _history_later,
    ),
    "clearinghouseState": Feed(
        "clearinghouseState",
        _of_dex("clearinghouseState", answers.state),
        optional=("dex",),
    ),
    "openOrders": Feed(
        "openOrders",
        _of_dex("orders", answers.frontend_orders),
        optional=("dex",),
    ),
    "twapStates": Feed(
        "twapStates",
        _of_dex("states", lambda it: rows.twap_states(it.account)),
        optional=("dex",),
    ),
    "spotState": Feed(
        "spotState",
        lambda it: {"user": it.user, "spotState": {"balances": []}},
    ),
    "allDexsClearinghouseState": Feed(
        "allDexsClearinghouseState",
        lambda it: {
            "user": it.user,
            "clearinghouseStates": [["", answers.state(it)]],
        },
    ),
    "activeAssetData": Feed("activeAssetData", answers.asset_data, needs=("coin",)),
    "webData2": Feed("webData2", answers.web_data),
    "webData3": Feed("webData3", _web_data3),
}


def canonical(body: Body, user: str) -> Body:
    """
    Return a subscription as the venue repeats it: known members, defaults added.

    Raises:
        UnreadableError: a member is missing.
    """
    feed = FEEDS[body["type"]]
    made: Body = {"type": body["type"], "user": user}
    for name in feed.needs:
        if not isinstance(body.get(name), str):
            raise UnreadableError(f"{name}: a name is needed")
        made[name] = body[name]
    for name in feed.optional:
        if body.get(name) is not None:
            made[name] = body[name]
    if "aggregateByTime" in feed.optional:
        made.setdefault("aggregateByTime", False)
    return made
