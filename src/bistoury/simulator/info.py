"""
The venue's ``/info``: one answer for each request type of protocol §4.2.

Histories are read from the same rows that the stream sent. REST may trail the
stream by ``history_lag``: what is newer does not exist here yet.
"""

from __future__ import annotations

from collections.abc import Callable

from . import catalogue
from .bars import INTERVALS
from .conduct import Conduct
from .feeds import Feeds
from .fields import Body, Missing, needed, optional
from .funding_rates import FundingRates
from .limits import Window
from .market import CoinMarket, Market
from .numbers import milliseconds, rate
from .settings import Settings
from .user_info import UserInfo
from .users import Users

UNREADABLE = "Failed to deserialize the JSON body into the target type"

# HL: weights of an address's 1200 a minute (§4.1).
_WEIGHTS = {
    "l2Book": 2,
    "allMids": 2,
    "clearinghouseState": 2,
    "orderStatus": 2,
    "spotClearinghouseState": 2,
    "exchangeStatus": 2,
    "userRole": 60,
}
_WEIGHT = 20
# HL: one more for each so many rows returned.
_ROWS_PER_WEIGHT = {
    "recentTrades": 20,
    "historicalOrders": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "fundingHistory": 20,
    "userFunding": 20,
    "userNonFundingLedgerUpdates": 20,
    "twapHistory": 20,
    "userTwapSliceFills": 20,
    "userTwapSliceFillsByTime": 20,
    "delegatorHistory": 20,
    "candleSnapshot": 60,
}


