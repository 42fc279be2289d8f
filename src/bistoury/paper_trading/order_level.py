"""
Exact places in the queue, where somebody shows every order.

A node of one's own (the venue's ``order_book_server``) and some providers publish
``l4Book``: first a snapshot of all orders, then what changed in each block. Whoever
was there when our order arrived is ahead of it until he is gone, so nothing has to be
reckoned. That feed may be quicker or slower than the venue's own trades, therefore
what stood ahead is remembered by block. Without it, or when it is lost, ``queueing``
goes on from where the order stood.

HL: price-time priority; a changed order keeps its place if it only shrinks, and cancels
of a block come before its trades, so a trade never finds less ahead than is reckoned
here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from .numbers import ZERO
from .queueing import Place, QueueModel

Row = Mapping[str, Any]
Level = dict[int, Decimal]
_BLOCKS = 512
"""How many blocks a place looks back: a trade may come that much later."""


class Orders:
    """Every order of a coin's book, by price and in the order of priority."""

    def __init__(self, time: int, sides: Iterable[Iterable[Row]]) -> None:
        self.time = time
        self._levels: dict[Decimal, Level] = {}
        self._prices: dict[int, Decimal] = {}
        for rows in sides:
            for it in rows:
                self._put(it["oid"], Decimal(it["limitPx"]), Decimal(it["sz"]))

    def level(self, px: Decimal) -> Level:
        """Return sizes by order number, first come first; empty if nobody is there."""
        return self._levels.get(px, {})

    def change(self, time: int, rows: Iterable[Row]) -> dict[Decimal, list[int]]:
        """Take what changed in a block; return the prices, and who is new there."""
        self.time = time
        touched: dict[Decimal, list[int]] = {}
        for it in rows:
            oid, change = it["oid"], it["raw_book_diff"]
            px = self._prices.get(oid, Decimal(it["px"]))
            fresh = touched.setdefault(px, [])
            if not isinstance(change, Mapping):
                self._remove(oid)
            elif "update" in change:
                if oid in self._prices:
                    self._levels[px][oid] = Decimal(change["update"]["newSz"])
            else:
                self._put(oid, px, Decimal(change["new"]["sz"]))
                fresh.append(oid)
        return touched

    def _put(self, oid: int, px: Decimal, sz: Decimal) -> None:
        self._prices[oid] = px
        self._levels.setdefault(px, {})[oid] = sz

    def _remove(self, oid: int) -> None:
        px = self._prices.pop(oid, None)
        if px is not None:
            level = self._levels[px]
            del level[oid]
            if not level:
                del self._levels[px]


class ExactPlace:
    """Where one order stands, by whom it stands behind. Does what a ``Place`` does."""

    __slots__ = ("_before", "_since", "_stood", "_trades")

    is_exact = True

    def __init__(self, orders: Orders, px: Decimal, since: int) -> None:
        self._before = set(orders.level(px))
        self._since = since
        self._stood: deque[tuple[int, Decimal]] = deque(maxlen=_BLOCKS)
        """What was ahead after each block that changed it."""
        self._trades: deque[tuple[int, Decimal]] = deque(maxlen=_BLOCKS)
        self.renew(orders.level(px), (), orders.time)

    @property
    def ahead(self) -> Decimal | None:
        """Return the size before it, as far as the orders are known."""
        return self._at(None)

    def renew(self, level: Level, fresh: Iterable[int], time: int) -> None:
        """Learn who is at the price after the block at ``time``."""
        if time <= self._since:
            self._before.update(fresh)  # they came first, and are only told later
        self._before.intersection_update(level)
        ahead = sum((level[it] for it in self._before), ZERO)
        self._stood.append((time, ahead))

    def shown(self, model: QueueModel, size: Decimal, time: int) -> None:
        """Learn nothing: sizes say less than the orders do."""

    def traded(self, size: Decimal, time: int) -> Decimal:
        """Take a trade at the price; return how much of it went past the queue."""
        ahead = self._at(time)
        earlier = sum((sz for at, sz in self._trades if at == time), ZERO)
        self._trades.append((time, size))
        return max(ZERO, earlier + size - ahead) - max(ZERO, earlier - ahead)

    def clear(self) -> None:
        """Learn that nothing is ahead: the price was traded through."""
        self._before.clear()
        self._stood.append((self._stood[-1][0], ZERO))

    def lose(self) -> None:
        """Keep the place: a gap of the venue's feeds is none of the orders'."""

    def reckoned(self) -> Place:
        """Return a place to go on from when the orders are not known any more."""
        return Place.at(self._at(None))

    def _at(self, time: int | None) -> Decimal:
        """Return what was ahead before the block at ``time``, or is now."""
        known, ahead = next(
            (it for it in reversed(self._stood) if time is None or it[0] < time),
            self._stood[0],
        )
        # Trades that the orders do not show yet took from the front.
        gone = (sz for at, sz in self._trades if known < at and (not time or at < time))
        return max(ZERO, ahead - sum(gone, ZERO))
