"""How often to say the same thing: once, then once a minute with a count."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

_MOST_KEYS = 1000


@dataclass(slots=True)
class Repeats:
    """Counts occurrences per key and says when to speak of them again."""

    every: float = 60.0
    """Seconds between two reports of one key."""
    clock: Callable[[], float] = time.monotonic
    _said: dict[Hashable, tuple[float, int]] = field(default_factory=dict)

    def has(self, key: Hashable) -> bool:
        """Return whether ``key`` was reported before, as far as that is remembered."""
        return key in self._said

    def occurred(self, key: Hashable) -> int:
        """
        Note an occurrence; return how many to report now.

        0: keep quiet. 1 at the first; later the number since the last report.
        """
        now = self.clock()
        last = self._said.get(key)
        if last is None:
            if len(self._said) >= _MOST_KEYS:
                self._said.clear()  # bounded; the price is a line said too soon
            self._said[key] = (now, 0)
            return 1
        said_at, unsaid = last
        if now - said_at < self.every:
            self._said[key] = (said_at, unsaid + 1)
            return 0
        self._said[key] = (now, 0)
        return unsaid + 1


@dataclass(slots=True)
class Bursts:
    """Lets the first few of a kind be said, and of the rest that there are more."""

    most: int = 20
    every: float = 60.0
    """Seconds after which the first few may be said again."""
    clock: Callable[[], float] = time.monotonic
    _said: dict[Hashable, tuple[float, int]] = field(default_factory=dict)

    def occurred(self, key: Hashable) -> int:
        """Note an occurrence; return which of its burst it is, from 1."""
        now = self.clock()
        began, count = self._said.get(key, (now, 0))
        if now - began >= self.every:
            began, count = now, 0
        if len(self._said) >= _MOST_KEYS:
            self._said.clear()
        self._said[key] = (began, count + 1)
        return count + 1
