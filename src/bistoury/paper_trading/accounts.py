"""
What an account is: the fold of its events, and nothing else.

``apply`` is the only thing that changes an account, live, on a restart and in a
replay, so the three cannot differ. Cash is what the venue calls ``rawUsd``: what was
paid and received; with the positions at the mark it makes the account's value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any

import msgspec

from . import events as said
from .events import Event, Filled, Order
from .fees import DAY_MS, Volume
from .numbers import ZERO, truncated

KEPT_FILLS = 2000
KEPT_ORDERS = 2000
KEPT_NONCES = 10_000


@dataclass(slots=True)
class Position:
    """A position; ``szi`` is negative when short."""

    coin: str
    px_decimals: int
    szi: Decimal = ZERO
    entry_ntl: Decimal = ZERO
    """What it cost: exact, and positive."""
    raw_usd: Decimal = ZERO
    """Of isolated positions: their own cash; the margin is this plus the value."""
    is_cross: bool = True
    leverage: int = 1
    funding_all: Decimal = ZERO
    funding_open: Decimal = ZERO
    funding_change: Decimal = ZERO

    @property
    def entry_px(self) -> Decimal:
        """The average price. HL: cut off at the coin's decimals (recorded fills)."""
        if not self.szi:
            return ZERO
        return truncated(self.entry_ntl / abs(self.szi), max(0, self.px_decimals))

    def unrealized(self, mark: Decimal) -> Decimal:
        """Return the profit at ``mark``. HL: with the exact cost (recorded states)."""
        return self.szi * mark - self.entry_ntl.copy_sign(self.szi)


@dataclass(slots=True)
class Totals:
    """Where the profit came from, in USDC."""

    price: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    liquidation: Decimal = ZERO
    maker_notional: Decimal = ZERO
    taker_notional: Decimal = ZERO
    fills: int = 0


@dataclass(slots=True)
class Account:
    """One account."""

    name: str
    address: str = ""
    opened_with: Decimal = ZERO
    raw_usd: Decimal = ZERO
    """Cash of the cross account; negative when positions were bought with it."""
    positions: dict[str, Position] = field(default_factory=dict)
    leverages: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """By coin: the leverage, and whether it is cross."""
    orders: dict[int, Order] = field(default_factory=dict)
    """What may still do something."""
    done: dict[int, Order] = field(default_factory=dict)
    cloids: dict[str, int] = field(default_factory=dict)
    fills: deque[Filled] = field(default_factory=lambda: deque(maxlen=KEPT_FILLS))
    fundings: deque[said.FundingPaid] = field(
        default_factory=lambda: deque(maxlen=KEPT_FILLS)
    )
    volume: Volume = field(default_factory=Volume)
    totals: Totals = field(default_factory=Totals)
    answers: dict[int, said.Settled] = field(default_factory=dict)
    """By nonce: what was answered, so that nothing is done twice."""
    nonces: list[int] = field(default_factory=list)
    """Those of the answers, as a heap."""
    forgotten: int = -1
    """The largest nonce whose answer is not known any more."""
    agents: dict[str, str] = field(default_factory=dict)
    """Addresses that may sign for it, with their names."""
    twaps: dict[int, said.TwapChanged] = field(default_factory=dict)
    cancel_at: int | None = None
    cancels_fired: dict[int, int] = field(default_factory=dict)
    """By day: how often a scheduled cancel came true."""

    def leverage_of(
        self, coin: str, highest: int, *, isolated_only: bool
    ) -> tuple[int, bool]:
        """Return the leverage that counts for a coin. HL: 20x, or the most allowed."""
        chosen = self.leverages.get(coin)
        if chosen is None:
            return min(20, highest), not isolated_only
        return chosen

    def value(self, marks: dict[str, Decimal]) -> Decimal:
        """Return what everything is worth; coins without a mark count as they cost."""
        total = self.raw_usd
        for coin, held in self.positions.items():
            mark = marks.get(coin)
            worth = (
                held.entry_ntl.copy_sign(held.szi) if mark is None else held.szi * mark
            )
            total += held.raw_usd + worth
        return total

    def order_by_cloid(self, cloid: str, coin: str = "") -> Order | None:
        """
        Return the latest order of that name, of those that are live if one is.

        Nothing says that the venue refuses a name that is taken: several may have it.
        """
        for order in reversed(self.orders.values()):
            if order.cloid == cloid and coin in ("", order.coin):
                return order
        oid = self.cloids.get(cloid)
        return None if oid is None else self.done.get(oid)


