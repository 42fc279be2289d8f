"""
The two helpers of the specification, usable without a client.

``ConnectionCircuitBreaker`` is the breaker the client itself uses, with a clock;
``MessageSequenceTracker`` counts what is missing in a numbered stream.
"""

from __future__ import annotations

import logging
import operator
import time
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any

from .session.breaker import Breaker, BreakerState

logger = logging.getLogger(__name__)


class ConnectionCircuitBreaker:
    """
    Hold reconnection back after ``failure_threshold`` failures in a row.

    After ``timeout`` seconds without a failure one attempt is allowed; it
    decides. ``breaker`` is the part that decides, for a client to share.

    Raises:
        ConfigError: the threshold is no count, or the timeout no duration.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        timeout: float = 300,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.breaker = Breaker(failure_threshold, timeout)
        self._clock = clock
        self._last_failure: datetime | None = None

    @property
    def failure_threshold(self) -> int:
        """How many failures in a row open it."""
        return self.breaker.threshold

    @property
    def timeout(self) -> float:
        """How many seconds after the last failure it allows a probe."""
        return self.breaker.timeout

    @property
    def failure_count(self) -> int:
        """How many attempts failed in a row."""
        return self.breaker.failures

    @property
    def last_failure(self) -> datetime | None:
        """
        When an attempt last failed: naive local time, for people.

        The specification compares it with ``datetime.now()``; no decision
        depends on it, so a stepped clock does no harm.
        """
        return self._last_failure

    @property
    def state(self) -> BreakerState:
        """``closed``, ``open`` or ``half_open``."""
        return self.breaker.state(self._clock())

    def record_failure(self) -> None:
        """Record that an attempt failed."""
        self.breaker.failed(self._clock())
        self._last_failure = datetime.now()  # noqa: DTZ005  # see last_failure

    def record_success(self) -> None:
        """Record that an attempt succeeded, and close."""
        self.breaker.succeeded(self._clock())

    def should_attempt_reconnection(self) -> bool:
        """
        Return whether to try now.

        After ``timeout`` this is true once, and then false until what came of
        that attempt is recorded.
        """
        return self.breaker.allows(self._clock())


class MessageSequenceTracker:
    """
    Detect missing messages in streams that number theirs.

    A number that was seen, or is older than the newest, is no gap and moves
    nothing: a late message must not make the next one look like a gap. If a
    stream starts to count anew, ``forget`` it.
    """

    def __init__(self) -> None:
        self.last_sequence: dict[Hashable, int] = {}
        """The newest number of each stream."""

    def check_sequence(self, symbol: Any, sequence_num: Any) -> int:
        """
        Record a number; return how many messages are missing before it.

        Never raises: a number that is none, or a symbol that cannot be looked
        up, is ignored, for there is nothing to compare it with.
        """
        try:
            number = operator.index(sequence_num)
            last = self.last_sequence.get(symbol)
        except TypeError:
            logger.debug("ignored a message without a usable sequence number")
            return 0
        # The first number may be 0, and 0 is a number that was seen.
        if last is not None and number <= last:
            return 0
        self.last_sequence[symbol] = number
        missing = 0 if last is None else number - last - 1
        if missing:
            logger.warning("Message gap detected for %s: %d messages", symbol, missing)
        return missing

    def forget(self, symbol: Any) -> None:
        """Let the next message of ``symbol`` be the first."""
        self.last_sequence.pop(symbol, None)
