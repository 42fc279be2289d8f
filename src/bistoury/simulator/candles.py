"""
One coin's bars: the drawn past, the traded present, any interval.

Only minutes are kept. The bar that is forming is the fold of the minutes that
closed since it opened and of the minute that is running.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from .backstory import Backstory
from .bars import (
    DAY,
    HOUR,
    INTERVALS,
    MINUTE,
    Bar,
    closing,
    first_trade,
    fold,
    opening,
)

# HL: only the latest 5000 bars of a coin and interval exist (§4.2).
MOST_BARS = 5000
_KEPT_MINUTES = 50_000
# Longer ones would have to draw weeks of past at the start of every venue.
_EAGER = tuple(name for name, length in INTERVALS.items() if length <= HOUR)


class Candles:
    """What has been traded of one coin, as bars."""

    def __init__(self, backstory: Backstory) -> None:
        self._backstory = backstory
        self._minutes: deque[Bar] = deque(maxlen=_KEPT_MINUTES)
        self._running: Bar | None = None
        self._closed: dict[str, Bar | None] = {}
        for interval in _EAGER:
            self._follow(interval)
        self._day_hours: deque[Bar] = deque(
            backstory.hours(backstory.start - DAY, backstory.start), maxlen=24
        )

    def add(self, time: int, ticks: int, lots: int) -> None:
        """Fold one trade in; ``roll`` has been called for its time."""
        if self._running is None:
            self._running = first_trade(time // MINUTE * MINUTE, ticks, lots)
        else:
            self._running = self._running.traded(ticks, lots)

    def roll(self, time: int) -> list[tuple[str, Bar]]:
        """Close what ended before ``time``; return the bars that became final."""
        final: list[tuple[str, Bar]] = []
        minute = time // MINUTE * MINUTE
        running = self._running
        if running is not None and running.time < minute:
            self._running = None
            self._minutes.append(running)
            for interval, partial in self._closed.items():
                self._closed[interval] = _extended(partial, running, interval)
        for interval, partial in self._closed.items():
            if partial is not None and partial.time < opening(minute, interval):
                final.append((interval, partial))
                self._closed[interval] = None
                if interval == "1h":
                    self._day_hours.append(partial)
        return final

    def current(self, interval: str) -> Bar | None:
        """Return the bar of ``interval`` that is forming, if it has a trade."""
        if interval not in self._closed:
            self._follow(interval)
        partial = self._closed[interval]
        if self._running is None:
            return partial
        return _extended(partial, self._running, interval)

    def between(
        self, interval: str, start: int, end: int, now: int, flat_after: int | None
    ) -> list[Bar]:
        """Return the bars that contain or follow ``start`` and open by ``end``."""
        if start > end:
            return []
        earliest = opening(now, interval) - (MOST_BARS - 1) * INTERVALS[interval]
        first = opening(max(start, earliest, self._backstory.begin), interval)
        until = closing(opening(min(end, now), interval), interval) + 1
        bars = fold(self._small(interval, first, until), interval)
        if flat_after is not None:
            bars = _with_flat(bars, interval, now - flat_after)
        return [bar for bar in bars if bar.time <= end][-MOST_BARS:]

    def day(self) -> tuple[int, int]:
        """Return the volume and the notional of about the last 24 hours."""
        bars = list(self._day_hours)
        current = self.current("1h")
        if current is not None:
            bars.append(current)
        return sum(bar.volume for bar in bars), sum(bar.notional for bar in bars)

    def _small(self, interval: str, first: int, until: int) -> list[Bar]:
        past = self._backstory
        bars: list[Bar] = []
        if INTERVALS[interval] >= HOUR:
            bars += past.hours(first, until)
            first = max(first, past.start // HOUR * HOUR)
        bars += past.minutes(first, until)
        bars += [bar for bar in self._minutes if first <= bar.time < until]
        running = self._running
        if running is not None and first <= running.time < until:
            bars.append(running)
        return bars

    def _follow(self, interval: str) -> None:
        now = self._minutes[-1].time if self._minutes else self._backstory.start
        first = opening(now, interval)
        bars = fold(self._small(interval, first, now + 1), interval)
        running = self._running
        if running is not None and bars and bars[-1].time == running.time:
            bars.pop()
        self._closed[interval] = bars[-1] if bars else None


def _extended(partial: Bar | None, minute: Bar, interval: str) -> Bar:
    time = opening(minute.time, interval)
    if partial is None or partial.time != time:
        return minute._replace(time=time)
    return partial.joined(minute)


def _with_flat(bars: list[Bar], interval: str, settled: int) -> list[Bar]:
    """Fill quiet intervals, that ended by ``settled``, at the last price."""
    filled: list[Bar] = bars[:1]
    for before, after in pairwise(bars):
        time = closing(before.time, interval) + 1
        while time < after.time and closing(time, interval) < settled:
            price = before.close
            filled.append(Bar(time, price, price, price, price, 0, 0, 0))
            time = closing(time, interval) + 1
        filled.append(after)
    return filled
