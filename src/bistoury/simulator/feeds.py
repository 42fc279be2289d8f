"""What a feed shows: its first frame after the acknowledgement, and its state."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from . import contexts, user_views
from .accounts import Account
from .market import CoinMarket, Market
from .settings import Settings
from .subscriptions import Subscription
from .users import Users

Message = tuple[str, Any]


class Feeds:
    """Turns the market and the users into the data of messages."""

    def __init__(self, market: Market, users: Users, settings: Settings) -> None:
        self._market = market
        self._users = users
        self._settings = settings
        names = {coin.instrument.dex for coin in market.coins.values()}
        self.dexs = ["", *sorted(names - {""})]
        self._fast: dict[str, dict[str, Any]] = {}
        self._states: dict[str, Callable[[Subscription, int], Message]] = {
            "allMids": self._all_mids,
            "l2Book": self._l2_book,
            "bbo": self._bbo,
            "activeAssetCtx": self._active_asset_ctx,
            "assetCtxs": self._asset_ctxs,
            "spotAssetCtxs": self._spot_asset_ctxs,
            "allDexsAssetCtxs": self._all_dexs_asset_ctxs,
            "fastAssetCtxs": self._fast_asset_ctxs,
            "clearinghouseState": self._clearinghouse,
            "openOrders": self._open_orders,
            "spotState": self._spot_state,
            "webData3": self._web_data,
            "twapStates": self._twap_states,
            "activeAssetData": self._active_asset_data,
            "allDexsClearinghouseState": self._all_dexs_clearinghouse,
        }

    def state(self, subscription: Subscription, now: int) -> Message:
        """Return the whole state of a feed that has one."""
        return self._states[subscription.type](subscription, now)

    def first(self, subscription: Subscription, now: int) -> Message | None:
        """Return what follows the acknowledgement at once, if anything does."""
        settings = self._settings
        kind = subscription.type
        if kind == "bbo" and not settings.bbo_first_frame:
            return None
        if kind in self._states:
            return self.state(subscription, now)
        if kind == "trades":
            return self._replay(subscription)
        if kind == "candle":
            return self.candle(subscription) if settings.candle_first_frame else None
        return self._snapshot(subscription, now)

    def candle(self, subscription: Subscription) -> Message | None:
        """Return the forming bar; a single object, not a list (§2.7)."""
        coin = self._market.coins[subscription.coin]
        interval = subscription.get("interval")
        bar = coin.candles.current(interval)
        return None if bar is None else ("candle", coin.bar(bar, interval))

    def fast_changes(self) -> Message | None:
        """Return what changed in fastAssetCtxs since it was last asked."""
        changes: dict[str, dict[str, Any]] = {}
        for name, fresh in self._fast_state().items():
            known = self._fast.get(name, {})
            changed = {k: v for k, v in fresh.items() if known.get(k) != v}
            if changed:
                changes[name] = changed
                self._fast[name] = fresh
        return ("fastAssetCtxs", _deflated(changes)) if changes else None

    def forget_fast(self) -> None:
        """Start fastAssetCtxs afresh, when nobody follows it."""
        self._fast = {}

    def book(
        self,
        coin: CoinMarket,
        time: int,
        figures: int | None,
        mantissa: int | None,
        depth: int,
    ) -> dict[str, Any]:
        """Return an l2Book. HL: ``spread`` only with nSigFigs (§2.8)."""
        bids, asks = coin.book.bids, coin.book.asks
        if figures is not None:
            bids, asks = coin.book.aggregated(figures, mantissa or 1)
        levels = [[coin.level(row) for row in side[:depth]] for side in (bids, asks)]
        data: dict[str, Any] = {
            "coin": coin.instrument.name,
            "time": time,
            "levels": levels,
        }
        if figures is not None:
            gap = asks[0][0] - bids[0][0] if asks and bids else 0
            data["spread"] = coin.px(gap)
        return data

    def asset_ctxs(self, dex: str, now: int) -> list[Any]:
        """Return a dex's contexts, placed as in its universe."""
        return [
            contexts.perp(coin, now)
            for coin in self._market.coins.values()
            if coin.instrument.dex == dex and not coin.instrument.is_spot
        ]

    def spot_ctxs(self, now: int) -> list[Any]:
        """Return the contexts of all spot pairs; join them by ``coin``."""
        return [
            contexts.spot(coin, now)
            for coin in self._market.coins.values()
            if coin.instrument.is_spot
        ]

    def _all_mids(self, subscription: Subscription, _: int) -> Message:
        data: dict[str, Any] = {"mids": self._market.mids(subscription.dex)}
        if subscription.get("dex") is not None:
            data["dex"] = subscription.dex
        return "allMids", data

    def _l2_book(self, subscription: Subscription, now: int) -> Message:
        cadences = self._settings.cadences
        fast = bool(subscription.get("fast"))
        depth = cadences.l2_book_fast_levels if fast else cadences.l2_book_levels
        data = self.book(
            self._market.coins[subscription.coin],
            self._market.block_at(now),
            subscription.get("nSigFigs"),
            subscription.get("mantissa"),
            depth,
        )
        if fast:
            data["fast"] = True
        return "l2Book", data

    def _bbo(self, subscription: Subscription, now: int) -> Message:
        coin = self._market.coins[subscription.coin]
        sides = (coin.book.bids, coin.book.asks)
        data = {
            "coin": subscription.coin,
            "time": self._market.block_at(now),
            "bbo": [coin.level(side[0]) if side else None for side in sides],
        }
        return "bbo", data

    def _active_asset_ctx(self, subscription: Subscription, now: int) -> Message:
        coin = self._market.coins[subscription.coin]
        # HL: spot comes on its own channel (§2.15).
        spot = coin.instrument.is_spot
        channel = "activeSpotAssetCtx" if spot else "activeAssetCtx"
        return channel, {
            "coin": subscription.coin,
            "ctx": contexts.context(coin, now),
        }

    def _asset_ctxs(self, subscription: Subscription, now: int) -> Message:
        dex = subscription.dex
        return "assetCtxs", {"dex": dex, "ctxs": self.asset_ctxs(dex, now)}

    def _spot_asset_ctxs(self, _: Subscription, now: int) -> Message:
        return "spotAssetCtxs", self.spot_ctxs(now)

    def _all_dexs_asset_ctxs(self, _: Subscription, now: int) -> Message:
        ctxs = [[dex, self.asset_ctxs(dex, now)] for dex in self.dexs]
        return "allDexsAssetCtxs", {"ctxs": ctxs}

    def _fast_asset_ctxs(self, _: Subscription, now: int) -> Message:
        # What the others were last sent: the next changes are relative to that.
        if not self._fast:
            self._fast = self._fast_state()
        return "fastAssetCtxs", _deflated(self._fast)

    def _fast_state(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"markPx": coin.px(coin.mark), "midPx": coin.mid}
            for name, coin in self._market.coins.items()
        }

    def _account(self, subscription: Subscription, now: int) -> Account | None:
        return self._users.account(subscription.user, now)

    def _clearinghouse(self, subscription: Subscription, now: int) -> Message:
        account, dex = self._account(subscription, now), subscription.dex
        state = user_views.clearinghouse(account, self._market, dex, now)
        data = {"dex": dex, "user": subscription.user, "clearinghouseState": state}
        return "clearinghouseState", data

    def _all_dexs_clearinghouse(self, subscription: Subscription, now: int) -> Message:
        account = self._account(subscription, now)
        states = [
            [dex, user_views.clearinghouse(account, self._market, dex, now)]
            for dex in self.dexs
        ]
        data = {"user": subscription.user, "clearinghouseStates": states}
        return "allDexsClearinghouseState", data

    def _open_orders(self, subscription: Subscription, now: int) -> Message:
        account, dex = self._account(subscription, now), subscription.dex
        orders = user_views.open_orders(account, dex, frontend=True)
        return "openOrders", {"dex": dex, "user": subscription.user, "orders": orders}

    def _spot_state(self, subscription: Subscription, now: int) -> Message:
        state = user_views.spot_state(self._account(subscription, now), self._market)
        return "spotState", {"user": subscription.user, "spotState": state}

    def _web_data(self, subscription: Subscription, now: int) -> Message:
        account = self._account(subscription, now)
        data = user_views.web_data(account, subscription.user, self.dexs, now)
        return "webData3", data

    def _twap_states(self, subscription: Subscription, now: int) -> Message:
        account, dex = self._account(subscription, now), subscription.dex
        states = user_views.twap_states(account, self._market, dex)
        return "twapStates", {"dex": dex, "user": subscription.user, "states": states}

    def _active_asset_data(self, subscription: Subscription, now: int) -> Message:
        coin = self._market.coins[subscription.coin]
        account = self._account(subscription, now)
        data = user_views.asset_data(account, subscription.user, coin)
        return "activeAssetData", data

    def _replay(self, subscription: Subscription) -> Message | None:
        settings = self._settings
        recent = self._market.coins[subscription.coin].recent
        count = settings.trades_replay
        rows = list(recent)[-count:] if count else []
        if settings.trades_replay_newest_first:
            rows.reverse()
        return ("trades", rows) if rows else None

    def _snapshot(self, subscription: Subscription, now: int) -> Message | None:
        account = self._account(subscription, now)
        # HL: snapshots are oldest first (§2.12).
        rows = [] if account is None else self._rows(subscription, account)
        field = ROW_FIELDS.get(subscription.type)
        if field is None or rows is None:
            return None
        data = {"isSnapshot": True, "user": subscription.user, field: rows}
        return subscription.type, data

    def _rows(self, subscription: Subscription, account: Account) -> list[Any] | None:
        most = self._settings.rows_snapshot
        match subscription.type:
            case "userFills":
                rows = list(account.fills)
                if subscription.get("aggregateByTime"):
                    rows = user_views.by_time(rows)
                return rows[-self._settings.fills_snapshot :]
            case "userFundings":
                return account.fundings[-most:]
            case "userNonFundingLedgerUpdates":
                return account.ledger_rows[-most:]
            case "userTwapSliceFills":
                return list(account.twap_fills)[-most:]
            case "userTwapHistory":
                return list(account.twap_history)[-most:]
            case "userHistoricalOrders":
                return [states[-1] for states in account.histories.values()][-most:]
            case _:
                return None


# The feeds that begin with a snapshot of rows, and where the rows are.
ROW_FIELDS = {
    "userFills": "fills",
    "userFundings": "fundings",
    "userNonFundingLedgerUpdates": "nonFundingLedgerUpdates",
    "userTwapSliceFills": "twapSliceFills",
    "userTwapHistory": "history",
    "userHistoricalOrders": "orderHistory",
}


def _deflated(value: Any) -> str:
    """Compress as fastAssetCtxs does: base64 of raw DEFLATE of JSON (§2.25)."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(msgspec.json.encode(value)) + packer.flush()
    return base64.b64encode(packed).decode()
