"""
What all parts of the paper venue share: the time, the accounts, the coins, the facts.

Nothing changes but by ``emit``: it makes a fact, lets the accounts take it, and puts
it out. Timers are kept in order of their due times and run at those, however late
anybody looks, so it does not matter how often that is.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .accounts import Account, Accounts, closing
from .book import Book, Level
from .events import Event, Filled, Order, OrderChanged, Valued
from .fees import builder_fee, fee, rate_of
from .health import CoinHealth
from .numbers import ZERO
from .queueing import queue_model
from .resting import Resting
from .settings import PaperConfig, milliseconds
from .universe import Instrument, Universe

if TYPE_CHECKING:
    from .commands import Item

E = TypeVar("E", bound=Event)
Timer = Callable[[], None]


@dataclass(slots=True)
class Context:
    """What the venue says of a coin besides its book: ``activeAssetCtx``."""

    at: int
    mark: Decimal
    oracle: Decimal
    funding: Decimal
    """HL: the hourly rate."""


@dataclass(slots=True)
class Coin:
    """One coin: its rules, its book, its health, and who rests in it."""

    instrument: Instrument
    health: CoinHealth
    book: Book = field(default_factory=Book)
    context: Context | None = None
    resting: Resting = field(default_factory=Resting)
    waiting: list[Item] = field(default_factory=list)
    """Orders and cancels that have not reached the venue, or wait for its data."""
    triggers: dict[int, str] = field(default_factory=dict)
    """Orders that wait for the mark, with whose they are."""
    backlog: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=10_000))
    """Trades of a gap, which came after it."""
    had_gap: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """The market event that something is done on."""

    time: int
    """Venue ms."""
    cause: str
    quality: str = ""
    """What a fill is called whatever its level; empty: by the level."""


class Desk:
    """The state of the paper venue."""

    def __init__(
        self, universe: Universe, config: PaperConfig, accounts: Accounts
    ) -> None:
        self.universe = universe
        self.config = config
        self.accounts = accounts
        self.queue = queue_model(config.queue)
        self.now = accounts.last_at
        self.output: list[Event] = []
        self.coins: dict[str, Coin] = {}
        self.max_age = milliseconds(config.max_data_age)
        self.max_level_age = milliseconds(config.max_level_age)
        self.live_within = milliseconds(config.live_within)
        self.hooks: list[Callable[[Account, Order, str], None]] = []
        """Hear of orders that are done: whoever waits for them."""
        self._timers: list[tuple[int, int, Timer]] = []
        self._numbers = count()

    # Time

    def at(self, due: int, timer: Timer) -> None:
        """Let ``timer`` run at ``due`` (ms), or at once if that is past."""
        heapq.heappush(self._timers, (max(due, self.now), next(self._numbers), timer))

    @property
    def deadline(self) -> int | None:
        """When the next timer is due."""
        return self._timers[0][0] if self._timers else None

    def advance(self, at: int) -> None:
        """Let time pass until ``at``; every timer runs at its own moment."""
        while self._timers and self._timers[0][0] <= at:
            due, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, due)
            timer()
        self.now = max(self.now, at)

    # Facts

    def emit(self, kind: type[E], **members: Any) -> E:
        """Make a fact and let it take effect."""
        event = kind(at=self.now, seq=self.accounts.last_seq + 1, **members)
        self.accounts.apply(event)
        self.output.append(event)
        return event

    def coin(self, name: str) -> Coin:
        """Return a coin, from the first time it is spoken of."""
        found = self.coins.get(name)
        if found is None:
            found = Coin(self.universe.by_coin[name], CoinHealth(self.max_age))
            self.coins[name] = found
        return found

    def marks(self) -> dict[str, Decimal]:
        """Return every mark price that is known."""
        return {
            name: coin.context.mark
            for name, coin in self.coins.items()
            if coin.context is not None
        }

    def value(self, account: Account) -> None:
        """Write down what an account is worth at the marks of this moment."""
        marks, held = self.marks(), account.positions.values()
        known = [it.unrealized(marks[it.coin]) for it in held if it.coin in marks]
        self.emit(
            Valued,
            account=account.name,
            value=account.value(marks),
            unrealized=sum(known, ZERO),
            is_live=all(self.coin(it.coin).health.state == "live" for it in held),
        )

    def next_oid(self) -> int:
        """Return a number for an order."""
        self.accounts.last_oid += 1
        return self.accounts.last_oid

    def change(
        self, order: Order, status: str, cause: str = "", **members: Any
    ) -> Order:
        """Let an order become something else; return it as it is now."""
        changed = msgspec.structs.replace(
            order, status=status, status_at=self.now, **members
        )
        self.emit(
            OrderChanged,
            account=order.account,
            order=msgspec.structs.replace(changed),
            cause=cause,
        )
        coin = self.coin(order.coin)
        if not changed.is_live:
            coin.resting.remove(order.oid)
            coin.triggers.pop(order.oid, None)
            account = self.accounts.by_name[order.account]
            for hook in self.hooks:
                hook(account, changed, status)
        else:
            coin.resting.renew(changed)
        return changed

    def fill(
        self,
        order: Order,
        sz: Decimal,
        px: Decimal,
        evidence: Evidence,
        *,
        crossed: bool,
        level: Level | None = None,
        ahead: Decimal | None = None,
        liquidation: str = "",
        is_exact: bool = False,
    ) -> Order:
        """Fill ``sz`` of an order at ``px``; return the order as it is now."""
        account = self.accounts.by_name[order.account]
        coin = self.coin(order.coin)
        held = account.positions.get(order.coin)
        signed = sz if order.is_buy else -sz
        start = held.szi if held is not None else ZERO
        shut = closing(start, signed)
        pnl = -shut * (px - held.entry_px) if held is not None and shut else ZERO
        self.emit(
            Filled,
            account=account.name,
            coin=order.coin,
            oid=order.oid,
            tid=self.accounts.last_tid + 1,
            is_buy=order.is_buy,
            px=px,
            sz=sz,
            time=evidence.time,
            crossed=crossed,
            start_position=start,
            direction=direction(start, signed),
            closed_pnl=pnl + ZERO,
            **(
                # HL: the liquidator takes over without a trade and without a fee.
                {"fee": ZERO}
                if liquidation == "backstop"
                else self._costs(
                    account, coin, order, px * sz, evidence.time, crossed=crossed
                )
            ),
            **self._margin_of(account, coin),
            cloid=order.cloid,
            twap_id=order.twap_id,
            quality=self._quality(evidence, level, ahead, is_exact=is_exact),
            data_age=max(0, evidence.time - level.time) if level is not None else 0,
            cause=evidence.cause,
            level_source=level.source if level is not None else "",
            level_time=level.time if level is not None else 0,
            ahead=ahead,
            order_at=order.decided_at or order.placed_at,
            arrived_at=self.now,
            mid_at_decision=order.mid_at_decision,
            mid_at_arrival=coin.book.mid,
            liquidation=liquidation,
            mark_px=coin.context.mark if coin.context is not None else None,
        )
        self.value(account)
        left = order.sz - sz
        status = "open" if left else "filled"
        changed = self.change(order, status, evidence.cause, sz=left)
        self._shrink_reduce_only(account, coin, evidence.cause)
        return changed

    def _quality(
        self,
        evidence: Evidence,
        level: Level | None,
        ahead: Decimal | None,
        *,
        is_exact: bool,
    ) -> str:
        if evidence.quality:
            return evidence.quality
        if ahead is not None:
            return "exact_queue" if is_exact else "estimated_queue"
        is_old = level is not None and evidence.time - level.time > self.live_within
        return "stale_book" if is_old else "live"

    def _costs(
        self,
        account: Account,
        coin: Coin,
        order: Order,
        notional: Decimal,
        time: int,
        *,
        crossed: bool,
    ) -> dict[str, Decimal]:
        rate = rate_of(
            self.config.fees,
            coin.instrument,
            account.volume.at(time),
            is_maker=not crossed,
        )
        # HL: the builder's part is cut off by itself, and counts in the fee (recorded).
        builder = builder_fee(notional, order.builder_fee)
        return {"fee": fee(notional, rate) + builder, "builder_fee": builder}

    def _margin_of(self, account: Account, coin: Coin) -> dict[str, Any]:
        instrument = coin.instrument
        held = account.positions.get(instrument.coin)
        leverage, is_cross = account.leverage_of(
            instrument.coin,
            instrument.max_leverage,
            isolated_only=instrument.is_isolated_only,
        )
        if held is not None:
            is_cross = held.is_cross
        return {"is_isolated": not is_cross, "leverage": leverage}

    def _shrink_reduce_only(self, account: Account, coin: Coin, cause: str) -> None:
        """HL: resting reduce-only orders shrink with the position, or end with it."""
        held = account.positions.get(coin.instrument.coin)
        szi = held.szi if held is not None else ZERO
        for entry in coin.resting.of(account.name):
            order = entry.order
            if not order.reduce_only:
                continue
            most = abs(szi) if szi and (szi < 0) is order.is_buy else ZERO
            if not most:
                self.change(order, "reduceOnlyCanceled", cause)
            elif order.sz > most:
                self.change(order, "open", cause, sz=most)
        if not szi:
            for oid in [
                it for it, name in coin.triggers.items() if name == account.name
            ]:
                if account.orders[oid].is_position_tpsl:
                    self.change(account.orders[oid], "reduceOnlyCanceled", cause)


def direction(start: Decimal, signed: Decimal) -> str:
    """Say what a fill does to a position, in the venue's words."""
    end = start + signed
    if start * end < 0:
        return "Long > Short" if start > 0 else "Short > Long"
    if start * signed >= 0:
        return "Open Long" if signed > 0 else "Open Short"
    return "Close Long" if start > 0 else "Close Short"
