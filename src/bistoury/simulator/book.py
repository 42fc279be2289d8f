"""
One coin's resting orders, and how they move.

A level is ``[ticks, lots, orders]``; both sides are kept best first. The sides
never cross and never run dry, unless a test empties them.
"""

from __future__ import annotations

from random import Random

Level = list[int]

_DEPTH = 24
_WIDEST = 12
_MOST_PRINTS = 4
# How often a stir improves a wide spread, and how often it widens a narrow one.
_IMPROVES = 0.55
_WIDENS = 0.8


class Book:
    """A limit order book that a random number generator stirs."""

    __slots__ = ("asks", "base", "bids", "lots")

    def __init__(self, rng: Random, base: int, lots: int) -> None:
        self.base = base
        self.lots = lots
        self.bids: list[Level] = []
        self.asks: list[Level] = []
        self.bids.append(self._level(rng, base))
        self.asks.append(self._level(rng, base + 1))
        self._refill(rng)

    @property
    def best(self) -> tuple[int, ...]:
        """The two best levels, flat, so that a change shows by comparison."""
        return (*self.bids[0], *self.asks[0])

    @property
    def twice_mid(self) -> int:
        """Twice the mean of best bid and best ask, in ticks."""
        return self.bids[0][0] + self.asks[0][0]

    def take(self, rng: Random, *, buys: bool) -> list[tuple[int, int]]:
        """Let an aggressor take liquidity; return its prints, each at the touch."""
        side = self.asks if buys else self.bids
        wanted = 1 + int(rng.expovariate(1.0) * self.lots * 0.4)
        prints: list[tuple[int, int]] = []
        while wanted > 0 and len(side) > 1 and len(prints) < _MOST_PRINTS:
            level = side[0]
            lots = min(wanted, level[1])
            prints.append((level[0], lots))
            wanted -= lots
            level[1] -= lots
            level[2] = min(level[2], level[1])
            if not level[1]:
                del side[0]
        self._refill(rng)
        return prints

    def stir(self, rng: Random) -> None:
        """Let somebody place, change or cancel something near the touch."""
        upward = rng.random() < self.upward_chance
        spread = self.asks[0][0] - self.bids[0][0]
        choice = rng.random()
        if spread > 1 and choice < _IMPROVES:
            step = 1 + int(rng.random() * min(spread - 1, 3))
            if upward:
                self.bids.insert(0, self._level(rng, self.bids[0][0] + step))
            else:
                self.asks.insert(0, self._level(rng, self.asks[0][0] - step))
        elif spread < _WIDEST and choice < _WIDENS:
            del (self.asks if upward else self.bids)[0]
        else:
            side = self.bids if upward else self.asks
            place = int(rng.random() * 5)
            side[place] = self._level(rng, side[place][0])
        self._refill(rng)

    @property
    def upward_chance(self) -> float:
        """How likely the next push is upward: prices come home by and by."""
        away = (self.bids[0][0] - self.base) / self.base
        return min(0.9, max(0.1, 0.5 - 4.0 * away))

    def aggregated(
        self, figures: int, mantissa: int
    ) -> tuple[list[Level], list[Level]]:
        """
        Return both sides in buckets of ``figures`` significant figures.

        HL: bids floor to the bucket, asks ceil; sizes and counts are sums (§2.8).
        """
        digits = len(str(self.bids[0][0]))
        bucket = max(1, mantissa * 10 ** max(0, digits - figures))
        bids: dict[int, Level] = {}
        asks: dict[int, Level] = {}
        for ticks, lots, orders in self.bids:
            _add(bids, ticks // bucket * bucket, lots, orders)
        for ticks, lots, orders in self.asks:
            _add(asks, -(-ticks // bucket) * bucket, lots, orders)
        return list(bids.values()), list(asks.values())

    def _level(self, rng: Random, ticks: int) -> Level:
        lots = 1 + int(rng.expovariate(1.0) * self.lots)
        return [ticks, lots, min(lots, 1 + int(rng.random() * 4))]

    def _refill(self, rng: Random) -> None:
        while len(self.bids) < _DEPTH:
            gap = 1 + int(rng.random() * 2.5)
            below = self.bids[-1][0] if self.bids else self.asks[0][0]
            self.bids.append(self._level(rng, max(1, below - gap)))
        while len(self.asks) < _DEPTH:
            gap = 1 + int(rng.random() * 2.5)
            above = self.asks[-1][0] if self.asks else self.bids[0][0]
            self.asks.append(self._level(rng, above + gap))
        del self.bids[2 * _DEPTH :], self.asks[2 * _DEPTH :]


def _add(side: dict[int, Level], ticks: int, lots: int, orders: int) -> None:
    level = side.setdefault(ticks, [ticks, 0, 0])
    level[1] += lots
    level[2] += orders
