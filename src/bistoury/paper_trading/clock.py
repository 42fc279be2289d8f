"""
What time it is at the venue, by what it says.

The quickest messages of the last two minutes show by how much the venue's clock
differs from ours, their way here included; so ages do not depend on either clock
being right, and a clock that drifts is followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

_WINDOW = 60.0


class VenueClock:
    """Venue milliseconds out of our own seconds; never goes back."""

    def __init__(self) -> None:
        self._ahead = -inf
        self._ahead_before = -inf
        self._since = 0.0
        self._last = 0

    @property
    def is_known(self) -> bool:
        """Whether the venue said a time yet."""
        return self._ahead > -inf

    def heard(self, time: int, now: float) -> None:
        """Take a live message that says ``time`` (ms), at ``now`` by our clock."""
        if now - self._since >= _WINDOW:
            if self.is_known:
                self._ahead_before = self._ahead
            self._ahead, self._since = -inf, now
        self._ahead = max(self._ahead, time - now * 1000)

    def now(self, now: float) -> int:
        """Return the venue's time (ms) at ``now`` by our clock."""
        ahead = max(self._ahead, self._ahead_before)
        self._last = max(self._last, int(now * 1000 + ahead))
        return self._last


class Alarm:
    """Calls ``ring`` once, at the earliest of the moments that were set."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, after: float) -> None:
        """Ring in so many seconds, unless that is done sooner anyway."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(0.0, after)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, self._rung)

    def stop(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rung(self) -> None:
        self._timer = None
        self._ring()
