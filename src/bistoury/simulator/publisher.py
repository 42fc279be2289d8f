"""When a feed speaks: on change, by block or by cadence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from .accounts import Account, Activity
from .audience import Audience
from .feeds import ROW_FIELDS, Feeds
from .market import CoinMarket, Trade
from .settings import Cadences, Settings
from .subscriptions import Subscription
from .user_views import by_time

Deliver = Callable[[Subscription, bytes], None]
NEVER = 1 << 62

# Account states, which are sent whole on change and every few seconds.
_USER_STATES = (
    "clearinghouseState",
    "openOrders",
    "spotState",
    "webData3",
    "twapStates",
    "activeAssetData",
    "allDexsClearinghouseState",
)


@dataclass(slots=True)
class _Beat:
    """A cadence: these types, every ``period`` ms; ``fast`` picks l2Books."""

    period: int
    kinds: tuple[str, ...]
    next_at: int
    fast: bool | None = None


class Publisher:
    """Sends what happened to whoever subscribed to it."""

    def __init__(
        self,
        feeds: Feeds,
        audience: Audience,
        settings: Settings,
        deliver: Deliver,
        start: int,
    ) -> None:
        self._feeds = feeds
        self._audience = audience
        self._deliver = deliver
        self._flag = settings.is_snapshot_false
        self._bests: dict[str, tuple[int, ...]] = {}
        self._beats = _beats(settings.cadences, start)
        self._next_at = NEVER
        # The audience's version that ``_next_at`` was worked out for.
        self._known = -1

    @property
    def next_at(self) -> int:
        """When (ms) a cadence that somebody follows is due."""
        if self._known != self._audience.version:
            self._known = self._audience.version
            due = (b.next_at for b in self._beats if self._audience.wants(*b.kinds))
            self._next_at = min(due, default=NEVER)
        return self._next_at

    def follow(self, subscription: Subscription, now: int) -> None:
        """Wake the cadence of a type that nobody followed until now."""
        kind = subscription.type
        if not self._audience.wants(kind):
            for beat in self._beats:
                if kind in beat.kinds and not self._audience.wants(*beat.kinds):
                    beat.next_at = (now // beat.period + 1) * beat.period

    def first(self, subscription: Subscription, now: int) -> bytes | None:
        """Return the first frame of a new subscription."""
        if subscription.type == "fastAssetCtxs" and not self._audience.wants(
            "fastAssetCtxs"
        ):
            self._feeds.forget_fast()
        message = self._feeds.first(subscription, now)
        return None if message is None else frame(*message)

    def after_block(self, coin: CoinMarket, trades: list[Trade], time: int) -> None:
        """Send what a block did to a coin."""
        name = coin.instrument.name
        audience = self._audience
        if trades:
            if audience.wants("trades"):
                for subscription in audience.about("trades", name):
                    self._deliver(subscription, frame("trades", trades))
            if audience.wants("candle"):
                for subscription in audience.about("candle", name):
                    self._send(subscription, self._feeds.candle(subscription))
        # HL: bbo only when the best bid or ask changed in a block (§2.20).
        best = coin.book.best
        if self._bests.get(name) != best:
            self._bests[name] = best
            for subscription in audience.about("bbo", name):
                self._send(subscription, self._feeds.state(subscription, time))

    def after_activity(self, account: Account, done: Activity, now: int) -> None:
        """Send what a user did."""
        for kind, rows in (
            ("userFills", done.fills),
            ("userFundings", done.fundings),
            ("userTwapSliceFills", done.twap_fills),
            ("userTwapHistory", done.twap_history),
            ("userHistoricalOrders", done.states),
        ):
            if rows:
                self._send_rows(kind, account.address, rows)
        # HL: an empty list comes along with each funding payment (§2.14).
        if done.ledger or done.fundings:
            kind = "userNonFundingLedgerUpdates"
            self._send_rows(kind, account.address, done.ledger)
        if done.updates:
            self._send_to("orderUpdates", account.address, done.updates)
        for data in _events(done):
            self._send_to("userEvents", account.address, data, channel="user")
        for text in done.notifications:
            self._send_to("notification", account.address, {"notification": text})
        for kind in _USER_STATES:
            for subscription in self._audience.about(kind, account.address):
                self._send(subscription, self._feeds.state(subscription, now))

    def beat(self, now: int, stamp: int) -> None:
        """Send what is due by its cadence; ``stamp`` is the time it carries."""
        self._known = -1
        for beat in self._beats:
            if beat.next_at > now:
                continue
            beat.next_at = (now // beat.period + 1) * beat.period
            for kind in beat.kinds:
                self._send_all(kind, beat.fast, stamp)

    def _send_all(self, kind: str, fast: bool | None, now: int) -> None:
        if kind == "fastAssetCtxs":
            if self._audience.wants(kind):
                message = self._feeds.fast_changes()
                for subscription in self._audience.about(kind):
                    self._send(subscription, message)
            return
        for subscription in self._audience.about(kind):
            if fast is None or fast is bool(subscription.get("fast")):
                self._send(subscription, self._feeds.state(subscription, now))

    def _send(
        self, subscription: Subscription, message: tuple[str, Any] | None
    ) -> None:
        if message is not None:
            self._deliver(subscription, frame(*message))

    def _send_to(self, kind: str, user: str, data: Any, channel: str = "") -> None:
        for subscription in self._audience.about(kind, user):
            self._deliver(subscription, frame(channel or kind, data))

    def _send_rows(self, kind: str, user: str, rows: list[Any]) -> None:
        for subscription in self._audience.about(kind, user):
            shown = by_time(rows) if subscription.get("aggregateByTime") else rows
            data: dict[str, Any] = {"user": user, ROW_FIELDS[kind]: shown}
            if self._flag:
                data = {"isSnapshot": False, **data}
            self._deliver(subscription, frame(kind, data))


def frame(channel: str, data: Any) -> bytes:
    """Write a message."""
    return msgspec.json.encode({"channel": channel, "data": data})


def _events(done: Activity) -> list[dict[str, Any]]:
    """Return the data of userEvents. HL: exactly one key in each (§2.11)."""
    events: list[dict[str, Any]] = []
    for name, rows in (
        ("fills", done.fills),
        ("twapSliceFills", done.twap_fills),
        ("twapHistory", done.twap_history),
        ("nonUserCancel", done.cancels),
    ):
        if rows:
            events.append({name: rows})
    events += [{"funding": row} for row in done.fundings]
    events += [{"liquidation": row} for row in done.liquidations]
    return events


def _beats(cadences: Cadences, start: int) -> list[_Beat]:
    table: list[tuple[float, tuple[str, ...], bool | None]] = [
        (cadences.l2_book, ("l2Book",), False),
        (cadences.l2_book_fast, ("l2Book",), True),
        (cadences.all_mids, ("allMids",), None),
        (cadences.asset_ctx, ("activeAssetCtx",), None),
        (
            cadences.asset_ctxs,
            ("assetCtxs", "spotAssetCtxs", "allDexsAssetCtxs"),
            None,
        ),
        (cadences.fast_asset_ctxs, ("fastAssetCtxs",), None),
        (cadences.user_state, _USER_STATES, None),
    ]
    beats: list[_Beat] = []
    for seconds, kinds, fast in table:
        period = max(1, round(seconds * 1000))
        beats.append(_Beat(period, kinds, (start // period + 1) * period, fast))
    return beats
