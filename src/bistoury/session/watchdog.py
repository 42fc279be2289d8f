"""
Whether a connection that promised data carries any.

Pongs and acknowledgements are signs of life, not data. Only feeds that speak at
intervals promise anything, so a quiet coin or a sleeping user never fires this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from .budget import Window

_HOUR = 3600.0


@dataclass(slots=True)
class Watchdog:
    """Measures how long promised data has been missing."""

    data_at: float = inf
    """When data last came, or was first promised; infinity while nothing is."""
    _fired: Window = field(default_factory=lambda: Window(0, _HOUR))
    _snoozed_until: float = -inf

    def deadline(self, patience: float) -> float:
        """Return when there is something to decide."""
        return max(self.data_at + patience, self._snoozed_until)

    def promised(self, now: float) -> None:
        """Note that data is promised from ``now`` on."""
        self.data_at = now

    def stop(self) -> None:
        """Stop measuring: nothing is promised."""
        self.data_at, self._snoozed_until = inf, -inf

    def is_due(self, now: float, patience: float) -> bool:
        """Whether promised data has been missing for ``patience`` seconds."""
        return now >= self.deadline(patience)

    def snooze(self, until: float) -> None:
        """Decide again at ``until``."""
        self._snoozed_until = until

    def is_starving(self, now: float, patience: float) -> bool:
        """Whether data is missing, and the decision was put off since it is."""
        missing_at = self.data_at + patience
        return now >= missing_at and self._snoozed_until > missing_at

    def may_reconnect(self, now: float, cap: int) -> bool:
        """Whether missing data may cost another connection within the hour."""
        self._fired.limit = cap
        return self._fired.room(now) > 0

    def fired(self, now: float) -> None:
        """Note that missing data cost a connection."""
        self._fired.take(now)
