"""
Whether what is known of a coin may be traded on.

Live means: no feed of the coin has an open gap, none that is sent at intervals was
called stale, and a book came after the last gap and not too long ago. A feed that was
silent from the beginning is no gap: what it would say is not known, and not used. What
happened inside a gap, and came later, is told apart by its time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FEEDS = ("bbo", "l2Book", "l2Book:fast", "trades", "activeAssetCtx")
PERIODIC = ("l2Book", "l2Book:fast", "activeAssetCtx")
_KEPT_TRADES = 5000
_BOOKS = ("bbo", "l2Book", "l2Book:fast")


@dataclass(slots=True)
class CoinHealth:
    """What was heard of one coin, and what was missed. Times are venue ms."""

    max_age: int
    state: str = "waiting"
    """``waiting`` (nothing came yet), ``live``, ``stale`` or ``gap``."""
    heard_at: int = 0
    """When the last book came."""
    book_time: int = 0
    gaps: dict[str, int] = field(default_factory=dict)
    """Feeds with an open gap, and since when."""
    stale: set[str] = field(default_factory=set)
    blind_since: int = 0
    blind_until: int = 0
    """The last stretch of time that was missed."""
    was_lost: bool = False
    """Whether part of that stretch can never be known."""
    _trades: set[int] = field(default_factory=set)
    _latest: deque[int] = field(default_factory=deque)
    """The trades that were heard, oldest first."""

    def heard(self, feed: str, at: int, time: int = 0) -> None:
        """Take news of a feed."""
        self.stale.discard(feed)
        if feed in _BOOKS:
            self.heard_at = at
            self.book_time = max(self.book_time, time)

    def is_repeat(self, trade: Mapping[str, Any]) -> bool:
        """HL: a trade is known by its coin, time and tid; each counts once."""
        key = hash((trade["time"], trade["tid"]))
        if key in self._trades:
            return True
        self._trades.add(key)
        self._latest.append(key)
        if len(self._latest) > _KEPT_TRADES:
            self._trades.discard(self._latest.popleft())
        return False

    def missed(self, feed: str, since: int) -> None:
        """Learn that a feed has a gap from ``since`` on."""
        if not self.gaps:
            self.blind_since = since
            self.was_lost = False
        self.blind_since = min(self.blind_since, since)
        self.gaps[feed] = since

    def settled(self, feed: str, until: int, *, is_lost: bool) -> None:
        """Learn how a gap ended."""
        self.gaps.pop(feed, None)
        self.blind_until = max(self.blind_until, until)
        self.was_lost = self.was_lost or is_lost

    def is_inside_gap(self, time: int) -> bool:
        """Whether ``time`` lies in a stretch that was missed."""
        if self.gaps and time > self.blind_since:
            return True
        return self.blind_since < time < self.blind_until

    def judged(self, now: int) -> tuple[str, str]:
        """Return the state, and why."""
        if self.gaps:
            return "gap", "missed: " + ", ".join(sorted(self.gaps))
        if not self.heard_at:
            return "waiting", "nothing heard yet"
        if self.stale:
            return "stale", "no news: " + ", ".join(sorted(self.stale))
        if self.book_time < self.blind_until:
            return "gap", "no book since the gap"
        if now - self.heard_at >= self.max_age:
            return "stale", f"no book for {self.max_age / 1000:g} s"
        return "live", ""

    @property
    def stale_at(self) -> int | None:
        """When the coin goes stale unless a book comes."""
        return self.heard_at + self.max_age if self.state == "live" else None
