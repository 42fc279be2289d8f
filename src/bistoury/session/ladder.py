"""How far the cure of one stale feed has come."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(slots=True)
class Ladder:
    """The rung a feed is on; only news takes it off."""

    warned_at: float = inf
    """When it was found stale; infinity while it is fresh."""
    quiet_for: float = 0.0
    """For how long it had carried no news when it was found stale, in seconds."""
    next_at: float = inf
    """When the next rung is due."""
    tries: int = 0
    """How often it was asked for again."""
    has_reconnected: bool = False
    """Whether a connection was given up for it."""
    late_frames: int = 0
    """Frames in a row that were judged late: one alone is a hiccup."""
    judged: int = 0
    """Venue time of the frame that was judged last, in milliseconds."""
    is_lagging: bool = False
    """Whether it was said that it falls behind."""

    @property
    def is_stale(self) -> bool:
        """Whether the feed carries no news."""
        return self.warned_at < inf

    @property
    def is_fresh(self) -> bool:
        """Whether the feed carries news, and on time."""
        return not self.is_stale and not self.is_lagging

    @property
    def has_failed(self) -> bool:
        """Whether everything was tried."""
        return self.has_reconnected and self.is_stale and self.next_at == inf

    def reset(self) -> None:
        """Step off: there is news."""
        self.warned_at = self.next_at = inf
        self.tries, self.has_reconnected = 0, False
