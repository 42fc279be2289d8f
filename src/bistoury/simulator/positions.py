"""
What a user holds, and what a fill does to it, in whole ticks and lots.

HL: opening moves the mean entry price, closing leaves it, a flip opens the rest
at the trade's price; closedPnl is before fees (protocol §6.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

# A spot balance has 8 decimals, because its fee is taken from it.
TOKEN_PLACES = 8


@dataclass(slots=True)
class Position:
    """A perpetual position; ``cost`` is ticks times lots of its entry."""

    size: int = 0
    cost: int = 0
    funding: int = 0
    leverage: int = 10
    funding_since_open: int = field(default=0)

    def trade(self, ticks: int, lots: int, *, buys: bool) -> tuple[str, int]:
        """Take a fill; return its ``dir`` and the realised ticks times lots."""
        before, signed = self.size, lots if buys else -lots
        after = before + signed
        self.size = after
        if before * signed >= 0:
            self.cost += ticks * lots
            return ("Open Long" if buys else "Open Short"), 0
        closed = min(abs(before), lots)
        share = self.cost * closed // abs(before)
        realised = (ticks * closed - share) * (1 if before > 0 else -1)
        self.cost -= share
        if before * after < 0:
            self.cost = ticks * abs(after)
            return ("Long > Short" if before > 0 else "Short > Long"), realised
        if not after:
            self.cost = 0
            self.funding_since_open = 0
        return ("Close Long" if before > 0 else "Close Short"), realised


@dataclass(slots=True)
class Holding:
    """A spot balance in 1e-8 tokens; ``cost`` is ticks times those."""

    amount: int = 0
    cost: int = 0

    def buy(self, ticks: int, amount: int, fee: int) -> None:
        """Receive ``amount`` less the ``fee``."""
        self.amount += amount - fee
        self.cost += ticks * amount

    def sell(self, ticks: int, amount: int) -> int:
        """Give ``amount``; return the realised ticks times 1e-8 tokens."""
        share = self.cost * amount // self.amount if self.amount else 0
        self.amount -= amount
        self.cost -= share
        return ticks * amount - share


def truncated(value: int, places: int, wanted: int) -> int:
    """Return ``value / 10**places`` in units of ``10**-wanted``, cut off."""
    if places <= wanted:
        return value * int(10 ** (wanted - places))
    cut = abs(value) // int(10 ** (places - wanted))
    return cut if value >= 0 else -cut
