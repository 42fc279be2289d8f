"""
When the next attempt may start.

Three things hold an attempt back: the back-off, a circuit breaker if one was
handed over, and the venue's limit on new connections. None of them is the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from random import Random

from .breaker import Breaker
from .budget import Window
from .causes import Cause
from .events import ConnectionLost
from .policy import Policy


@dataclass(slots=True)
class Attempts:
    """Counts failures and says how long to wait."""

    rng: Random
    breaker: Breaker
    """Reports; and decides too if ``is_gate``."""
    connections: Window
    """The venue's limit on new connections, shared by every client of the host."""
    is_gate: bool = False
    step: int = 0
    """Delays waited since the last stable connection, with penalties."""
    number: int = 0
    """Attempts scheduled since the last stable connection."""
    failures: int = 0
    """Attempts in a row that did not become stable."""

    def failed(self, now: float) -> None:
        """Note an attempt that failed, or a connection lost before it was stable."""
        self.failures += 1
        self.breaker.failed(now)

    def succeeded(self, now: float) -> None:
        """Note a stable connection: all is forgiven."""
        self.breaker.succeeded(now)
        self.forgive()

    def forgive(self) -> None:
        """Begin the back-off anew."""
        self.step = self.number = self.failures = 0

    def delay(self, policy: Policy, cause: Cause, retry_after: float | None) -> float:
        """
        Return how long to wait before the next attempt, in seconds.

        ``retry_after`` is what the venue asked for, if it did.
        """
        self.number += 1
        if cause is Cause.USER:
            return 0.0
        if cause is Cause.RATE_LIMITED and retry_after is None:
            self.step += policy.penalty_steps
        wait = policy.backoff.delay(self.step, self.rng)
        self.step += 1
        at_least = min(retry_after or 0.0, policy.retry_after_limit)
        if at_least > wait:
            # Spread upwards only: the venue named a time before which not to come.
            wait = at_least * (1 + self.rng.uniform(0.0, policy.backoff.jitter))
        return wait

    def wait(self, policy: Policy, event: ConnectionLost, now: float) -> float:
        """Return how long it is to the next attempt, as far as that is known."""
        delay = self.delay(policy, event.cause, event.retry_after)
        allowed_at = self.breaker.next_allowed_at if self.is_gate else now
        held = allowed_at, self.connections.frees_at(now)
        # Infinity: until something happens of which nobody knows when.
        return max([delay, *(until - now for until in held if until < inf)])

    def held_until(self, now: float) -> float:
        """Return when an attempt may start; ``now`` if nothing holds it back."""
        until = self.connections.frees_at(now)
        # The breaker is asked last: its yes is a single probe, not to be wasted.
        if until <= now and self.is_gate and not self.breaker.allows(now):
            return self.breaker.next_allowed_at
        return until

    def started(self, now: float) -> None:
        """Note that an attempt starts."""
        self.connections.take(now)