class Info:
    """Answers info requests about the market, and hands on those about users."""

    def __init__(
        self,
        market: Market,
        users: Users,
        rates: FundingRates,
        feeds: Feeds,
        settings: Settings,
    ) -> None:
        self._market = market
        self._rates = rates
        self._feeds = feeds
        self._settings = settings
        self._lag = milliseconds(settings.history_lag)
        self._user_info = UserInfo(market, users, feeds.dexs, self._lag)
        self._answers: dict[str, Callable[[Body, int], object]] = {
            "allMids": self._all_mids,
            "l2Book": self._l2_book,
            "candleSnapshot": self._candles,
            "recentTrades": self._recent_trades,
            "meta": lambda body, _: catalogue.meta(market, self._dex(body)),
            "metaAndAssetCtxs": self._meta_and_ctxs,
            "allPerpMetas": lambda _, __: [
                catalogue.meta(market, dex) for dex in feeds.dexs
            ],
            "spotMeta": lambda _, __: catalogue.spot_meta(market),
            "spotMetaAndAssetCtxs": self._spot_meta_and_ctxs,
            "perpDexs": lambda _, __: catalogue.perp_dexs(market, feeds.dexs),
            "fundingHistory": self._funding_history,
            "predictedFundings": self._predicted_fundings,
            "exchangeStatus": lambda _, now: {"time": now, "specialStatuses": None},
            "perpsAtOpenInterestCap": lambda _, __: [],
            "outcomeMeta": lambda _, __: {"outcomes": [], "questions": []},
            "validatorSummaries": lambda _, __: [],
            "perpDeployAuctionStatus": lambda _, now: _auction(now),
            "spotPairDeployAuctionStatus": lambda _, now: _auction(now),
            "perpDexLimits": self._dex_limits,
            "perpDexStatus": lambda body, _: {
                "totalNetDeposit": "1000000.0" if self._dex(body) else "0.0"
            },
        }

    def answer(
        self, body: object, now: int, stamp: int, weight: Window, conduct: Conduct
    ) -> tuple[int, object]:
        """Return a status and a value; the weight counts at the time ``now``."""
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            return 422, UNREADABLE
        kind: str = body["type"]
        fault = conduct.rest(kind)
        if fault is not None:
            return fault.status, fault.body
        own = self._answers.get(kind)
        answer = own or self._user_info.answers.get(kind)
        if answer is None:
            return 422, UNREADABLE
        # HL: 429 with a null body; Retry-After is not reliable (§4).
        if not weight.spend(now, _WEIGHTS.get(kind, _WEIGHT)):
            return 429, None
        try:
            value = answer(body, stamp)
        except Missing:
            return 422, UNREADABLE
        per = _ROWS_PER_WEIGHT.get(kind)
        if per and isinstance(value, list):
            weight.charge(now, -(-len(value) // per))
        return 200, value

    def _all_mids(self, body: Body, _: int) -> object:
        return self._market.mids(self._dex(body))

    def _l2_book(self, body: Body, now: int) -> object:
        figures = optional(body, "nSigFigs", int)
        mantissa = optional(body, "mantissa", int)
        if figures not in {None, 2, 3, 4, 5} or mantissa not in {None, 1, 2, 5}:
            raise Missing
        coin = self._coin(body)
        if coin is None:
            return None
        depth = self._settings.cadences.l2_book_levels
        time = self._market.block_at(now)
        return self._feeds.book(coin, time, figures, mantissa, depth)

    def _candles(self, body: Body, now: int) -> object:
        asked = needed(body, "req", dict)
        interval = needed(asked, "interval", str)
        start = needed(asked, "startTime", int)
        end = optional(asked, "endTime", int)
        if interval not in INTERVALS:
            raise Missing
        coin = self._coin(asked)
        if coin is None:
            # HL: an empty list or a 500 with null, uncertain (§4).
            return []
        known = now - self._lag
        flat = self._settings.flat_bars_after
        bars = coin.candles.between(
            interval,
            start,
            known if end is None else min(end, known),
            now,
            None if flat is None else milliseconds(flat),
        )
        return [coin.bar(bar, interval) for bar in bars]

    def _recent_trades(self, body: Body, now: int) -> object:
        coin = self._coin(body)
        if coin is None:
            return []
        known = now - self._lag
        rows = [trade for trade in coin.recent if trade["time"] <= known]
        return rows[::-1][: self._settings.recent_trades]

    def _meta_and_ctxs(self, body: Body, now: int) -> object:
        dex = self._dex(body)
        return [catalogue.meta(self._market, dex), self._feeds.asset_ctxs(dex, now)]

    def _spot_meta_and_ctxs(self, _: Body, now: int) -> object:
        return [catalogue.spot_meta(self._market), self._feeds.spot_ctxs(now)]

    def _funding_history(self, body: Body, now: int) -> object:
        start = needed(body, "startTime", int)
        end = optional(body, "endTime", int)
        coin = self._coin(body)
        if coin is None or coin.instrument.is_spot:
            return []
        known = now - self._lag
        until = known if end is None else min(end, known)
        return self._rates.between(coin.instrument.name, start, until)

    def _predicted_fundings(self, _: Body, now: int) -> object:
        hour = 3_600_000
        following = (now // hour + 1) * hour
        return [
            [
                name,
                [
                    [
                        "HlPerp",
                        {
                            "fundingRate": rate(self._rates.at(name, following)[0]),
                            "nextFundingTime": following,
                            "fundingIntervalHours": 1,
                        },
                    ]
                ],
            ]
            for name, coin in self._market.coins.items()
            if not coin.instrument.is_spot and not coin.instrument.dex
        ]

    def _dex_limits(self, body: Body, _: int) -> object:
        names = [
            name for name in self._market.coins if name.startswith(self._dex(body))
        ]
        return {
            "totalOiCap": "400000000.0",
            "oiSzCapPerPerp": "1000000000.0",
            "maxTransferNtl": "150000000.0",
            "coinToOiCap": [[name, "25000000.0"] for name in names],
        }

    def _coin(self, body: Body) -> CoinMarket | None:
        return self._market.coins.get(needed(body, "coin", str))

    def _dex(self, body: Body) -> str:
        dex = optional(body, "dex", str) or ""
        if dex not in self._feeds.dexs:
            raise Missing
        return dex


def _auction(now: int) -> Body:
    return {
        "startTimeSeconds": now // 1000 // 111_600 * 111_600,
        "durationSeconds": 111_600,
        "startGas": "1000.0",
        "currentGas": "750.5",
        "endGas": None,
    }
