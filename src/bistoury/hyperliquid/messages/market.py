"""What the venue says about markets: prices, books, trades, candles, contexts."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from .shape import Maybe, MaybeNull, Wire


class AllMids(Wire, frozen=True):
    """The middle price of every coin (``allMids``)."""

    mids: dict[str, str]
    # HL: only there when a dex was asked for (docs: websocket/subscriptions).
    dex: Maybe = UNSET


class Level(Wire, frozen=True):
    """One price of a book: how much rests there, in how many orders."""

    price: str = field(name="px")
    size: str = field(name="sz")
    orders: int = field(name="n")


class Book(Wire, frozen=True):
    """The resting orders of one coin, best first (``l2Book``)."""

    coin: str
    time: int
    levels: tuple[tuple[Level, ...], tuple[Level, ...]]
    # HL: only on aggregated books (nktkas SDK).
    spread: Maybe = UNSET
    # HL: only on ``fast`` books (nktkas SDK).
    fast: bool | UnsetType = UNSET

    @property
    def bids(self) -> tuple[Level, ...]:
        """The buying side."""
        return self.levels[0]

    @property
    def asks(self) -> tuple[Level, ...]:
        """The selling side."""
        return self.levels[1]


class Bbo(Wire, frozen=True):
    """The best bid and offer of one coin (``bbo``)."""

    coin: str
    time: int
    # HL: [bid, ask], null for an empty side (docs: websocket/subscriptions).
    # Of any length and not a pair: a short one is seen as an empty side.
    quotes: tuple[Level | None, ...] = field(name="bbo")

    @property
    def bid(self) -> Level | None:
        """The best bid, if anyone bids."""
        return self.quotes[0] if self.quotes else None

    @property
    def ask(self) -> Level | None:
        """The best offer, if anyone offers."""
        return self.quotes[1] if len(self.quotes) > 1 else None


class Trade(Wire, frozen=True):
    """One trade (``trades`` carries a list of them)."""

    coin: str
    # HL: the aggressor's side, "B" or "A" (docs: websocket/subscriptions).
    side: str
    price: str = field(name="px")
    size: str = field(name="sz")
    time: int
    hash: str
    # HL: unique only together with time and coin (docs: notation).
    trade_id: int = field(name="tid")
    # HL: [buyer, seller]; not in data from before the end of 2024.
    users: tuple[str, ...] | UnsetType = UNSET


class Candle(Wire, frozen=True):
    """One bar of one coin (``candle``); it may still change."""

    open_time: int = field(name="t")
    close_time: int = field(name="T")
    coin: str = field(name="s")
    interval: str = field(name="i")
    open: str = field(name="o")
    close: str = field(name="c")
    high: str = field(name="h")
    low: str = field(name="l")
    volume: str = field(name="v")
    trades: int = field(name="n")


class PerpContext(Wire, frozen=True):
    """The state of one perpetual: funding, open interest, oracle, mark."""

    funding: str
    open_interest: str
    previous_day_price: str = field(name="prevDayPx")
    day_notional_volume: str = field(name="dayNtlVlm")
    premium: str | None
    oracle_price: str = field(name="oraclePx")
    mark_price: str = field(name="markPx")
    # HL: null when a side of the book is empty or the coin is delisted.
    mid_price: MaybeNull = field(name="midPx", default=UNSET)
    impact_prices: tuple[str, ...] | UnsetType | None = field(
        name="impactPxs", default=UNSET
    )
    day_base_volume: Maybe = field(name="dayBaseVlm", default=UNSET)


class SpotContext(Wire, frozen=True):
    """The state of one spot pair."""

    coin: str
    previous_day_price: str = field(name="prevDayPx")
    day_notional_volume: str = field(name="dayNtlVlm")
    mark_price: str = field(name="markPx")
    mid_price: MaybeNull = field(name="midPx", default=UNSET)
    circulating_supply: Maybe = UNSET
    total_supply: Maybe = UNSET
    day_base_volume: Maybe = field(name="dayBaseVlm", default=UNSET)


class ActivePerpContext(Wire, frozen=True):
    """The state of the perpetual asked for (``activeAssetCtx``)."""

    coin: str
    context: PerpContext = field(name="ctx")


class ActiveSpotContext(Wire, frozen=True):
    """The state of the pair asked for (``activeSpotAssetCtx``)."""

    coin: str
    context: SpotContext = field(name="ctx")


class PerpContexts(Wire, frozen=True):
    """Every perpetual of one dex, in the order of its universe (``assetCtxs``)."""

    dex: str
    contexts: list[PerpContext] = field(name="ctxs")


class AllPerpContexts(Wire, frozen=True):
    """Every perpetual of every dex (``allDexsAssetCtxs``): pairs of dex, contexts."""

    dexes: list[tuple[str, list[PerpContext]]] = field(name="ctxs")


class FastContext(Wire, frozen=True):
    """What changed about one coin (``fastAssetCtxs``): merge, do not replace."""

    mark_price: Maybe = field(name="markPx", default=UNSET)
    # HL: null says that there is no mid price now; absent, that it is as it was.
    mid_price: MaybeNull = field(name="midPx", default=UNSET)


class OutcomeUpdate(Wire, frozen=True):
    """One change among outcome markets; exactly one field is there."""

    # HL: the venue's papers and the SDK differ on these shapes, hence the
    # unions (docs: websocket/subscriptions; nktkas SDK).
    outcome_created: dict[str, Any] | UnsetType = UNSET
    outcome_settled: int | dict[str, Any] | UnsetType = UNSET
    question_updated: dict[str, Any] | UnsetType = UNSET
    question_settled: int | dict[str, Any] | UnsetType = UNSET


class OutcomeUpdates(Wire, frozen=True):
    """Changes among outcome markets, where they come wrapped."""

    updates: list[OutcomeUpdate]
