"""
What ``/info`` says of an account, from the paper account alone.

HL: shapes, orders and page sizes as the venue's (docs "info endpoint"); what a paper
account cannot have (vaults, staking, referrals …) is answered empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from .. import margin, views
from ..accounts import Account
from ..desk import Desk
from ..events import Order
from ..fees import TIERS, base_rate
from ..numbers import ZERO, text
from ..wire import UnreadableError
from . import rows
from .wallets import Wallets

Body = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question or a subscription, and what it is about."""

    account: Account
    desk: Desk
    body: Body

    @property
    def user(self) -> str:
        """The address that was named, in lower case."""
        user: str = self.body["user"]
        return user

    @property
    def dex(self) -> str:
        """The dex that is meant; the main one has no name."""
        dex = self.body.get("dex") or ""
        if not isinstance(dex, str):
            raise UnreadableError(f"dex: {dex!r} is no name")
        return dex


_FILLS_PAGE = 2000
_ROWS_PAGE = 500

_REWARDS = ("cumVlm", "unclaimedRewards", "claimedRewards", "builderRewards")

# What a paper account has none of.
_EMPTY: dict[str, Any] = {
    "subAccounts": None,
    "userVaultEquities": [],
    "delegations": [],
    "delegatorHistory": [],
    "delegatorRewards": [],
    "delegatorSummary": {
        **dict.fromkeys(("delegated", "undelegated", "totalPendingWithdrawal"), "0.0"),
        "nPendingWithdrawals": 0,
    },
    "userNonFundingLedgerUpdates": [],
    "userToMultiSigSigners": None,
    "userDexAbstraction": None,
    "userAbstraction": "disabled",
    "maxBuilderFee": 100,
    "isVip": False,
    "referral": {
        **dict.fromkeys(_REWARDS, "0.0"),
        **dict.fromkeys(("referredBy", "referrerState")),
        "rewardHistory": [],
    },
}


class AccountAnswers:
    """Answers questions about a user."""

    def __init__(self, wallets: Wallets) -> None:
        self._wallets = wallets
        self._kinds: dict[str, Callable[[Asked], Any]] = {
            "clearinghouseState": state,
            "spotClearinghouseState": lambda _: {"balances": []},
            "openOrders": _open_orders,
            "frontendOpenOrders": frontend_orders,
            "userFills": lambda it: fills(it)[::-1][:_FILLS_PAGE],
            "userFillsByTime": lambda it: _page(fills(it), it.body, _FILLS_PAGE),
            "userFunding": _funding,
            "orderStatus": _order_status,
            "historicalOrders": lambda it: historical(it)[:_FILLS_PAGE],
            "userTwapSliceFills": lambda it: slices(it)[::-1][:_FILLS_PAGE],
            "userTwapSliceFillsByTime": _slices_by_time,
            "twapHistory": lambda it: twap_history(it)[::-1],
            "userFees": _fees,
            "userRateLimit": _rate_limit,
            "activeAssetData": asset_data,
            "portfolio": _portfolio,
            "webData2": web_data,
            "userRole": self._role,
            "extraAgents": self._agents,
        }

    def knows(self, kind: str) -> bool:
        """Whether a question is about a user."""
        return kind in self._kinds or kind in _EMPTY

    def answer(self, user: str, desk: Desk, body: Body) -> Any:
        """
        Answer one.

        Raises:
            UnreadableError: a field is missing, or of the wrong kind.
        """
        kind = body["type"]
        if kind in _EMPTY:
            found = _EMPTY[kind]
        else:
            found = self._kinds[kind](Asked(self._wallets.shown(user), desk, body))
        return {**found, "paper": True} if isinstance(found, dict) else found

    def _role(self, it: Asked) -> Row:
        agent = self._wallets.agent(it.user)
        if agent is not None:
            return {"role": "agent", "data": {"user": agent.owner}}
        known = self._wallets.find(it.user)
        return {"role": "missing" if known is None else "user"}

    def _agents(self, it: Asked) -> list[Row]:
        return [
            {"name": agent.name, "address": address, "validUntil": 0}
            for address, agent in self._wallets.agents.items()
            if agent.owner == it.user
        ]


def state(it: Asked) -> Row:
    """Return ``clearinghouseState``; the money is one account's, whatever the dex."""
    whole = views.clearinghouse_state(it.account, it.desk)
    rows_ = whole["assetPositions"]
    held = [row for row in rows_ if _dex(row["position"]["coin"]) == it.dex]
    return {**whole, "assetPositions": held, "paper": True}


def frontend_orders(it: Asked) -> list[Row]:
    """Return ``frontendOpenOrders``."""
    return [views.frontend_order(order) for order in _live(it)]


def historical(it: Asked) -> list[Row]:
    """Return every order that is known, the latest change first."""
    known = [*it.account.done.values(), *it.account.orders.values()]
    known.sort(key=lambda order: (order.status_at, order.oid), reverse=True)
    return [views.historical_order(order) for order in known]


def fills(it: Asked) -> list[Row]:
    """Return fills as the venue writes them, oldest first."""
    made = [views.fill(fill, it.account.address) for fill in it.account.fills]
    return rows.by_time(made) if it.body.get("aggregateByTime") is True else made


def slices(it: Asked) -> list[Row]:
    """Return what TWAPs filled, oldest first."""
    made = [fill for fill in it.account.fills if fill.twap_id is not None]
    return [rows.slice_of(fill, it.account.address) for fill in made]


