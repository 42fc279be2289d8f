"""
Our orders in one coin's book, and what the market does to them.

Nobody else sees them, so their place is reckoned (``queueing``). They are filled by
what would have reached them: trades at their price that go past the queue, trades
beyond their price, and offers of the other side at or beyond it; never by more than
was traded or is shown.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .book import Side
from .events import Order
from .order_level import ExactPlace, Orders
from .queueing import Place, QueueModel


@dataclass(slots=True, eq=False)
class Entry:
    """One resting order and its place."""

    order: Order
    place: Place | ExactPlace
    since: int
    """The venue time (ms) from which on it is in the book."""


class Resting:
    """The resting orders of a coin, on both sides."""

    def __init__(self) -> None:
        self._by_oid: dict[int, Entry] = {}
        self._sides: dict[bool, dict[Decimal, list[Entry]]] = {True: {}, False: {}}
        self._prices: dict[bool, list[Decimal]] = {True: [], False: []}
        """Our prices on each side, ascending."""
        self.orders: Orders | None = None
        """Everybody's orders, if somebody shows them."""

    def __len__(self) -> int:
        return len(self._by_oid)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._by_oid.values()))

    def best(self, *, is_buy: bool) -> Decimal | None:
        """Return our best price on a side."""
        prices = self._prices[is_buy]
        return None if not prices else prices[-1] if is_buy else prices[0]

    def add(self, order: Order, side: Side, model: QueueModel, time: int) -> Entry:
        """Put an order behind what ``side`` shows at its price."""
        place: Place | ExactPlace = Place()
        if self.orders is not None and not model.is_touch:
            place = ExactPlace(self.orders, order.px, time)
        entry = Entry(order, place, time)
        self._by_oid[order.oid] = entry
        level = self._sides[order.is_buy].get(order.px)
        if level is None:
            self._sides[order.is_buy][order.px] = [entry]
            insort(self._prices[order.is_buy], order.px)
        else:
            level.append(entry)
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
            self._prices[entry.order.is_buy].remove(entry.order.px)

    def renew(self, order: Order) -> None:
        """Learn how an order is now: its size may be smaller."""
        entry = self._by_oid.get(order.oid)
        if entry is not None:
            entry.order = order

    def orders_changed(self, touched: dict[Decimal, list[int]]) -> None:
        """Learn at which prices somebody's orders changed, and who is new there."""
        assert self.orders is not None
        for levels in self._sides.values():
            for px in touched.keys() & levels.keys():
                for entry in levels[px]:
                    if isinstance(entry.place, ExactPlace):
                        level = self.orders.level(px)
                        entry.place.renew(level, touched[px], self.orders.time)

    def lose_orders(self) -> None:
        """Go on by reckoning: nobody shows the orders any more."""
        self.orders = None
        for entry in self._by_oid.values():
            if isinstance(entry.place, ExactPlace):
                entry.place = entry.place.reckoned()

    def of(self, account: str) -> list[Entry]:
        """Return the entries of one account."""
        return [it for it in self._by_oid.values() if it.order.account == account]

    def entry(self, oid: int) -> Entry | None:
        """Return an order's entry."""
        return self._by_oid.get(oid)

    def shown(self, side: Side, model: QueueModel, time: int, *, whole: bool) -> None:
        """Learn that ``side`` was shown anew; ``whole`` if by more than its top."""
        levels, best = self._sides[side.is_bid], side.best
        if not levels:
            return
        # A bbo says nothing of what is behind the best price.
        prices = (
            list(levels)
            if whole or best is None
            else self._from(best.px, is_buy=side.is_bid)
        )
        for px in prices:
            for entry in levels[px]:
                self._look(entry, side, model, time)

    def reached_by(self, px: Decimal, *, is_buy: bool) -> list[Entry]:
        """
        Return our orders that a trade at ``px`` reaches, in order of priority.

        ``is_buy`` is our side: bids at ``px`` or above, or asks at ``px`` or below.
        """
        levels = self._sides[is_buy]
        return [entry for it in self._from(px, is_buy=is_buy) for entry in levels[it]]

    def _from(self, px: Decimal, *, is_buy: bool) -> list[Decimal]:
        """Return our prices at ``px`` or better, best first."""
        prices = self._prices[is_buy]
        if is_buy:
            return prices[: bisect_left(prices, px) - len(prices) - 1 : -1]
        return prices[: bisect_right(prices, px)]

    def _look(self, entry: Entry, side: Side, model: QueueModel, time: int) -> None:
        level = side.by_px.get(entry.order.px)
        if level is not None:
            entry.place.shown(model, level.sz, level.time)
        elif side.covers(entry.order.px):
            entry.place.shown(model, _NOTHING, time)


_NOTHING = Decimal(0)
