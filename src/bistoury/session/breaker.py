"""
Whether to try at all: a circuit breaker.

After ``threshold`` failures in a row nothing is allowed until ``timeout`` has
passed since the last one; then one attempt is, the probe. It decides: success
closes the breaker, failure opens it for another ``timeout``. It never gives up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal, TypeAlias

from ..errors import ConfigError

BreakerState: TypeAlias = Literal["closed", "open", "half_open"]


@dataclass(slots=True)
class Breaker:
    """Open after ``threshold`` failures in a row, for ``timeout`` seconds."""

    threshold: int = 5
    timeout: float = 300.0
    failures: int = 0
    """How many in a row; a success forgets them."""
    _last_failure_at: float = -inf
    _probing: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no breaker can keep."""
        whole = isinstance(self.threshold, int) and not isinstance(self.threshold, bool)
        if not whole or self.threshold < 1:
            allowed = "a whole number of failures, at least 1"
            raise ConfigError("failure_threshold", self.threshold, allowed)
        number = isinstance(self.timeout, int | float)
        if not number or isinstance(self.timeout, bool) or not 0 < self.timeout < inf:
            allowed = "a number of seconds above 0"
            raise ConfigError("timeout", self.timeout, allowed)

    @property
    def memory(self) -> tuple[int, float, bool]:
        """All it knows: failures, when the last one was, whether a probe is out."""
        return self.failures, self._last_failure_at, self._probing

    def remember(self, failures: int, failed_at: float, *, is_probing: bool) -> None:
        """Know what another breaker knew."""
        self.failures, self._last_failure_at = failures, failed_at
        self._probing = is_probing

    @property
    def next_allowed_at(self) -> float:
        """
        When ``allows`` next says yes.

        Minus infinity: at any time. Infinity: when the probe is recorded.
        """
        if self.failures < self.threshold:
            return -inf
        return inf if self._probing else self._last_failure_at + self.timeout

    def state(self, now: float) -> BreakerState:
        """Return where the breaker stands; half open while a probe is due or out."""
        if self.failures < self.threshold:
            return "closed"
        return "half_open" if now >= self._last_failure_at + self.timeout else "open"

    def allows(self, now: float) -> bool:
        """Return whether to try now. A yes while half open is the probe's only one."""
        if now < self.next_allowed_at:
            return False
        self._probing = isfinite(self.next_allowed_at)
        return True

    def failed(self, now: float) -> None:
        """Record an attempt that failed."""
        self.failures += 1
        self._last_failure_at = now
        self._probing = False

    def succeeded(self, now: float) -> None:
        """Record an attempt that succeeded: all is forgiven."""
        self.failures = 0

    def withdraw(self) -> None:
        """
        Take back an attempt that was allowed and never made.

        Without this a probe that was cancelled would be waited for forever.
        """
        self._probing = False
