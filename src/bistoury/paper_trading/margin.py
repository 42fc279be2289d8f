"""
What positions need: initial and maintenance margin, and the price of the end.

HL: docs "margining" and "liquidations"; the identities are those that recorded
states obey (accountValue = rawUsd + sum of size times mark, and so on). Dollars are
cut off after six decimals only where they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .accounts import Account, Position, closing
from .numbers import ONE, ZERO
from .universe import Instrument, Universe

WITHDRAWABLE_SHARE = Decimal("0.1")
"""HL: what has to stay is at least a tenth of the notional."""
BACKSTOP = Decimal(2) / 3
"""HL: below this part of the maintenance margin the liquidator takes over."""

Marks = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Summary:
    """The cross account, in USD."""

    value: Decimal
    notional: Decimal
    raw_usd: Decimal
    initial: Decimal
    maintenance: Decimal

    @property
    def free(self) -> Decimal:
        """What new positions may be opened with."""
        return self.value - self.initial

    @property
    def withdrawable(self) -> Decimal:
        """What may be taken out."""
        kept = max(self.initial, self.notional * WITHDRAWABLE_SHARE)
        return max(ZERO, self.value - kept)


def mark_of(held: Position, marks: Marks) -> Decimal:
    """Return the mark of a position's coin; its entry while there is none."""
    return marks.get(held.coin) or held.entry_ntl / abs(held.szi)


def cross(account: Account, universe: Universe, marks: Marks) -> Summary:
    """Add the cross account up."""
    value, notional, initial, maintenance = account.raw_usd, ZERO, ZERO, ZERO
    for held in account.positions.values():
        if not held.is_cross:
            continue
        worth = held.szi * mark_of(held, marks)
        size = abs(worth)
        value += worth
        notional += size
        initial += size / held.leverage
        maintenance += universe.by_coin[held.coin].maintenance(size)
    return Summary(value, notional, account.raw_usd, initial, maintenance)


def isolated_value(held: Position, mark: Decimal) -> Decimal:
    """Return what an isolated position and its margin are worth."""
    return held.raw_usd + held.szi * mark


def total_initial(account: Account, universe: Universe, marks: Marks) -> Decimal:
    """Return all margin in use, that of isolated positions included."""
    used = cross(account, universe, marks).initial
    for held in account.positions.values():
        if not held.is_cross:
            used += isolated_value(held, mark_of(held, marks))
    return used


def liquidation_px(
    account: Account, universe: Universe, held: Position, marks: Marks
) -> Decimal | None:
    """
    Return where this position alone would end the account; ``None``: nowhere.

    HL: px - side * available / size / (1 - l * side), l = 1 / (2 * leverage of tier).
    """
    instrument = universe.by_coin[held.coin]
    mark = mark_of(held, marks)
    side = 1 if held.szi > 0 else -1
    size = abs(held.szi)
    if held.is_cross:
        whole = cross(account, universe, marks)
        available = whole.value - whole.maintenance
    else:
        available = isolated_value(held, mark) - instrument.maintenance(size * mark)
    rate = instrument.tier(size * mark).rate
    px = mark - side * available / size / (ONE - rate * side)
    return px if px > 0 else None


def free_after(
    account: Account,
    universe: Universe,
    marks: Marks,
    coin: str,
    *,
    signed: Decimal,
    px: Decimal,
) -> Decimal | None:
    """
    Return what is free after trading ``signed`` at ``px``; ``None``: it opens nothing.

    Below zero it cannot be carried. What is closed gives its margin back first; what is
    opened worse than at the mark has lost that much already.
    """
    instrument = universe.by_coin[coin]
    held = account.positions.get(coin)
    shut = closing(held.szi, signed) if held is not None else ZERO
    opened = signed - shut
    if not opened:
        return None
    mark = marks.get(coin) or px
    free = cross(account, universe, marks).free
    if held is not None and shut:
        # Something is opened, so all of it is closed.
        if held.is_cross:
            free += abs(shut) * mark / held.leverage - shut * (px - mark)
        else:
            free += isolated_value(held, px)
    leverage, _ = account.leverage_of(
        coin, instrument.max_leverage, isolated_only=instrument.is_isolated_only
    )
    bound = abs(opened) * max(px, mark) / leverage
    return free - bound - max(ZERO, opened * (px - mark))


def exceeds_tier(
    account: Account, instrument: Instrument, signed: Decimal, px: Decimal
) -> bool:
    """Whether the position would be too large for its leverage. HL: margin tiers."""
    held = account.positions.get(instrument.coin)
    szi = held.szi if held is not None else ZERO
    if abs(szi + signed) <= abs(szi):
        return False
    leverage, _ = account.leverage_of(
        instrument.coin,
        instrument.max_leverage,
        isolated_only=instrument.is_isolated_only,
    )
    return leverage > instrument.tier(abs(szi + signed) * px).max_leverage