def twap_history(it: Asked) -> list[Row]:
    """Return how each TWAP stands, oldest first."""
    return [rows.twap_entry(twap) for twap in it.account.twaps.values()]


def asset_data(it: Asked) -> Row:
    """Return ``activeAssetData``. HL: sizes are cut off at the coin's decimals."""
    coin, account = it.body.get("coin"), it.account
    instrument = it.desk.universe.by_coin.get(str(coin))
    if instrument is None:
        raise UnreadableError(f"coin: {coin!r} is not traded on paper")
    leverage, is_cross = account.leverage_of(
        instrument.coin,
        instrument.max_leverage,
        isolated_only=instrument.is_isolated_only,
    )
    marks = it.desk.marks()
    mark = marks.get(instrument.coin, ZERO)
    free = max(ZERO, margin.cross(account, it.desk.universe, marks).free)
    size = free * leverage / mark if mark else ZERO
    most = text(size.quantize(Decimal(1).scaleb(-instrument.sz_decimals), "ROUND_DOWN"))
    kind: Row = {"type": "cross" if is_cross else "isolated", "value": leverage}
    held = account.positions.get(instrument.coin)
    if not is_cross:
        kind["rawUsd"] = views.usd(held.raw_usd if held is not None else ZERO)
    return {
        "user": it.user,
        "coin": instrument.coin,
        "leverage": kind,
        "maxTradeSzs": [most, most],
        "availableToTrade": [views.usd(free)] * 2,
        "markPx": text(mark),
    }


def web_data(it: Asked) -> Row:
    """Return ``webData2``, as far as a paper account has it."""
    return {
        "clearinghouseState": state(it),
        "openOrders": frontend_orders(it),
        "twapStates": rows.twap_states(it.account),
        "serverTime": it.desk.now,
        "isVault": False,
        "user": it.user,
        "paper": True,
    }


# One function for each of the venue's types


def _open_orders(it: Asked) -> list[Row]:
    return [views.open_order(order) for order in _live(it)]


def _funding(it: Asked) -> list[Row]:
    made = [rows.funding_delta(paid) for paid in it.account.fundings]
    return _page(made, it.body, _ROWS_PAGE)


def _slices_by_time(it: Asked) -> list[Row]:
    return _page(slices(it), it.body, _FILLS_PAGE, lambda row: int(row["fill"]["time"]))


def _order_status(it: Asked) -> Row:
    name = it.body.get("oid")
    if not isinstance(name, int | str) or isinstance(name, bool):
        raise UnreadableError(f"oid: {name!r} is neither a number nor a cloid")
    asked = name.lower() if isinstance(name, str) else name
    return views.order_status(it.account, asked)


def _fees(it: Asked) -> Row:
    settings = it.desk.config.fees
    volume = it.account.volume.at(it.desk.now)
    taker, maker = (
        text(base_rate(settings, volume, is_maker=side)) for side in (False, True)
    )
    tiers = [
        {"ntlCutoff": f"{above}.0", "cross": text(cross), "add": text(add)}
        for above, cross, add in TIERS[1:]
    ]
    return {
        "dailyUserVlm": [],
        "feeSchedule": {
            "cross": text(TIERS[0][1]),
            "add": text(TIERS[0][2]),
            "tiers": {"vip": tiers, "mm": []},
            "referralDiscount": "0.04",
            "stakingDiscountTiers": [],
        },
        "userCrossRate": taker,
        "userAddRate": maker,
        "activeReferralDiscount": text(settings.referral_discount),
        "activeStakingDiscount": {
            "bpsOfMaxSupply": "0.0",
            "discount": text(settings.staking_discount),
        },
    }


def _rate_limit(it: Asked) -> Row:
    volume = _volume(it.account)
    # HL: 10,000 requests and one more for each USDC traded (docs: "rate limits").
    return {
        "cumVlm": views.usd(volume),
        "nRequestsUsed": len(it.account.answers),
        "nRequestsCap": 10_000 + int(volume),
    }


def _portfolio(it: Asked) -> list[Any]:
    value, now = it.account.value(it.desk.marks()), it.desk.now
    history = {
        "accountValueHistory": [[now, views.usd(value)]],
        "pnlHistory": [[now, views.usd(value - it.account.opened_with)]],
        "vlm": views.usd(_volume(it.account)),
    }
    spans = ("day", "week", "month", "allTime")
    perps = ("perpDay", "perpWeek", "perpMonth", "perpAllTime")
    return [[name, history] for name in (*spans, *perps)]


# Details


def _live(it: Asked) -> list[Order]:
    dex = it.dex
    return [order for order in it.account.orders.values() if _dex(order.coin) == dex]


def _volume(account: Account) -> Decimal:
    return account.totals.maker_notional + account.totals.taker_notional


def _dex(coin: str) -> str:
    return coin.partition(":")[0] if ":" in coin else ""


def _page(
    made: Iterable[Row],
    body: Body,
    most: int,
    time: Callable[[Row], int] = itemgetter("time"),
) -> list[Row]:
    """Return a stretch of time. HL: both ends count, the oldest come first."""
    start, end = body.get("startTime", 0), body.get("endTime")
    for name, value in (("startTime", start), ("endTime", end)):
        if value is not None and not isinstance(value, int):
            raise UnreadableError(f"{name}: {value!r} is no time in ms")
    found = [
        it
        for it in made
        if (start or 0) <= time(it) and (end is None or time(it) <= end)
    ]
    return (found[::-1] if body.get("reversed") is True else found)[:most]
