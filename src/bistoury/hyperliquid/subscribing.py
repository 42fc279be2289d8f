"""A verb for each feed that people ask for most; all of them are ``subscribe``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ..backlog import DEFAULT_LIMIT
from ..mailbox import Handler
from .handles import SubscriptionHandle


class Subscribing:
    """Spells subscriptions out, for editors and for people."""

    @abstractmethod
    async def subscribe(
        self,
        subscription: Mapping[str, Any],
        handler: Handler | None = None,
        *,
        raw: bool = False,
        typed: bool = False,
        audit: bool = False,
        max_queue: int = DEFAULT_LIMIT,
        conflate: bool | None = None,
    ) -> SubscriptionHandle:
        """Subscribe to anything the venue knows."""

    async def subscribe_all_mids(
        self,
        handler: Handler | None = None,
        dex: str | None = None,
        *,
        typed: bool = False,
    ) -> SubscriptionHandle:
        """Follow the mid price of every coin; of one HIP-3 dex if ``dex`` names it."""
        body = {"type": "allMids", "dex": dex}
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_trades(
        self,
        coin: str,
        handler: Handler | None = None,
        *,
        typed: bool = False,
        audit: bool = False,
    ) -> SubscriptionHandle:
        """
        Follow the trades of a coin.

        ``audit`` compares them with the venue's bars, each minute (event ``audit``).
        """
        body = {"type": "trades", "coin": coin}
        return await self.subscribe(body, handler, typed=typed, audit=audit)

    async def subscribe_orderbook(
        self,
        coin: str,
        handler: Handler | None = None,
        n_sig_figs: int | None = None,
        mantissa: int | None = None,
        fast: bool = False,
        *,
        typed: bool = False,
    ) -> SubscriptionHandle:
        """
        Follow the order book of a coin: whole books, never changes.

        ``n_sig_figs`` (2 to 5) aggregates prices, ``mantissa`` (with 5) further;
        ``fast`` gives fewer levels more often.
        """
        body = {
            "type": "l2Book",
            "coin": coin,
            "nSigFigs": n_sig_figs,
            "mantissa": mantissa,
            "fast": fast,
        }
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_bbo(
        self, coin: str, handler: Handler | None = None, *, typed: bool = False
    ) -> SubscriptionHandle:
        """Follow the best bid and offer of a coin."""
        body = {"type": "bbo", "coin": coin}
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_candle(
        self,
        coin: str,
        interval: str,
        handler: Handler | None = None,
        *,
        typed: bool = False,
    ) -> SubscriptionHandle:
        """Follow the candles of a coin, ``interval`` from ``1m`` to ``1M``."""
        body = {"type": "candle", "coin": coin, "interval": interval}
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_active_asset_ctx(
        self, coin: str, handler: Handler | None = None, *, typed: bool = False
    ) -> SubscriptionHandle:
        """Follow mark, oracle, funding and open interest of a coin."""
        body = {"type": "activeAssetCtx", "coin": coin}
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_user_fills(
        self,
        user: str,
        handler: Handler | None = None,
        aggregate_by_time: bool = False,
        *,
        typed: bool = False,
    ) -> SubscriptionHandle:
        """Follow the fills of an address; its recent ones come first."""
        body = {
            "type": "userFills",
            "user": user,
            "aggregateByTime": aggregate_by_time,
        }
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_order_updates(
        self, user: str, handler: Handler | None = None, *, typed: bool = False
    ) -> SubscriptionHandle:
        """Follow what becomes of the orders of an address."""
        body = {"type": "orderUpdates", "user": user}
        return await self.subscribe(body, handler, typed=typed)

    async def subscribe_user_events(
        self, user: str, handler: Handler | None = None, *, typed: bool = False
    ) -> SubscriptionHandle:
        """Follow fills, funding, liquidations and cancels of an address together."""
        body = {"type": "userEvents", "user": user}
        return await self.subscribe(body, handler, typed=typed)
