"""A stretch of one feed that was missed, while it is being made good."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import inf

from .causes import Cause


@dataclass(slots=True)
class OpenGap:
    """What is known of a gap, and how far its recovery has come."""

    number: int
    """Tells answers about this gap from those about another."""
    since: int
    """Venue milliseconds of the last thing delivered before it."""
    cause: Cause
    reading: int = 0
    """The read of the venue's history that is under way, or was last; 0: none."""
    is_reading: bool = False
    read_at: float = inf
    """When the next read is due."""
    hold_until: float = inf
    """When waiting rows are let go although nothing was read."""
    asked_at: float = -inf
    """When the last read began."""
    reached: int = 0
    """Venue milliseconds up to which a replay is known to be without a hole."""
    is_broken: bool = False
    """Whether a replay did not reach back to what was known."""
    delivered: int = 0
    """Venue milliseconds of the newest row that had come, if a read must show it."""
    key: Hashable = None
    """The key of that row."""
    watched_from: float = inf
    """When the feed ran again, or was first doubted."""
    granted_at: float = inf
    """When the feed ran again, or was last doubted: history must be newer by far."""
    next_cause: Cause | None = None
    """Why another gap follows at once, if one does."""
    next_since: int = 0
    """From when that one has to be, in venue milliseconds."""
    failures: int = 0
    """Reads that failed, in a row."""
    recovered_before: int = 0
    """The feed's count of recovered rows when it opened."""
