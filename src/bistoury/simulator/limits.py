"""How much of something happened within the last minute."""

from __future__ import annotations

from collections import deque


class Window:
    """A sliding window over amounts; times in milliseconds."""

    __slots__ = ("_amounts", "_length", "_total", "limit")

    def __init__(self, limit: int, length: float) -> None:
        self.limit = limit
        self._length = length * 1000
        self._amounts: deque[tuple[int, int]] = deque()
        self._total = 0

    def used(self, now: int) -> int:
        """Return the amount spent in the window that ends now."""
        amounts = self._amounts
        while amounts and amounts[0][0] <= now - self._length:
            self._total -= amounts.popleft()[1]
        return self._total

    def spend(self, now: int, amount: int = 1) -> bool:
        """Spend ``amount`` if the limit allows; return whether it did."""
        if self.used(now) + amount > self.limit:
            return False
        self.charge(now, amount)
        return True

    def charge(self, now: int, amount: int) -> None:
        """Spend ``amount`` whatever the limit says."""
        self._amounts.append((now, amount))
        self._total += amount
