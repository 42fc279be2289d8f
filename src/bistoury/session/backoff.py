"""How long to wait before the next attempt."""

from __future__ import annotations

from math import log
from random import Random

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """Exponential delays, capped, then spread by a proportional jitter."""

    initial: float = 1.0
    maximum: float = 60.0
    factor: float = 2.0
    jitter: float = 0.25

    def nominal(self, step: int) -> float:
        """Return the delay of ``step`` (0 is the first) before jitter, in seconds."""
        if self.factor <= 1.0:
            return min(self.initial, self.maximum)
        # Compared as exponents: the power itself overflows after a week of outage.
        if step >= log(self.maximum / self.initial) / log(self.factor):
            return self.maximum
        return min(self.initial * self.factor**step, self.maximum)

    def delay(self, step: int, rng: Random) -> float:
        """Return the jittered delay of ``step``, in seconds."""
        return self.nominal(step) * (1 + rng.uniform(-self.jitter, self.jitter))