class Accounts:
    """Every account, by name, and how far the counters of the journal have come."""

    def __init__(self, px_decimals: dict[str, int] | None = None) -> None:
        self.by_name: dict[str, Account] = {}
        self.px_decimals = px_decimals or {}
        self.last_oid = 0
        self.last_tid = 0
        self.last_twap = 0
        self.last_seq = 0
        self.last_at = 0
        self.assumed: dict[str, Any] = {}
        """By what everything is done, as it was written last."""
        self.feeds: dict[str, str] = {}
        """By coin: the state of its data, as it was told last."""
        self.owed: dict[tuple[str, str, int], Decimal] = {}
        """By account, coin and hour (ms): the position that funding is owed for."""

    @classmethod
    def folded(cls, events: Iterable[Event], px_decimals: dict[str, int]) -> Accounts:
        """Return the accounts that a journal makes."""
        accounts = cls(px_decimals)
        for event in events:
            accounts.apply(event)
        return accounts

    def coins(self) -> set[str]:
        """Return every coin that something is held, ordered or owed in."""
        accounts = self.by_name.values()
        held = {coin for account in accounts for coin in account.positions}
        ordered = {it.coin for account in accounts for it in account.orders.values()}
        return held | ordered | {coin for _, coin, _ in self.owed}

    def learn(self, px_decimals: dict[str, int]) -> None:
        """Take how many decimals the prices of coins have."""
        self.px_decimals.update(px_decimals)
        for account in self.by_name.values():
            for held in account.positions.values():
                held.px_decimals = px_decimals.get(held.coin, held.px_decimals)

    def apply(self, event: Event) -> None:
        """Let a fact change what it changes."""
        self.last_at = max(self.last_at, event.at)
        self.last_seq = max(self.last_seq, event.seq)
        match event:
            case said.AccountOpened():
                self._open(event)
            case said.Assumed(assumptions=assumptions):
                self.assumed = assumptions
            case said.FeedChanged(coin=coin, state=state):
                self.feeds[coin] = state
            case _ if event.account in self.by_name:
                self._change(self.by_name[event.account], event)

    def _change(self, account: Account, event: Event) -> None:
        match event:
            case Filled():
                self.last_tid = max(self.last_tid, event.tid)
                self._fill(account, event)
            case said.OrderChanged(order=order) | said.Rejected(order=order):
                self.last_oid = max(self.last_oid, order.oid)
                _keep(account, order)
            case said.FundingOwed(coin=coin, time=time, szi=szi):
                self.owed[account.name, coin, time] = szi
            case said.FundingPaid():
                self.owed.pop((account.name, event.coin, event.time), None)
                _pay(account, event)
            case said.Liquidated(taken=taken):
                account.totals.liquidation -= taken
                _take(account, event.coin, taken)
            case said.LeverageSet():
                _set_leverage(account, event)
            case said.MarginMoved(coin=coin, usdc=usdc):
                account.raw_usd -= usdc
                account.positions[coin].raw_usd += usdc
            case said.CancelScheduled(time=time, triggered=triggered):
                account.cancel_at = time
                if triggered:
                    day = event.at // DAY_MS
                    account.cancels_fired = {day: account.cancels_fired.get(day, 0) + 1}
            case said.AgentApproved(address=address, name=name):
                others = {it: of for it, of in account.agents.items() if of != name}
                account.agents = {**others, address: name}
            case said.TwapChanged():
                self.last_twap = max(self.last_twap, event.twap_id)
                account.twaps[event.twap_id] = event
            case said.Settled():
                _settle(account, event)
            case _:
                pass

    def _open(self, opened: said.AccountOpened) -> None:
        name, cash = opened.account, opened.cash
        fresh = Account(name, opened.address, opened_with=cash, raw_usd=cash)
        before = self.by_name.get(name)
        if before is not None:
            # Who may sign, and what was done, has nothing to do with the money.
            fresh.agents, fresh.forgotten = before.agents, before.forgotten
            fresh.answers, fresh.nonces = before.answers, before.nonces
        for key in [it for it in self.owed if it[0] == name]:
            del self.owed[key]
        self.by_name[name] = fresh

    def _fill(self, account: Account, fill: Filled) -> None:
        signed = fill.sz if fill.is_buy else -fill.sz
        held = account.positions.get(fill.coin)
        if held is None:
            places = self.px_decimals.get(fill.coin, 6)
            held = Position(fill.coin, places, is_cross=not fill.is_isolated)
            held.leverage = fill.leverage
            account.positions[fill.coin] = held
        _trade(account, held, signed, fill.px, is_isolated=fill.is_isolated)
        if not held.szi:
            del account.positions[fill.coin]
        account.raw_usd -= fill.fee
        totals, notional = account.totals, fill.px * fill.sz
        totals.fees -= fill.fee
        totals.fills += 1
        if fill.crossed:
            totals.taker_notional += notional
        else:
            totals.maker_notional += notional
        account.volume.add(fill.time, notional)
        account.fills.append(fill)


