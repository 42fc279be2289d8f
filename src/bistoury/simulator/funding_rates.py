"""Each coin's hourly funding rates: what was drawn, then what happened."""

from __future__ import annotations

from random import Random
from typing import Any

from .bars import HOUR
from .contexts import funding, premium
from .market import Market
from .numbers import rate


class FundingRates:
    """The rates of full hours. HL: stamped 40..100 ms after the hour (§2.13)."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        self._seed = seed
        self._known: dict[tuple[str, int], tuple[float, float]] = {}

    def settle(self, hour: int) -> None:
        """Fix the rates of the hour that begins at ``hour`` (ms)."""
        for name, coin in self._market.coins.items():
            if not coin.instrument.is_spot:
                self._known[name, hour] = (funding(coin), premium(coin))

    def at(self, coin: str, hour: int) -> tuple[float, float]:
        """Return the funding rate and the premium of an hour."""
        known = self._known.get((coin, hour))
        if known is not None:
            return known
        drawn = Random(f"{self._seed}:{coin}:{hour}").gauss(0.0, 0.0004)
        eight_hours = drawn + min(0.0005, max(-0.0005, 0.0001 - drawn))
        return eight_hours / 8, drawn

    def between(self, coin: str, start: int, end: int) -> list[dict[str, Any]]:
        """Return the oldest 500 rows of ``coin`` in the range, both ends in."""
        rows: list[dict[str, Any]] = []
        begin = self._market.coins[coin].backstory.begin
        hour = max(start - 100, begin) // HOUR * HOUR
        while hour <= end and len(rows) < 500:  # noqa: PLR2004 - HL: page size
            time = stamp(hour)
            if start <= time <= end:
                value, sampled = self.at(coin, hour)
                rows.append(
                    {
                        "coin": coin,
                        "fundingRate": rate(value),
                        "premium": rate(sampled),
                        "time": time,
                    }
                )
            hour += HOUR
        return rows


def stamp(hour: int) -> int:
    """Return the time that the payments of an hour carry."""
    return hour + 40 + hour // HOUR % 61
