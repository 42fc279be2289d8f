"""What happened over a while and was not told one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..observability.verdict import in_words


@dataclass(slots=True)
class Period:
    """Losses, gaps and what was held back, since a moment."""

    since: float
    losses: int = 0
    longest: float = 0.0
    """The longest time away, in seconds."""
    away: float = 0.0
    """All of them together, in seconds."""
    lost_gaps: int = 0
    """Gaps that cannot be recovered."""
    held: Counter[str] = field(default_factory=Counter)
    """What was worth a message and had none, by rule."""

    def back(self, away: float) -> None:
        """Take the end of a time away."""
        self.away += away
        self.longest = max(self.longest, away)

    def __str__(self) -> str:
        lines = []
        if self.losses:
            longest, away = in_words(self.longest), in_words(self.away)
            lines.append(f"{self.losses} losses, the longest {longest}, {away} in all")
        if self.lost_gaps:
            lines.append(f"{self.lost_gaps} gaps that cannot be recovered")
        if self.held:
            held = ", ".join(f"{name} {count}" for name, count in self.held.items())
            lines.append(f"held back: {held}")
        return "\n".join(lines)
