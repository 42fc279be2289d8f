"""
Every number the local venue lives by, each with its unit and its source.

Durations are seconds of venue time. What the protocol reference calls uncertain
is a setting here, so that a client can be tried against either reading.
"""

from __future__ import annotations

import msgspec

DEFAULT_COINS = (
    "BTC",
    "ETH",
    "SOL",
    "HYPE",
    "DOGE",
    "kPEPE",
    "xyz:NVDA",
    "@107",
    "PURR/USDC",
)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one address may do. HL: docs rate limits (protocol §1.6, §4.1)."""

    connections: int = 10
    connections_per_minute: int = 30
    subscriptions: int = 1000
    # HL: the docs say 10, a server text of 2026 says 15.
    users: int = 10
    messages_per_minute: int = 2000
    posts_in_flight: int = 100
    rest_weight_per_minute: int = 1200
    # How long "a minute" is; the server stretches it when venue time runs fast.
    window: float = 60.0
    # HL: which status answers one connection too many is unknown.
    refusal_status: int = 429

    @classmethod
    def none(cls) -> Limits:
        """Return limits that nothing reaches, for tests that kill by the hundred."""
        many = 1_000_000_000
        return cls(
            connections=many,
            connections_per_minute=many,
            subscriptions=many,
            users=many,
            messages_per_minute=many,
            posts_in_flight=many,
            rest_weight_per_minute=many,
        )


class Cadences(msgspec.Struct, frozen=True, kw_only=True):
    """How often, in seconds, what is not sent on change is sent."""

    # HL: 5 s and 20 levels since 2026-07-25, fast 0.5 s and 5 levels (§2.8).
    l2_book: float = 5.0
    l2_book_levels: int = 20
    l2_book_fast: float = 0.5
    l2_book_fast_levels: int = 5
    all_mids: float = 1.0
    asset_ctx: float = 1.0
    # assetCtxs, spotAssetCtxs and allDexsAssetCtxs: heavy frames.
    asset_ctxs: float = 3.0
    fast_asset_ctxs: float = 5.0
    # Account states also come at once when something changed.
    user_state: float = 5.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One local venue."""

    coins: tuple[str, ...] = DEFAULT_COINS
    limits: Limits = Limits()
    cadences: Cadences = Cadences()
    # HL: a block takes 0.1-0.2 s (our estimate, §2.9).
    block: float = 0.1
    # Trades per second of a coin that is not in ``trade_rates``; None takes the
    # coin's own rate from the catalogue.
    trade_rate: float | None = None
    trade_rates: dict[str, float] = {}
    # Book changes per trade.
    quotes_per_trade: float = 2.0
    # HL: closed with 1000 "Inactive" after 60 s without anything sent (§1.4).
    idle_close: float = 60.0
    # HL: one report says acks and post replies do not count as sent (§1.4).
    replies_reset_idle: bool = True
    # HL: one capture saw 1000 "Expired" after 10002..10592 s (§1.5); 0 is never.
    max_life: float = 0.0
    # HL: "Websocket connection established." was sent in the past (§1.3).
    greeting: bool = False
    # HL: the replay on a trades subscription: 30, newest first (§2.9, uncertain).
    trades_replay: int = 30
    trades_replay_newest_first: bool = True
    recent_trades: int = 30
    # HL: uncertain first frames (§2.7, §2.20).
    candle_first_frame: bool = True
    bbo_first_frame: bool = True
    fills_snapshot: int = 2000
    rows_snapshot: int = 500
    # HL: docs show isSnapshot:false on later frames, recordings lack it (§2.12).
    is_snapshot_false: bool = False
    # HL: with or without a colon (§1.9).
    invalid_subscription_colon: bool = False
    # The text instead of "Cannot track more than N total users."; {limit} is N.
    users_text: str = "Cannot track more than {limit} total users."
    # How long after an unsubscribe its ack data may still arrive (§1.10).
    late_frames: float = 0.0
    # REST history trails the stream by this much (§5).
    history_lag: float = 0.0
    # How much market there was before the venue was started.
    history: float = 90 * 86400.0
    # Minutes without a trade appear as flat bars, in REST, this long after their
    # end; None says that they never do (§7 item 15).
    flat_bars_after: float | None = None
    post_latency: float = 0.02
    post_jitter: float = 0.0
    # Account events per second and per user asked for.
    user_rate: float = 0.2
    # What a user did before it was first asked for.
    user_history: int = 25
    # Addresses that have an account; None gives one to every address.
    users: tuple[str, ...] | None = None
    # Rows kept of each published stream; older ones are counted and forgotten.
    ledger_rows: int = 200_000
    # permessage-deflate is accepted when it is offered (§1.7).
    compress: bool = False
    # Seconds of venue time per second; connections and limits keep real time.
    time_scale: float = 1.0

    def rate_of(self, coin: str, own: float) -> float:
        """Return the trades per second of ``coin``, whose own rate is ``own``."""
        fallback = own if self.trade_rate is None else self.trade_rate
        return self.trade_rates.get(coin, fallback)

    def in_venue_time(self) -> Settings:
        """Stretch what a client measures with its own clock by ``time_scale``."""
        if self.time_scale == 1.0:
            return self
        scale = self.time_scale
        return msgspec.structs.replace(
            self,
            limits=msgspec.structs.replace(
                self.limits, window=self.limits.window * scale
            ),
            idle_close=self.idle_close * scale,
            max_life=self.max_life * scale,
            post_latency=self.post_latency * scale,
            post_jitter=self.post_jitter * scale,
            late_frames=self.late_frames * scale,
        )


def many_coins(count: int) -> tuple[str, ...]:
    """Return ``count`` coin names: the usual ones, then invented ones."""
    invented = (f"C{number:03d}" for number in range(count))
    return (*DEFAULT_COINS, *invented)[:count]
