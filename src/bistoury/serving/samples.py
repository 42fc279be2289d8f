"""The last hour of the figures that charts show, in a bounded ring."""

from __future__ import annotations

from collections import deque
from typing import Any

COLUMNS = ("at", "ping", "lag", "lag_p99", "rate")
EVERY = 2.0
"""Seconds between two samples."""
_MOST = 1800


class Samples:
    """Keeps one row of figures every two seconds for an hour."""

    def __init__(self) -> None:
        self._rows: deque[tuple[float | None, ...]] = deque(maxlen=_MOST)

    def take(self, wall: float, state: dict[str, Any]) -> list[float | None] | None:
        """Take a sample if one is due; return it."""
        last = self._rows[-1][0] if self._rows else None
        # A clock that was set back must not hold the samples up.
        if last is not None and 0 <= wall - last < EVERY - 0.2:
            return None
        row = row_of(wall, state)
        self._rows.append(tuple(row))
        return row

    def columns(self) -> dict[str, list[float | None]]:
        """Return every figure as a list, oldest first."""
        return {
            name: [row[number] for row in self._rows]
            for number, name in enumerate(COLUMNS)
        }


def row_of(wall: float, state: dict[str, Any]) -> list[float | None]:
    """Return the figures of a state; what is unknown is a hole in the chart."""
    health = state["health"]
    is_open = health["state"] in ("live", "syncing")
    lag = health["feed_lag_seconds"]
    return [
        round(wall, 1),
        _rounded(state["last_ping_seconds"]) if is_open else None,
        _rounded(lag["p50"]) if is_open else None,
        _rounded(lag["p99"]) if is_open else None,
        round(health["messages_per_second"], 2),
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
