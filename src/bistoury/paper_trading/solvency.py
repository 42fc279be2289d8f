"""
Funding each hour, and what the venue does when an account cannot carry its positions.

HL: funding = -size x oracle x hourly rate, on the hour (docs: "funding"). Below the
maintenance margin, at the mark, positions are closed at the market, of those above
100,000 USD a fifth first and all of it within the next 30 s; below two thirds of it
the liquidator takes position and margin (docs: "liquidations"). Deleveraging of
others is not simulated.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from . import events as said
from . import margin
from .accounts import Account, Position
from .commands import Commands
from .desk import Coin, Desk, Evidence
from .events import Order
from .numbers import ZERO, truncated
from .placing import Placing

HOUR_MS = 3_600_000
LARGE = Decimal(100_000)
FIRST_PART = Decimal("0.2")
COOL_DOWN_MS = 30_000
FRESH_MS = 120_000
"""How old a context may be at the hour to be paid by."""


class Solvency:
    """Pays funding and liquidates."""

    def __init__(self, desk: Desk, placing: Placing, commands: Commands) -> None:
        self._desk = desk
        self._placing = placing
        self._commands = commands
        self._hour: int | None = None
        self._partial_at: dict[tuple[str, str], int] = {}
        self._asked: set[tuple[str, str]] = set()

    # Funding

    def started(self, last: int) -> None:
        """Begin to pay each hour; what passed since ``last`` (ms) is owed."""
        desk = self._desk
        now = desk.now
        self._hour = now // HOUR_MS * HOUR_MS
        if last:
            # Nothing was traded meanwhile: what is held now was held at each hour.
            for hour in range(last // HOUR_MS * HOUR_MS + HOUR_MS, now + 1, HOUR_MS):
                for account, held in self._held():
                    self._owe(account, held, hour)
        desk.at(self._hour + HOUR_MS, self._strike)

    @property
    def due(self) -> dict[str, list[int]]:
        """Hours (ms) whose funding is owed, by coin, because nobody was looking."""
        hours: dict[str, list[int]] = {}
        for _, coin, hour in self._desk.accounts.owed:
            known = hours.setdefault(coin, [])
            if hour not in known:
                known.append(hour)
        return hours

    def _strike(self) -> None:
        assert self._hour is not None
        self._hour += HOUR_MS
        self._desk.at(self._hour + HOUR_MS, self._strike)
        for account, held in self._held():
            coin = self._desk.coin(held.coin)
            known = coin.context
            is_fresh = known is not None and self._hour - known.at <= FRESH_MS
            if known is not None and is_fresh and coin.health.state == "live":
                rate, oracle = known.funding, known.oracle
                self._pay(account.name, held.coin, self._hour, held.szi, rate, oracle)
            else:
                self._owe(account, held, self._hour)

    def settle(self, coin: str, rows: list[dict[str, Any]]) -> None:
        """Pay what is owed, by the venue's history of rates."""
        known = self._desk.coin(coin).context
        if known is None:
            return
        rates = {int(it["time"]) // HOUR_MS * HOUR_MS: it for it in rows}
        for (account, owed, hour), szi in list(self._desk.accounts.owed.items()):
            row = rates.get(hour) if owed == coin else None
            if row is None:
                continue
            rate = Decimal(row["fundingRate"])
            # The history has no oracle price, so the nearest one known serves.
            self._pay(account, coin, hour, szi, rate, known.oracle, is_estimated=True)

    def _owe(self, account: Account, held: Position, hour: int) -> None:
        """Write down what was held: by the time it is paid, that may be gone."""
        self._desk.emit(
            said.FundingOwed,
            account=account.name,
            coin=held.coin,
            time=hour,
            szi=held.szi,
        )

    def _held(self) -> list[tuple[Account, Position]]:
        """Return every position, coin by coin."""
        accounts = self._desk.accounts.by_name.values()
        held = [(who, it) for who in accounts for it in who.positions.values()]
        return sorted(held, key=lambda it: it[1].coin)

    def _pay(  # noqa: PLR0917 -- what a payment is made of
        self,
        account: str,
        coin: str,
        hour: int,
        szi: Decimal,
        rate: Decimal,
        oracle: Decimal,
        *,
        is_estimated: bool = False,
    ) -> None:
        self._desk.emit(
            said.FundingPaid,
            account=account,
            coin=coin,
            time=hour,
            szi=szi,
            rate=rate,
            oracle=oracle,
            usdc=payment(szi, oracle, rate),
            is_estimated=is_estimated,
        )
        self._desk.value(self._desk.accounts.by_name[account])

    # Liquidation

    def marked(self, coin: Coin) -> None:
        """Look at everyone who holds a coin whose mark is known anew."""
        name = coin.instrument.coin
        for account in self._desk.accounts.by_name.values():
            held = account.positions.get(name)
            if held is None:
                continue
            if self._health(account, held) is None:
                continue
            # Closed on the next word about its book, if it is still needed then.
            for it in self._together(account, held):
                key = (account.name, it.coin)
                if key not in self._asked:
                    self._asked.add(key)
                    run = partial(self._liquidate, *key)
                    self._commands.add_internal(account.name, it.coin, run)

    def _together(self, account: Account, held: Position) -> list[Position]:
        """Return what ends with a position: itself, or all of the cross account."""
        if not held.is_cross:
            return [held]
        return [it for it in account.positions.values() if it.is_cross]

    def _health(
        self, account: Account, held: Position
    ) -> tuple[Decimal, Decimal, Decimal] | None:
        """Return value, maintenance and notional of what cannot be carried."""
        desk = self._desk
        marks = desk.marks()
        if held.is_cross:
            whole = margin.cross(account, desk.universe, marks)
            found = (whole.value, whole.maintenance, whole.notional)
        else:
            mark = margin.mark_of(held, marks)
            size = abs(held.szi) * mark
            needs = desk.universe.by_coin[held.coin].maintenance(size)
            found = (margin.isolated_value(held, mark), needs, size)
        return found if found[0] < found[1] else None

    def _liquidate(self, name: str, coin: str, evidence: Evidence) -> None:
        desk = self._desk
        account = desk.accounts.by_name[name]
        self._asked.discard((name, coin))
        held = account.positions.get(coin)
        state = self._health(account, held) if held is not None else None
        if held is None or state is None:
            return
        value, maintenance, notional = state
        isolated = "" if held.is_cross else coin
        self._cancel_orders(account, isolated, evidence)
        is_backstop = value < maintenance * margin.BACKSTOP
        desk.emit(
            said.Liquidated,
            account=account.name,
            method="backstop" if is_backstop else "market",
            coin=isolated,
            account_value=value,
            maintenance=maintenance,
            notional=notional,
        )
        if not is_backstop:
            self._sell(account, held, evidence)
            return
        for position in self._together(account, held):
            self._hand_over(account, position, evidence)
        self._keep_margin(account, isolated, state)

    def _cancel_orders(self, account: Account, coin: str, evidence: Evidence) -> None:
        for order in list(account.orders.values()):
            # One may have ended with another already.
            if order.oid in account.orders and (not coin or order.coin == coin):
                self._desk.change(order, "liquidatedCanceled", evidence.cause)

    def _sell(self, account: Account, held: Position, evidence: Evidence) -> None:
        """Close at the market: all of it, or a fifth of what is large."""
        desk = self._desk
        size = abs(held.szi)
        key = (account.name, held.coin)
        since = desk.now - self._partial_at.get(key, -COOL_DOWN_MS - 1)
        if size * margin.mark_of(held, desk.marks()) > LARGE and since > COOL_DOWN_MS:
            places = desk.coin(held.coin).instrument.sz_decimals
            size = truncated(size * FIRST_PART, places)
            self._partial_at[key] = desk.now
        order = self._order(account, held, size)
        order = self._placing.take_at_market(order, evidence, liquidation="market")
        if order.is_live:
            desk.change(order, "canceled", evidence.cause)

    def _hand_over(self, account: Account, held: Position, evidence: Evidence) -> None:
        """Give a position to the liquidator, at the mark and without a fee."""
        mark = margin.mark_of(held, self._desk.marks())
        order = self._order(account, held, abs(held.szi))
        self._desk.fill(
            order, order.sz, mark, evidence, crossed=True, liquidation="backstop"
        )

    def _keep_margin(
        self, account: Account, coin: str, state: tuple[Decimal, Decimal, Decimal]
    ) -> None:
        """HL: in a backstop the trader loses what margin is left."""
        left = account.raw_usd if not coin else state[0]
        self._desk.emit(
            said.Liquidated,
            account=account.name,
            method="backstop",
            coin=coin,
            account_value=state[0],
            maintenance=state[1],
            notional=ZERO,
            taken=left,
        )
        self._desk.value(account)

    def _order(self, account: Account, held: Position, size: Decimal) -> Order:
        desk = self._desk
        return Order(
            oid=desk.next_oid(),
            account=account.name,
            coin=held.coin,
            asset=desk.coin(held.coin).instrument.asset,
            is_buy=held.szi < 0,
            px=margin.mark_of(held, desk.marks()),
            sz=size,
            orig_sz=size,
            tif="Ioc",
            reduce_only=True,
            placed_at=desk.now,
            status_at=desk.now,
        )


def payment(szi: Decimal, oracle: Decimal, rate: Decimal) -> Decimal:
    """Return an hour's funding in USDC; negative is paid. Longs pay a positive rate."""
    return truncated(-szi * oracle * rate)
