"""
The part of ``/info`` that is about users.

HL: an unknown user gets an empty result, not an error (§4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import fields, user_views
from .accounts import Account
from .fields import Body, Missing
from .market import Market
from .numbers import decimal
from .users import Users

Row = dict[str, Any]

# HL: page sizes (§4.2).
_FILLS_PAGE = 2000
_ROWS_PAGE = 500
_FOREVER = 1 << 62


class UserInfo:
    """Answers info requests about users."""

    def __init__(self, market: Market, users: Users, dexs: list[str], lag: int) -> None:
        self._market = market
        self._users = users
        self._dexs = dexs
        self._lag = lag
        self.answers: dict[str, Callable[[Body, int], object]] = {
            "userFills": self._fills,
            "userFillsByTime": self._fills_by_time,
            "userFunding": self._funding,
            "userNonFundingLedgerUpdates": self._ledger,
            "historicalOrders": self._historical_orders,
            "orderStatus": self._order_status,
            "openOrders": lambda body, now: self._open(body, now, frontend=False),
            "frontendOpenOrders": lambda body, now: self._open(
                body, now, frontend=True
            ),
            "clearinghouseState": self._clearinghouse,
            "spotClearinghouseState": self._spot,
            "activeAssetData": self._asset_data,
            "userTwapSliceFills": self._slices,
            "userTwapSliceFillsByTime": self._slices_by_time,
            "twapHistory": self._twap_history,
            "webData2": self._web_data,
            "userFees": self._fees,
            "userRateLimit": self._rate_limit,
            "userRole": self._role,
            "portfolio": self._portfolio,
            "subAccounts": lambda body, now: self._nothing(body, now, None),
            "userVaultEquities": lambda body, now: self._nothing(body, now, []),
            "extraAgents": lambda body, now: self._nothing(body, now, []),
            "delegations": lambda body, now: self._nothing(body, now, []),
            "delegatorHistory": lambda body, now: self._nothing(body, now, []),
            "delegatorRewards": lambda body, now: self._nothing(body, now, []),
            "delegatorSummary": self._delegator,
            "referral": self._referral,
            "userToMultiSigSigners": lambda body, now: self._nothing(body, now, None),
            "userDexAbstraction": lambda body, now: self._nothing(body, now, None),
            "userAbstraction": lambda body, now: self._nothing(body, now, "disabled"),
            "spotDeployState": lambda body, now: self._nothing(
                body, now, {"states": [], "gasAuction": None}
            ),
            "maxBuilderFee": lambda body, now: self._nothing(body, now, 0),
        }

    def _account(self, body: Body, now: int) -> Account | None:
        return self._users.account(fields.address(body, "user"), now)

    def _visible(self, rows: Sequence[Row], now: int) -> list[Row]:
        known = now - self._lag
        return [row for row in rows if _time(row) <= known]

    def _range(self, body: Body, rows: list[Row], page: int) -> list[Row]:
        """
        Return a page of a time range.

        HL: the oldest rows first, both ends inclusive (§4.3).
        """
        start = fields.optional(body, "startTime", int) or 0
        end = fields.optional(body, "endTime", int)
        until = _FOREVER if end is None else end
        found = [row for row in rows if start <= _time(row) <= until]
        found.sort(key=_time)
        if body.get("reversed") is True:
            found.reverse()
        return found[:page]

    def _fills(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        rows = [] if account is None else self._visible(account.fills, now)
        return self._joined(body, rows)[::-1][:_FILLS_PAGE]

    def _fills_by_time(self, body: Body, now: int) -> object:
        fields.needed(body, "startTime", int)
        account = self._account(body, now)
        rows = [] if account is None else self._visible(account.fills, now)
        return self._range(body, self._joined(body, rows), _FILLS_PAGE)

    def _joined(self, body: Body, rows: list[Row]) -> list[Row]:
        wanted = body.get("aggregateByTime")
        if wanted not in {None, True, False}:
            raise Missing
        return user_views.by_time(rows) if wanted else rows

    def _funding(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        rows = [] if account is None else self._visible(account.fundings, now)
        return [
            {
                "time": row["time"],
                "hash": "0x" + "0" * 64,
                "delta": {
                    "type": "funding",
                    **{name: row[name] for name in row if name != "time"},
                },
            }
            for row in self._range(body, rows, _ROWS_PAGE)
        ]

    def _ledger(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        rows = [] if account is None else self._visible(account.ledger_rows, now)
        return self._range(body, rows, _ROWS_PAGE)

    def _states(self, account: Account | None, now: int) -> list[Row]:
        """Return each order's latest state that REST knows, oldest change first."""
        known = now - self._lag
        latest: list[Row] = []
        for states in [] if account is None else account.histories.values():
            seen = [row for row in states if row["statusTimestamp"] <= known]
            if seen:
                latest.append(seen[-1])
        return sorted(latest, key=lambda row: int(row["statusTimestamp"]))

    def _historical_orders(self, body: Body, now: int) -> object:
        return self._states(self._account(body, now), now)[::-1]

    def _order_status(self, body: Body, now: int) -> object:
        asked = body.get("oid")
        if not isinstance(asked, int | str) or isinstance(asked, bool):
            raise Missing
        for state in self._states(self._account(body, now), now):
            order = state["order"]
            if asked == (order["oid"] if isinstance(asked, int) else order["cloid"]):
                return {"status": "order", "order": state}
        return {"status": "unknownOid"}

    def _open(self, body: Body, now: int, *, frontend: bool) -> object:
        account = self._account(body, now)
        return user_views.open_orders(account, self._dex(body), frontend=frontend)

    def _clearinghouse(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        return user_views.clearinghouse(account, self._market, self._dex(body), now)

    def _spot(self, body: Body, now: int) -> object:
        return user_views.spot_state(self._account(body, now), self._market)

    def _asset_data(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        coin = self._market.coins.get(fields.needed(body, "coin", str))
        if coin is None or coin.instrument.is_spot:
            raise Missing
        return user_views.asset_data(account, fields.address(body, "user"), coin)

    def _slices(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        rows = [] if account is None else self._visible(account.twap_fills, now)
        return rows[::-1][:_FILLS_PAGE]

    def _slices_by_time(self, body: Body, now: int) -> object:
        fields.needed(body, "startTime", int)
        account = self._account(body, now)
        rows = [] if account is None else self._visible(account.twap_fills, now)
        return self._range(body, rows, _FILLS_PAGE)

    def _twap_history(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        known = (now - self._lag) / 1000
        rows = [] if account is None else account.twap_history
        return [row for row in rows if row["time"] <= known][::-1]

    def _web_data(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        user = fields.address(body, "user")
        return {
            "clearinghouseState": user_views.clearinghouse(
                account, self._market, "", now
            ),
            "openOrders": user_views.open_orders(account, "", frontend=True),
            "serverTime": now,
            "user": user,
            "isVault": False,
        }

    def _fees(self, body: Body, now: int) -> object:
        self._account(body, now)
        return {
            "dailyUserVlm": [],
            "feeSchedule": {
                "cross": "0.00045",
                "add": "0.00015",
                "spotCross": "0.0007",
                "spotAdd": "0.0004",
                "tiers": {"vip": [], "mm": []},
                "referralDiscount": "0.04",
                "stakingDiscountTiers": [],
            },
            "userCrossRate": "0.00045",
            "userAddRate": "0.00015",
            "userSpotCrossRate": "0.0007",
            "userSpotAddRate": "0.0004",
            "activeReferralDiscount": "0.0",
            "trial": None,
            "feeTrialReward": "0.0",
            "nextTrialAvailableTimestamp": None,
            "stakingLink": None,
            "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
        }

    def _rate_limit(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        volume = 0 if account is None else account.volume // 1000
        used = 0 if account is None else len(account.histories)
        return {
            "cumVlm": decimal(volume, 2),
            "nRequestsUsed": used,
            "nRequestsCap": 10_000 + volume // 100,
        }

    def _role(self, body: Body, now: int) -> object:
        return {"role": "missing" if self._account(body, now) is None else "user"}

    def _portfolio(self, body: Body, now: int) -> object:
        account = self._account(body, now)
        state = user_views.clearinghouse(account, self._market, "", now)
        value = state["marginSummary"]["accountValue"]
        history = {
            "accountValueHistory": [[now, value]],
            "pnlHistory": [[now, "0.0"]],
            "vlm": "0.0",
        }
        periods = ("day", "week", "month", "allTime")
        names = [*periods, *(f"perp{name[0].upper()}{name[1:]}" for name in periods)]
        return [[name, history] for name in names]

    def _delegator(self, body: Body, now: int) -> object:
        zero = {"delegated": "0.0", "undelegated": "0.0"}
        summary = {**zero, "totalPendingWithdrawal": "0.0", "nPendingWithdrawals": 0}
        return self._nothing(body, now, summary)

    def _referral(self, body: Body, now: int) -> object:
        value: Row = {
            "referredBy": None,
            "cumVlm": "0.0",
            "unclaimedRewards": "0.0",
            "claimedRewards": "0.0",
            "builderRewards": "0.0",
            "referrerState": None,
            "rewardHistory": [],
        }
        return self._nothing(body, now, value)

    def _nothing(self, body: Body, now: int, value: object) -> object:
        fields.address(body, "user")
        return value

    def _dex(self, body: Body) -> str:
        dex: str = fields.optional(body, "dex", str) or ""
        if dex not in self._dexs:
            raise Missing
        return dex


def _time(row: Row) -> int:
    time: int = row["fill"]["time"] if "fill" in row else row["time"]
    return time
