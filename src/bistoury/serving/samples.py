"""The last hour of the figures that charts show, in a bounded ring."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..observability.health import View, lag_of, quantiles
from ..observability.snapshot import last_ping
from ..session import State

COLUMNS = ("at", "ping", "lag", "lag_p99", "rate")
EVERY = 2.0
"""Seconds between two samples."""
_MOST = 1800

Figures = tuple[float | None, ...]
"""Ping, lag, its 99th percentile, and messages per second."""


class Samples:
    """Keeps one row of figures every two seconds for an hour."""

    def __init__(self) -> None:
        self._rows: deque[tuple[float | None, ...]] = deque(maxlen=_MOST)

    def take(
        self, wall: float, figures: Callable[[], Figures]
    ) -> list[float | None] | None:
        """Take a sample if one is due; return it."""
        last = self._rows[-1][0] if self._rows else None
        # A clock that was set back must not hold the samples up.
        if last is not None and 0 <= wall - last < EVERY - 0.2:
            return None
        row = [round(wall, 1), *map(_rounded, figures())]
        self._rows.append(tuple(row))
        return row

    def columns(self) -> dict[str, list[float | None]]:
        """Return every figure as a list, oldest first."""
        return {
            name: [row[number] for row in self._rows]
            for number, name in enumerate(COLUMNS)
        }


def figures_of(view: View) -> Figures:
    """Return ping, lag and rate now; what is unknown is a hole in the chart."""
    rate = view.monitor.rate(view.now, view.received)
    if not (view.is_live or view.state is State.SYNCING):
        return None, None, None, rate
    lags = [
        lag
        for entry in view.entries.values()
        if (lag := lag_of(entry, view.sessions)) is not None
    ]
    behind = quantiles(lags)
    return last_ping(view), behind["p50"], behind["p99"], rate


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
