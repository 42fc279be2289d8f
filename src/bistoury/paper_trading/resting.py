"""
Our orders in one coin's book, and what the market does to them.

Nobody else sees them, so their place is reckoned (``queueing``). They are filled by
what would have reached them: trades at their price that go past the queue, trades
beyond their price, and offers of the other side at or beyond it; never by more than
was traded or is shown.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from .book import Side
from .events import Order
from .queueing import Place, QueueModel


@dataclass(slots=True, eq=False)
class Entry:
    """One resting order and its place."""

    order: Order
    place: Place
    since: int
    """The venue time (ms) from which on it is in the book."""
    rank: int


class Resting:
    """The resting orders of a coin, on both sides."""

    def __init__(self) -> None:
        self._by_oid: dict[int, Entry] = {}
        self._sides: dict[bool, dict[Decimal, list[Entry]]] = {True: {}, False: {}}
        self._best: dict[bool, Decimal | None] = {True: None, False: None}
        self._ranks = 0

    def __len__(self) -> int:
        return len(self._by_oid)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._by_oid.values()))

    def best(self, *, is_buy: bool) -> Decimal | None:
        """Return our best price on a side."""
        return self._best[is_buy]

    def add(self, order: Order, side: Side, model: QueueModel, time: int) -> Entry:
        """Put an order behind what ``side`` shows at its price."""
        self._ranks += 1
        entry = Entry(order, Place(), time, self._ranks)
        self._by_oid[order.oid] = entry
        insort(
            self._sides[order.is_buy].setdefault(order.px, []),
            entry,
            key=attrgetter("rank"),
        )
        self._find_best(is_buy=order.is_buy)
        self._look(entry, side, model, time)
        return entry

    def remove(self, oid: int) -> None:
        """Take an order out."""
        entry = self._by_oid.pop(oid, None)
        if entry is None:
            return
        side = self._sides[entry.order.is_buy]
        level = side[entry.order.px]
        level.remove(entry)
        if not level:
            del side[entry.order.px]
            self._find_best(is_buy=entry.order.is_buy)

    def renew(self, order: Order) -> None:
        """Learn how an order is now: its size may be smaller."""
        entry = self._by_oid.get(order.oid)
        if entry is not None:
            entry.order = order

    def of(self, account: str) -> list[Entry]:
        """Return the entries of one account."""
        return [it for it in self._by_oid.values() if it.order.account == account]

    def entry(self, oid: int) -> Entry | None:
        """Return an order's entry."""
        return self._by_oid.get(oid)

    def shown(self, side: Side, model: QueueModel, time: int, *, whole: bool) -> None:
        """Learn that ``side`` was shown anew; ``whole`` if by more than its top."""
        levels = self._sides[side.is_bid]
        if not levels:
            return
        best = side.best
        for px, entries in levels.items():
            # A bbo says nothing of what is behind the best price.
            if not whole and best is not None and side.is_better(best.px, px):
                continue
            for entry in entries:
                self._look(entry, side, model, time)

    def reached_by(self, px: Decimal, *, is_buy: bool) -> list[Entry]:
        """
        Return our orders that a trade at ``px`` reaches, in order of priority.

        ``is_buy`` is our side: bids at ``px`` or above, or asks at ``px`` or below.
        """
        best = self._best[is_buy]
        if best is None or (best < px if is_buy else best > px):
            return []
        levels = self._sides[is_buy]
        reached = [it for it in levels if (it >= px if is_buy else it <= px)]
        reached.sort(reverse=is_buy)
        return [entry for it in reached for entry in levels[it]]

    def _look(self, entry: Entry, side: Side, model: QueueModel, time: int) -> None:
        level = side.by_px.get(entry.order.px)
        if level is not None:
            entry.place.shown(model, level.sz, level.time)
        elif side.covers(entry.order.px):
            entry.place.shown(model, _NOTHING, time)

    def _find_best(self, *, is_buy: bool) -> None:
        prices = self._sides[is_buy]
        self._best[is_buy] = (
            None if not prices else max(prices) if is_buy else min(prices)
        )


_NOTHING = Decimal(0)
