"""What observers are told; of what lasts, only the changes."""

from __future__ import annotations

from dataclasses import dataclass

from . import effects as do
from . import notices as say
from .breaker import Breaker


@dataclass(slots=True)
class Reports:
    """Puts notices among the effects."""

    effects: list[do.Effect]
    _breaker: str = "closed"
    _reasons: tuple[str, ...] = ()

    def announce(self, notice: say.Notice) -> None:
        """Tell observers something."""
        self.effects.append(do.Announce(notice))

    def reasons(self, reasons: tuple[str, ...]) -> None:
        """Tell what is not well, if that changed and is anything."""
        if reasons and reasons != self._reasons:
            self.announce(say.Degraded(reasons))
        self._reasons = reasons

    def forget_reasons(self) -> None:
        """Tell again on the next connection."""
        self._reasons = ()

    def breaker(self, breaker: Breaker, now: float) -> None:
        """Tell of the circuit breaker, if its state changed."""
        state = breaker.state(now)
        if state != self._breaker:
            self._breaker = state
            self.announce(say.BreakerChanged(state, breaker.failures))
