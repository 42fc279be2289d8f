"""
One book of a coin, out of everything the venue shows of it.

``bbo`` is quick and shows one level, the fast ``l2Book`` five, the slow one twenty.
A message is the truth about the stretch of prices it covers, as of its time; what
it does not cover stays as it was, with its own age. Trades take from what is older
than they are. What our own orders took is gone for good: the venue goes on showing it,
so there is more again only when a level grows, or comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from .numbers import ZERO

Row = tuple[Decimal, Decimal]
_MOST_LEVELS = 60
_MOST_KNOWN = 64
_ALL = {True: ZERO, False: Decimal("Infinity")}
"""What is behind every price: of bids (``True``), and of asks."""


class Level:
    """A price, the size shown there, and when the venue said so (ms)."""

    __slots__ = ("px", "source", "sz", "taken", "time")

    def __init__(self, px: Decimal, sz: Decimal, time: int, source: str) -> None:
        self.px = px
        self.sz = sz
        self.time = time
        self.source = source
        self.taken = ZERO
        """What our own orders took of it, which the venue goes on showing."""

    @property
    def available(self) -> Decimal:
        """What is left when our own orders are done."""
        return self.sz - self.taken

    def take(self, size: Decimal) -> None:
        """Remember that an order of ours took ``size``."""
        self.taken += size

    def resize(self, sz: Decimal) -> None:
        """Let what is left grow only by what the level grew."""
        self.sz = sz
        self.taken = min(self.taken, sz)

    def renew(self, sz: Decimal, time: int, source: str) -> None:
        """Take a newer word of the venue about this level."""
        self.resize(sz)
        self.time, self.source = time, source


class Side:
    """Bids or asks, best first."""

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.levels: list[Level] = []
        self.by_px: dict[Decimal, Level] = {}
        self._known: list[tuple[int, Decimal]] = []
        """When (ms) all was known up to which price: the later, the less far."""

    @property
    def best(self) -> Level | None:
        """The best level that is known."""
        return self.levels[0] if self.levels else None

    def is_better(self, px: Decimal, than: Decimal) -> bool:
        """Whether ``px`` stands before ``than`` on this side."""
        return px > than if self.is_bid else px < than

    def show(self, rows: list[Row], time: int, source: str) -> None:
        """Take what a message shows: complete from the best price to the last row's."""
        by_px, is_bid = self.by_px, self.is_bid
        last = rows[-1][0] if rows else None
        is_news = not self._known or self._known[-1][0] <= time
        if not is_news:
            rows = [it for it in rows if not self._is_known(it[0], time)]
        self._know(time, _ALL[is_bid] if last is None else last)
        if is_news and len(rows) == 1 and self._show_top(*rows[0], time, source):
            return
        shown: dict[Decimal, Level] = {}
        for px, sz in rows:
            known = by_px.get(px)
            if known is None:
                known = Level(px, sz, time, source)
            elif known.time <= time:
                known.renew(sz, time, source)
            shown[px] = known
        kept = [
            it
            for it in self.levels
            if it.px not in shown
            and (
                it.time > time
                or (last is not None and (it.px < last if is_bid else it.px > last))
                or (not is_news and self._is_known(it.px, time))
            )
        ]
        levels = [it for it in shown.values() if it.sz > 0]
        if kept:
            levels += kept
            levels.sort(key=_price, reverse=is_bid)
            del levels[_MOST_LEVELS:]
        self.levels = levels
        self.by_px = {it.px: it for it in levels}

    def _show_top(self, px: Decimal, sz: Decimal, time: int, source: str) -> bool:
        """Take the best price alone, in place; return whether that could be done."""
        levels, is_bid = self.levels, self.is_bid
        gone = 0
        for level in levels:
            if not (level.px > px if is_bid else level.px < px):
                break
            if level.time > time:
                return False
            gone += 1
        if gone:
            for level in levels[:gone]:
                del self.by_px[level.px]
            del levels[:gone]
        if levels and levels[0].px == px:
            if time >= levels[0].time:
                levels[0].renew(sz, time, source)
        else:
            level = self.by_px[px] = Level(px, sz, time, source)
            levels.insert(0, level)
            if len(levels) > _MOST_LEVELS:
                del self.by_px[levels.pop().px]
        return sz > 0

    def traded(self, px: Decimal, sz: Decimal, time: int) -> None:
        """Take a trade that hit this side: what was better is gone, and ``sz`` here."""
        self._know(time, px)
        changed = False
        for level in self.levels:
            if level.time >= time:
                continue
            if self.is_better(level.px, px):
                level.sz = ZERO
                changed = True
            elif level.px == px:
                level.resize(max(ZERO, level.sz - sz))
                changed = changed or not level.sz
            else:
                break
        if changed:
            self._drop_empty()

    def gone_beyond(self, px: Decimal, time: int) -> None:
        """Forget what is at ``px`` or better and older: the other side is there now."""
        best = self.best
        if best is None or self.is_better(px, best.px):
            return
        for level in self.levels:
            if self.is_better(px, level.px):
                break
            if level.time < time:
                level.sz = ZERO
        self._drop_empty()

    def covers(self, px: Decimal) -> bool:
        """Whether a price without a level is known to be empty."""
        return bool(self.levels) and not self.is_better(self.levels[-1].px, px)

    def walk(
        self, limit: Decimal | None, now: int, max_age: int
    ) -> Iterator[tuple[Level, Decimal]]:
        """
        Yield what a taker finds, best first, with how much is left there.

        Stops at ``limit``, and at the first level that is older than ``max_age`` ms:
        what is behind it cannot be known either.
        """
        for level in list(self.levels):
            if limit is not None and self.is_better(limit, level.px):
                return
            if now - level.time > max_age:
                return
            available = level.available
            if available > 0:
                yield level, available

    def _know(self, time: int, px: Decimal) -> None:
        """Remember that all at ``px`` and better is known as of ``time``."""
        known = self._known
        if known and known[-1][0] > time:
            if not self._is_known(px, time):
                kept = [it for it in known if it[0] > time or self.is_better(px, it[1])]
                self._known = sorted([*kept, (time, px)])
            return
        while known and not self.is_better(px, known[-1][1]):
            known.pop()
        known.append((time, px))
        if len(known) > _MOST_KNOWN:
            del known[: _MOST_KNOWN // 2]

    def _is_known(self, px: Decimal, time: int) -> bool:
        """Whether something later than ``time`` tells what is at ``px``."""
        return any(
            at > time and not self.is_better(reach, px) for at, reach in self._known
        )

    def _drop_empty(self) -> None:
        self.levels = [it for it in self.levels if it.sz > 0]
        self.by_px = {it.px: it for it in self.levels}


class Book:
    """Both sides of a coin."""

    def __init__(self) -> None:
        self.bids = Side(is_bid=True)
        self.asks = Side(is_bid=False)
        self.time = 0
        """The newest time (ms) of a message about the book."""

    def side(self, *, is_bid: bool) -> Side:
        """Return the bids or the asks."""
        return self.bids if is_bid else self.asks

    def show(self, bids: list[Row], asks: list[Row], time: int, source: str) -> None:
        """Take a ``bbo`` or an ``l2Book``; an empty side is empty."""
        self.bids.show(bids, time, source)
        self.asks.show(asks, time, source)
        # The two sides never cross at the venue, so what crosses is out of date.
        if bids:
            self.asks.gone_beyond(bids[0][0], time)
        if asks:
            self.bids.gone_beyond(asks[0][0], time)
        self.time = max(self.time, time)

    def traded(self, *, is_buy: bool, px: Decimal, sz: Decimal, time: int) -> None:
        """Take a public trade; ``is_buy`` is the aggressor's side."""
        self.side(is_bid=not is_buy).traded(px, sz, time)

    @property
    def mid(self) -> Decimal | None:
        """The mean of the best bid and the best ask."""
        bid, ask = self.bids.best, self.asks.best
        return None if bid is None or ask is None else (bid.px + ask.px) / 2

    def is_empty(self) -> bool:
        """Whether nothing was shown yet."""
        return not self.bids.levels and not self.asks.levels


def rows_of(levels: Iterable[dict[str, object] | None]) -> list[Row]:
    """Read levels as the venue writes them; ``None`` is an empty side."""
    return [
        (Decimal(it["px"]), Decimal(it["sz"]))  # type: ignore[arg-type]
        for it in levels
        if it is not None
    ]


def _price(level: Level) -> Decimal:
    return level.px
