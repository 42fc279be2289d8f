"""
How much may still be sent: strict sliding windows.

A token bucket lets a burst through that a venue counting the last sixty
seconds refuses, so every grant is remembered until it leaves the window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class Window:
    """At most ``limit`` units in any ``seconds``."""

    limit: int
    seconds: float = 60.0
    grants: int = 0
    """How often something was granted, ever."""
    _grants: deque[tuple[float, int]] = field(default_factory=deque)
    _used: int = 0

    def used(self, now: float) -> int:
        """Return how many units were granted within the window ending ``now``."""
        # Added, not subtracted, so that it agrees with ``frees_at`` to the last bit:
        # otherwise a caller told "room at t" could find none at t, for ever.
        while self._grants and self._grants[0][0] + self.seconds <= now:
            self._used -= self._grants.popleft()[1]
        return self._used

    def room(self, now: float, reserve: int = 0) -> int:
        """Return how many units may be granted now, leaving ``reserve`` untouched."""
        return max(0, self.limit - reserve - self.used(now))

    def take(self, now: float, units: int = 1) -> None:
        """Grant ``units``, whether there is room or not: they were sent."""
        self.grants += 1
        self._grants.append((now, units))
        self._used += units

    def latest(self, grants: int) -> list[tuple[float, int]]:
        """Return when and how much was granted the last few times, oldest first."""
        return list(self._grants)[-grants:] if grants else []

    def frees_at(self, now: float, units: int = 1, reserve: int = 0) -> float:
        """Return when ``units`` will fit; infinity if they never can."""
        excess = self.used(now) + units + reserve - self.limit
        if excess <= 0:
            return now
        for granted_at, granted in self._grants:
            excess -= granted
            if excess <= 0:
                return granted_at + self.seconds
        return inf

    def fill(self, now: float) -> None:
        """Consider the window used up: the venue said so."""
        self.take(now, self.room(now))
