"""How steady the connection was over the last ten minutes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..observability.verdict import in_words

WITHIN = 600.0
_MOSTLY = WITHIN / 2
_MOST = 5000


@dataclass(slots=True)
class Steadiness:
    """Remembers losses, and for how long data could not be trusted."""

    losses: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST))
    _down: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=_MOST)
    )
    """When it was seen to be down, and for how many seconds by then."""
    _seen_at: float | None = None

    def lost(self, now: float) -> None:
        """Take a loss."""
        self.losses.append(now)

    def see(self, now: float, *, is_down: bool) -> None:
        """Take how things are, about once a second."""
        if is_down and self._seen_at is not None:
            self._down.append((now, min(now - self._seen_at, WITHIN)))
        self._seen_at = now
        while self.losses and now - self.losses[0] > WITHIN:
            self.losses.popleft()
        while self._down and now - self._down[0][0] >= WITHIN:
            self._down.popleft()

    @property
    def seconds_down(self) -> float:
        """For how long it was down, in all."""
        return sum(seconds for _, seconds in self._down)

    @property
    def is_mostly_down(self) -> bool:
        """Whether it was down for half of the time or longer."""
        return self.seconds_down >= _MOSTLY

    def __str__(self) -> str:
        down = in_words(self.seconds_down)
        lost = f"{len(self.losses)} losses in {WITHIN / 60:.0f} minutes"
        return f"{lost}, down for {down}"
