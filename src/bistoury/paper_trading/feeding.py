"""Which feeds of the client a paper venue needs, and what it hears of their health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ..errors import BistouryError
from ..hyperliquid.client import HyperLiquidIntegration
from ..hyperliquid.handles import SubscriptionHandle
from ..session.notices import Gap, Stale
from .venue import FUNDING, GAP, STALE, Message

logger = logging.getLogger(__name__)

_AGAIN_AFTER = 1.0
_OWED_AGAIN_AFTER = 30.0
_HOUR_MS = 3_600_000
_MARKET = ("bbo", "l2Book", "trades", "activeAssetCtx")


class Feeding:
    """Follows every coin, and passes on messages, gaps and stale feeds, in order."""

    def __init__(
        self,
        client: HyperLiquidIntegration,
        coins: tuple[str, ...],
        take: Callable[[Message], None],
    ) -> None:
        self._client = client
        self._coins = coins
        self._take = take
        self._handles: list[SubscriptionHandle] = []
        self._removers: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Follow every feed of every coin; do nothing if that is done."""
        if self._handles:
            return
        # Plain functions are called at once, so that a gap stands where it happened.
        self._removers = [
            self._client.on("gap", self._gap),
            self._client.on("stale", self._stale),
        ]
        for coin in self._coins:
            for body in bodies(coin):
                self._handles.append(await self._client.subscribe(body, self._take))

    async def stop(self) -> None:
        """Follow nothing any more."""
        handles, self._handles = self._handles, []
        removers, self._removers = self._removers, []
        for remove in removers:
            remove()
        for handle in handles:
            await handle.unsubscribe()

    def _gap(self, gap: Gap) -> None:
        feed, coin = _feed_of(gap)
        if feed is None:
            return
        data = {
            "feed": feed,
            "coin": coin,
            "since": gap.since or 0,
            "until": gap.until or 0,
            "status": gap.status,
        }
        self._take({"channel": GAP, "data": data})

    def _stale(self, stale: Stale) -> None:
        feed, coin = _feed_of(stale)
        if feed is not None:
            self._take({"channel": STALE, "data": {"feed": feed, "coin": coin}})


def bodies(coin: str) -> list[dict[str, Any]]:
    """Return the subscriptions that make up a fused book."""
    return [
        {"type": "trades", "coin": coin},
        {"type": "bbo", "coin": coin},
        # HL: the slow view has 20 levels each 5 s, the fast one 5 each 0.5 s.
        {"type": "l2Book", "coin": coin, "fast": True},
        {"type": "l2Book", "coin": coin},
        {"type": "activeAssetCtx", "coin": coin},
    ]


def _feed_of(notice: Gap | Stale) -> tuple[str | None, str]:
    """Return which feed of which coin a notice is about, as the venue calls it."""
    subscription = notice.subscription
    coin = str(subscription.get("coin") or "")
    if subscription.feed not in _MARKET or subscription.get("nSigFigs"):
        return None, coin
    is_fast = subscription.feed == "l2Book" and bool(subscription.get("fast"))
    return subscription.feed + (":fast" if is_fast else ""), coin


def time_of(message: Message) -> int | None:
    """Return the venue time (ms) of a live message about a book."""
    if message["channel"] in ("bbo", "l2Book"):
        return int(message["data"]["time"])
    return None


async def settle_owed(
    client: HyperLiquidIntegration,
    due: Callable[[], dict[str, list[int]]],
    take: Callable[[Message], None],
) -> None:
    """Ask for the rates of hours that nobody saw, until none is ``due``."""
    while owed := due():
        for coin, hours in owed.items():
            try:
                rows = await client.info.get_funding_rate(
                    coin, min(hours) - _HOUR_MS // 2
                )
            except (BistouryError, OSError) as error:
                logger.warning("funding of %s is still owed: %s", coin, error)
                continue
            take({"channel": FUNDING, "data": {"coin": coin, "rows": rows}})
        if due():
            await asyncio.sleep(_OWED_AGAIN_AFTER)


async def metas_of(
    client: HyperLiquidIntegration, coins: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Ask for the rules of every dex that ``coins`` are traded on, until they come."""
    while True:
        try:
            return await _asked(client, coins)
        except (BistouryError, OSError) as error:
            logger.warning("paper trading waits for the venue's rules: %s", error)
            await asyncio.sleep(_AGAIN_AFTER)


async def _asked(
    client: HyperLiquidIntegration, coins: tuple[str, ...]
) -> list[dict[str, Any]]:
    metas: list[dict[str, Any]] = [{"meta": await client.info.get_meta()}]
    dexes = sorted({it.partition(":")[0] for it in coins if ":" in it})
    if dexes:
        listed = await client.info.request({"type": "perpDexs"})
        for place, row in enumerate(listed):
            if isinstance(row, dict) and row.get("name") in dexes:
                scale = Decimal(str(row.get("deployerFeeScale", "1")))
                metas.append(
                    {
                        "meta": await client.info.get_meta(row["name"]),
                        "dex_index": place,
                        "fee_scale": str(scale),
                    }
                )
    return metas
