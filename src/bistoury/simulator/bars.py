"""
Bars, and how many small ones make a large one.

A bar of any interval is the fold of the trades in it: open, high, low, close,
volume and count are exact, in ticks and lots.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

INTERVALS: dict[str, int] = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "3d": 3 * DAY,
    "1w": 7 * DAY,
    "1M": 31 * DAY,
}

# 1970-01-05 was a Monday.
_FIRST_MONDAY = 4 * DAY


class Bar(NamedTuple):
    """One bar; ``notional`` is the sum of ticks times lots."""

    time: int
    open: int
    close: int
    high: int
    low: int
    volume: int
    trades: int
    notional: int

    def joined(self, later: Bar) -> Bar:
        """Return the bar that covers this one and a ``later`` one."""
        return Bar(
            self.time,
            self.open,
            later.close,
            max(self.high, later.high),
            min(self.low, later.low),
            self.volume + later.volume,
            self.trades + later.trades,
            self.notional + later.notional,
        )

    def traded(self, ticks: int, lots: int) -> Bar:
        """Return this bar after one more trade."""
        return Bar(
            self.time,
            self.open,
            ticks,
            max(self.high, ticks),
            min(self.low, ticks),
            self.volume + lots,
            self.trades + 1,
            self.notional + ticks * lots,
        )


def first_trade(time: int, ticks: int, lots: int) -> Bar:
    """Return the bar that opens at ``time`` with one trade."""
    return Bar(time, ticks, ticks, ticks, ticks, lots, 1, ticks * lots)


def opening(time: int, interval: str) -> int:
    """Return when the bar of ``interval`` that contains ``time`` opened."""
    # HL: up to 1d bars align to UTC multiples; the rest is our choice (§2.7).
    if interval == "1M":
        return _month(time)[0]
    if interval == "1w":
        return (time - _FIRST_MONDAY) // (7 * DAY) * 7 * DAY + _FIRST_MONDAY
    length = INTERVALS[interval]
    return time // length * length


def closing(time: int, interval: str) -> int:
    """Return the last millisecond of the bar that opened at ``time``."""
    if interval == "1M":
        return _month(time)[1] - 1
    return time + INTERVALS[interval] - 1


def fold(bars: Iterable[Bar], interval: str) -> list[Bar]:
    """Join ascending ``bars`` of one minute or hour into bars of ``interval``."""
    folded: list[Bar] = []
    for bar in bars:
        time = opening(bar.time, interval)
        if folded and folded[-1].time == time:
            folded[-1] = folded[-1].joined(bar)
        else:
            folded.append(bar._replace(time=time))
    return folded


def _month(time: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(time / 1000, UTC)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = first.replace(
        year=first.year + first.month // 12, month=first.month % 12 + 1
    )
    return int(first.timestamp()) * 1000, int(after.timestamp()) * 1000
