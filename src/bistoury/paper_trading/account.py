"""
What a paper account holds: cash and positions, exact to the last digit.

HL: opening averages the entry price by size, closing leaves it alone, and what
remains after a flip opens at the price of the trade (docs: "entry price and pnl").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

_ZERO = Decimal(0)
_MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class PaperFill:
    """One fill. ``size`` is in coins, ``fee`` and ``closed_pnl`` in USDC."""

    coin: str
    is_buy: bool
    price: Decimal
    size: Decimal
    fee: Decimal
    closed_pnl: Decimal
    time: int
    """Venue milliseconds of the book it was filled on."""
    data_age: float
    """How old that book was when it was filled, in seconds."""


@dataclass(frozen=True, slots=True)
class PaperPosition:
    """A position; ``size`` is negative when short."""

    coin: str
    size: Decimal
    entry_price: Decimal


@dataclass(slots=True)
class PaperAccount:
    """Cash in USDC, positions, and the fills that made them."""

    cash: Decimal
    taker_rate: Decimal = Decimal("0.00045")
    """HL: 0.045 % at the lowest tier (docs: fees)."""
    positions: dict[str, PaperPosition] = field(default_factory=dict)
    fills: list[PaperFill] = field(default_factory=list)

    def fill(
        self,
        coin: str,
        *,
        is_buy: bool,
        price: Decimal,
        size: Decimal,
        time: int,
        data_age: float,
    ) -> PaperFill:
        """Book a taker fill; return it with its fee and what it earned."""
        # HL: fees in USDC are cut off after six decimals (recorded fills).
        fee = (price * size * self.taker_rate).quantize(_MICRO, rounding="ROUND_DOWN")
        pnl = self._move(coin, size if is_buy else -size, price)
        self.cash += pnl - fee
        made = PaperFill(coin, is_buy, price, size, fee, pnl, time, data_age)
        self.fills.append(made)
        return made

    def equity(self, prices: dict[str, Decimal]) -> Decimal:
        """Return cash and unrealised profit at ``prices``; unpriced coins at entry."""
        return self.cash + sum(
            (
                held.size * (prices.get(coin, held.entry_price) - held.entry_price)
                for coin, held in self.positions.items()
            ),
            _ZERO,
        )

    def _move(self, coin: str, change: Decimal, price: Decimal) -> Decimal:
        """Change a position; return the profit of what it closes."""
        held = self.positions.get(coin, PaperPosition(coin, _ZERO, _ZERO))
        size = held.size + change
        closing = _ZERO
        if held.size * change < 0:
            closing = min(abs(held.size), abs(change)).copy_sign(held.size)
        if held.size * change >= 0:
            paid = held.size * held.entry_price + change * price
            entry = paid / size if size else _ZERO
        elif held.size * size > 0:
            entry = held.entry_price
        else:
            entry = price
        if size:
            self.positions[coin] = PaperPosition(coin, size, entry)
        else:
            self.positions.pop(coin, None)
        return closing * (price - held.entry_price) + _ZERO  # no minus zero
