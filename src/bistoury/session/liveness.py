"""
Whether the connection still answers.

The deadline hangs on the last frame that came, never on what was sent: a client
that keeps talking into a dead connection must still notice.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf

_PROMPT = 2.0
"""Seconds within which a ping is answered, on a connection that speaks."""


@dataclass(slots=True)
class Liveness:
    """Says when to ping and when to give a connection up."""

    heard_at: float = inf
    """When the last frame came; infinity while there is no connection."""
    answered_at: float = inf
    """When the last pong came, or the connection opened; infinity without one."""
    round_trips: deque[float] = field(default_factory=lambda: deque(maxlen=256))
    """Ping round trips, in seconds, newest last."""
    pings: int = 0
    """How many pings left on this connection."""
    pongs: int = 0
    """How many of them are answered, or waited for no more."""
    _ping_due_at: float = inf
    _pinged_at: float = inf

    def deadline(self, patience: float) -> float:
        """Return when there is something to decide; ``patience`` is in seconds."""
        return min(self._ping_due_at, self.heard_at + patience)

    def start(self, now: float) -> None:
        """Begin with a new connection; the first ping is due at once."""
        self.heard_at = self.answered_at = self._ping_due_at = now
        self._pinged_at = inf
        self.pings = self.pongs = 0

    def stop(self) -> None:
        """Stop measuring: there is no connection to listen to."""
        self.pongs = self.pings
        self.heard_at = self.answered_at = inf
        self._ping_due_at = self._pinged_at = inf

    def pinged(self, now: float, interval: float) -> None:
        """Note that a ping leaves; the next is due after ``interval`` seconds."""
        self._ping_due_at, self._pinged_at = now + interval, now
        self.pings += 1

    def ponged(self, now: float) -> None:
        """Note a pong. It carries no id; of several pings it may answer any."""
        if self.pings == self.pongs + 1:
            self.round_trips.append(now - self._pinged_at)
        self.answered_at = now
        self.pongs = min(self.pongs + 1, self.pings)

    def is_ping_due(self, now: float) -> bool:
        """Whether it is time to ask for a sign of life."""
        return now >= self._ping_due_at

    @property
    def is_waiting(self) -> bool:
        """Whether a ping is on its way, or was never answered."""
        return self.pings > self.pongs

    @property
    def is_unanswered(self) -> bool:
        """Whether frames came after the last ping, and an answer is missing."""
        return self.is_waiting and self._pinged_at < self.heard_at

    def is_overdue(self, now: float) -> bool:
        """Whether an answer should be here by now, as other frames are."""
        return self.is_unanswered and now - self._pinged_at > _PROMPT

    def excuse(self) -> None:
        """Wait for no answer: the loss it would show is known already."""
        self.pongs = self.pings

    def is_silent(self, now: float, patience: float) -> bool:
        """Whether nothing at all has come for ``patience`` seconds."""
        return now >= self.heard_at + patience
