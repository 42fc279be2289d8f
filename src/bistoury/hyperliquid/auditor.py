"""The audits of one client: who asked for them, and what they listen to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import BistouryError, ConfigError
from ..mailbox import Handler, Mailbox, Reporter
from ..observability.audited import Audited
from ..session import Subscription, Update
from ..session.notices import Gap
from ..session.registry import Entry
from . import feeds
from .audit import MINUTE, TradeAudit
from .errands import Errands
from .handles import SubscriptionHandle

if TYPE_CHECKING:
    from .client import HyperLiquidIntegration


class _Ear(Mailbox[Update]):
    """Hears what handlers get, and the gaps in between."""

    def __init__(
        self,
        handler: Handler,
        on_gap: Callable[[Gap], None],
        reporter: Reporter,
    ) -> None:
        super().__init__(handler, lambda update: update, reporter)
        self._on_gap = on_gap

    def put_gap(self, gap: object) -> None:
        """Hear of a gap, in order with the messages."""
        if isinstance(gap, Gap):
            self._on_gap(gap)


class Auditor:
    """Audits the trades of each coin that somebody asked it for."""

    def __init__(
        self,
        client: HyperLiquidIntegration,
        entry: Callable[[Subscription], Entry | None],
        errands: Errands,
        tell: Callable[[Audited], None],
    ) -> None:
        self._client = client
        self._entry = entry
        self._errands = errands
        self._tell = tell
        self._audits: dict[str, TradeAudit] = {}
        self._ears: dict[str, list[SubscriptionHandle]] = {}
        self._askers: dict[str, set[SubscriptionHandle]] = {}

    async def follow(self, asker: SubscriptionHandle) -> None:
        """
        Audit the trades of a subscription for as long as ``asker`` is there.

        Raises:
            SubscriptionLimitError: there is no room for the coin's bars.
            SubscriptionRefusedError: the venue refused them.
        """
        coin = str(asker.subscription.get("coin"))
        askers = self._askers.setdefault(coin, set())
        askers.add(asker)
        if coin in self._audits:
            return
        try:
            await self._begin(coin, asker.subscription)
        except BaseException:
            self._client.leave(asker)
            raise

    def left(self, handle: SubscriptionHandle) -> None:
        """Hear that a listener left; the last one of a coin ends its audit."""
        coin = str(handle.subscription.get("coin"))
        askers = self._askers.get(coin, set())
        if handle not in askers:
            return
        askers.discard(handle)
        if not askers:
            del self._askers[coin]
            self._audits.pop(coin, None)
            for ear in self._ears.pop(coin, []):
                self._client.leave(ear)

    def ticked(self, now: float) -> None:
        """Say what can be said now."""
        for coin, audit in list(self._audits.items()):
            for verdict in audit.judge(now):
                self._tell(verdict)
            if asked := audit.take_questions():
                self._errands.start(self._ask(coin, audit, asked))

    def totals(self) -> dict[str, Any]:
        """Return what was found out so far."""
        coins = {coin: _totals(audit) for coin, audit in self._audits.items()}
        names = ("complete", "missing", "missing_count", "unjudged")
        return {
            **{name: sum(it[name] for it in coins.values()) for name in names},
            "coins": coins,
        }

    async def _begin(self, coin: str, trades: Subscription) -> None:
        bars = feeds.canonical({"type": "candle", "coin": coin, "interval": "1m"})
        entries = [self._entry(subscription) for subscription in (trades, bars)]
        audit = self._audits[coin] = TradeAudit(
            coin,
            self._client.config.audit_grace,
            # The local venue's bars are made of the very trades it sends.
            is_calibrated=self._client.config.network == "local",
            known_until=max(it.continuity.newest if it else 0 for it in entries),
        )

        def hear_trades(update: Update) -> None:
            rows = [row for _, _, row in update.items or ()]
            audit.take_trades(rows, self._client.now())

        def hear_bar(update: Update) -> None:
            entry = self._entry(trades)
            is_followed = entry is not None and entry.is_held
            for _, _, row in update.items or ():
                audit.take_bar(row, self._client.now(), is_followed=is_followed)

        ears = self._ears[coin] = []
        for subscription, hear in ((trades, hear_trades), (bars, hear_bar)):
            outlet = _Ear(hear, audit.take_gap, self._client)
            ears.append(await self._client.join(subscription, outlet))

    async def _ask(self, coin: str, audit: TradeAudit, asked: list[int]) -> None:
        """Read the bars of minutes that do not agree with what was delivered."""
        rows: list[dict[str, Any]] | None
        try:
            until = asked[-1] + MINUTE - 1
            rows = await self._client.get_candles(coin, "1m", asked[0], until)
        except BistouryError:
            rows = None
        except asyncio.CancelledError:
            audit.ask_again(asked)
            raise
        audit.take_history(asked, rows, self._client.now())


def check(subscription: Subscription) -> None:
    """Refuse to audit what has no bars."""
    if subscription.feed != "trades":
        raise ConfigError("audit", subscription.feed, "a subscription to trades")


def _totals(audit: TradeAudit) -> dict[str, Any]:
    names = ("complete", "missing", "missing_count", "unjudged")
    return {
        **{name: audit.totals[name] for name in names},
        "missing_size": str(audit.missing_size),
        "is_calibrated": audit.is_calibrated,
    }