def closing(szi: Decimal, signed: Decimal) -> Decimal:
    """Return how much of ``signed`` closes a position of ``szi``; with its sign."""
    if szi * signed >= 0:
        return ZERO
    return min(abs(szi), abs(signed)).copy_sign(signed)


def _trade(
    account: Account, held: Position, signed: Decimal, px: Decimal, *, is_isolated: bool
) -> None:
    """Change a position. HL: opening adds to the cost, closing takes its share."""
    shut = closing(held.szi, signed)
    opened = signed - shut
    if shut:
        before = abs(held.szi)
        left = before - abs(shut)
        if held.is_cross:
            account.raw_usd -= shut * px
        else:
            # What the closed part is worth goes back to the account.
            equity = held.raw_usd + held.szi * px
            freed = equity * abs(shut) / before if left else equity
            held.raw_usd -= shut * px + freed
            account.raw_usd += freed
        account.totals.price += -shut * px - (
            held.entry_ntl * abs(shut) / before
        ).copy_sign(held.szi)
        held.entry_ntl = held.entry_ntl * left / before if left else ZERO
        held.szi += shut
        held.funding_change = ZERO
    if opened:
        if not held.szi:
            held.is_cross = not is_isolated
            held.funding_open = held.funding_change = ZERO
        held.szi += opened
        held.entry_ntl += abs(opened) * px
        if held.is_cross:
            account.raw_usd -= opened * px
        else:
            margin = abs(opened) * px / held.leverage
            account.raw_usd -= margin
            held.raw_usd += margin - opened * px


def _keep(account: Account, order: Order) -> None:
    order = msgspec.structs.replace(order)
    if order.cloid is not None:
        account.cloids[order.cloid] = order.oid
    if order.is_live:
        account.orders[order.oid] = order
        return
    account.orders.pop(order.oid, None)
    account.done[order.oid] = order
    while len(account.done) > KEPT_ORDERS:
        old = account.done.pop(next(iter(account.done)))
        if old.cloid is not None and account.cloids.get(old.cloid) == old.oid:
            del account.cloids[old.cloid]


def _settle(account: Account, settled: said.Settled) -> None:
    """Keep an answer. HL: the highest nonces are remembered (docs: "nonces")."""
    if settled.nonce not in account.answers:
        heappush(account.nonces, settled.nonce)
    account.answers[settled.nonce] = settled
    while len(account.nonces) > KEPT_NONCES:
        lowest = heappop(account.nonces)
        del account.answers[lowest]
        account.forgotten = max(account.forgotten, lowest)


def _pay(account: Account, paid: said.FundingPaid) -> None:
    held = account.positions.get(paid.coin)
    if held is not None and not held.is_cross:
        held.raw_usd += paid.usdc
    else:
        account.raw_usd += paid.usdc
    if held is not None:
        # HL: cumFunding counts what was paid, so the sign is the other way.
        held.funding_all -= paid.usdc
        held.funding_open -= paid.usdc
        held.funding_change -= paid.usdc
    account.totals.funding += paid.usdc
    account.fundings.append(paid)


def _take(account: Account, coin: str, taken: Decimal) -> None:
    held = account.positions.get(coin)
    if held is not None and not held.is_cross:
        held.raw_usd -= taken
    else:
        account.raw_usd -= taken


def _set_leverage(account: Account, chosen: said.LeverageSet) -> None:
    account.leverages[chosen.coin] = (chosen.leverage, chosen.is_cross)
    held = account.positions.get(chosen.coin)
    if held is not None:
        held.leverage = chosen.leverage
        account.raw_usd -= chosen.margin
        held.raw_usd += chosen.margin
