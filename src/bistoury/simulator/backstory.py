"""
What the market did before anybody watched.

Bars from before the venue was started are drawn, not traded. Any hour can be
drawn alone, from the seed, so a request for one day costs one day; and larger
bars are folds of the drawn minutes, so all intervals agree.
"""

from __future__ import annotations

from random import Random

from .bars import HOUR, MINUTE, Bar
from .instruments import MOST_TICKS


class Backstory:
    """One coin's bars before ``start`` (venue milliseconds)."""

    def __init__(
        self, seed: str, *, start: int, ticks: int, rate: float, lots: int, span: int
    ) -> None:
        self.start = start // MINUTE * MINUTE
        self.begin = (start - span) // HOUR * HOUR
        self._seed = seed
        self._ticks = ticks
        self._per_minute = rate * 60.0
        self._lots = lots
        self._last_hour = start // HOUR
        # Price at the opening of each hour, backwards from the last.
        self._path = [self._stepped(ticks, Random(f"{seed}:path"))]
        self._path_rng = Random(f"{seed}:hours")
        self._hours: dict[int, Bar | None] = {}

    def minutes(self, time: int, until: int) -> list[Bar]:
        """Return the minute bars that open in ``[time, until)``."""
        time = max(time, self.begin)
        until = min(until, self.start)
        return [
            bar
            for hour in range(time // HOUR, -(-until // HOUR))
            for bar in self._draw(hour)
            if time <= bar.time < until
        ]

    def hours(self, time: int, until: int) -> list[Bar]:
        """Return the hour bars of whole hours that open in ``[time, until)``."""
        time = max(time, self.begin)
        until = min(until, self.start // HOUR * HOUR)
        found = (self._hour(hour) for hour in range(time // HOUR, until // HOUR))
        return [bar for bar in found if bar is not None]

    def price_at(self, time: int) -> int:
        """Return the price, in ticks, at the opening of the hour of ``time``."""
        return self._opening(min(time // HOUR, self._last_hour))

    def _hour(self, hour: int) -> Bar | None:
        if hour not in self._hours:
            whole: Bar | None = None
            for bar in self._draw(hour):
                whole = bar if whole is None else whole.joined(bar)
            self._hours[hour] = whole
        return self._hours[hour]

    def _opening(self, hour: int) -> int:
        while len(self._path) <= self._last_hour - hour:
            self._path.append(self._stepped(self._path[-1], self._path_rng))
        return self._path[self._last_hour - hour]

    def _stepped(self, ticks: int, rng: Random) -> int:
        home = (self._ticks - ticks) * 0.01
        moved = ticks * (1.0 + rng.gauss(0.0, 0.004)) + home
        return int(min(MOST_TICKS, max(self._ticks * 0.6, moved)))

    def _draw(self, hour: int) -> list[Bar]:
        rng = Random(f"{self._seed}:{hour}")
        price = self._opening(hour)
        last = hour == self._last_hour
        target = self._ticks if last else self._opening(hour + 1)
        count = (self.start - hour * HOUR) // MINUTE if last else 60
        bars = []
        for minute in range(count):
            share = 1.0 / (count - minute)
            noise = 0.0 if minute == count - 1 else rng.gauss(0.0, 0.0003) * price
            close = max(1, price + int((target - price) * share + noise))
            trades = int(self._per_minute * rng.uniform(0.6, 1.4) + rng.random())
            if trades:
                reach = int(price * abs(rng.gauss(0.0, 0.0003)))
                high = max(price, close) + reach
                low = max(1, min(price, close) - reach)
                volume = max(trades, int(trades * self._lots * rng.uniform(0.2, 0.6)))
                time = hour * HOUR + minute * MINUTE
                middle = (price + close) // 2
                bars.append(
                    Bar(time, price, close, high, low, volume, trades, volume * middle)
                )
            price = close
        return bars
