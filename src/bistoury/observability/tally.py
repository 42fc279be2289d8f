"""
What metrics count from notices, since the client was made.

Everything here has a bounded number of keys: causes, close codes, statuses, kinds of
complaint. Nothing is counted per message: those counts stand in the session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from ..session import notices as heard
from ..session.notices import Notice

_MOST_CODES = 40

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""The upper bounds of the buckets of durations."""


@dataclass(slots=True)
class Histogram:
    """How often a duration fell below each bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulative counts by bound, as Prometheus wants them."""
        found, so_far = [], 0
        for bound, count in zip([*map(str, SECONDS), "+Inf"], self.counts, strict=True):
            so_far += count
            found.append((bound, float(so_far)))
        return found


@dataclass(slots=True)
class Rising:
    """A sum over parts that come and go, as a counter that never goes down."""

    total: int = 0
    _before: int = 0

    def of(self, present: int) -> int:
        """Return the counter, now that the parts there are sum up to ``present``."""
        self.total += max(0, present - self._before)
        self._before = present
        return self.total


@dataclass(slots=True)
class Tally:
    """An observer of one client."""

    connects: int = 0
    connect_errors: Counter[str] = field(default_factory=Counter)
    disconnects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By cause and close code."""
    attempts: int = 0
    ready: int = 0
    outages: Histogram = field(default_factory=Histogram)
    """From the loss to being ready again, in seconds."""
    syncs: Histogram = field(default_factory=Histogram)
    """From an open connection to being ready, in seconds."""
    delay: float = 0.0
    """The delay before the last attempt, in seconds."""
    stale: Counter[str] = field(default_factory=Counter)
    """By what was done about it."""
    gaps: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Settled ones, by cause and status."""
    gap_seconds: float = 0.0
    recovered_items: int = 0
    refusals: int = 0
    asked_again: int = 0
    complaints: Counter[str] = field(default_factory=Counter)
    _was_ready: bool = False
    _opened: dict[int, float] = field(default_factory=dict)

    def observe(self, notice: Notice, now: float = 0.0) -> None:
        """Count what happened; ``now`` is the session's time."""
        match notice:
            case heard.Connected(connection_id=number):
                self.connects += 1
                self._opened[number] = now
            case heard.Ready(connection_id=number, downtime_seconds=seconds):
                self.ready += 1
                if (opened := self._opened.pop(number, None)) is not None:
                    self.syncs.observe(now - opened)
                if self._was_ready:
                    self.outages.observe(seconds)
                self._was_ready = True
            case heard.Disconnected(cause=cause, was_open=False):
                self.connect_errors[str(cause)] += 1
            case heard.Disconnected(cause=cause, code=code, connection_id=number):
                self._opened.pop(number, None)
                self.disconnects[self._loss(str(cause), code)] += 1
            case heard.Reconnecting(delay_seconds=seconds):
                self.attempts += 1
                self.delay = seconds
            case heard.Stale(rung=rung):
                self.stale[rung] += 1
            case heard.Gap(status="open"):
                pass
            case heard.Gap():
                self._settled(notice)
            case heard.Refused():
                self.refusals += 1
            case heard.AskedAgain():
                self.asked_again += 1
            case heard.VenueComplained(kind=kind):
                self.complaints[str(kind)] += 1
            case _:
                pass

    def _loss(self, cause: str, code: int | None) -> tuple[str, str]:
        key = (cause, "" if code is None else str(code))
        # A peer may close with any of thousands of codes.
        is_new = key not in self.disconnects
        return (
            (cause, "other") if is_new and len(self.disconnects) > _MOST_CODES else key
        )

    def _settled(self, gap: heard.Gap) -> None:
        self.gaps[str(gap.cause), gap.status] += 1
        self.recovered_items += gap.recovered_count
        if gap.since and gap.until:
            self.gap_seconds += max(0, gap.until - gap.since) / 1000
