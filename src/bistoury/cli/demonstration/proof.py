"""
Published against delivered: what the venue's ledger says of the client's work.

Each event that was published from the moment of subscription on was delivered
once, or lies in a gap that the client declared. Anything else is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...simulator.ledger import Ledger
from .tape import Tape


@dataclass(frozen=True, slots=True)
class Declared:
    """A stretch in which something may be missing, as the client said."""

    stream: str
    since: int | None
    until: int | None
    note: str = ""
    """What is missing in it although the rest was recovered."""

    def covers(self, stream: str, time: int) -> bool:
        """Whether an event lies in it."""
        return (
            stream == self.stream
            and (self.since is None or self.since <= time)
            and (self.until is None or time <= self.until)
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the events of one stream."""

    stream: str
    published: int
    delivered: int
    recovered: int
    """How many of those delivered came with what fills a gap."""
    in_gaps: int
    lost: int
    repeated: int
    """Deliveries beyond the first."""
    invented: int
    """Delivered, and never published."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost in silence, and nothing delivered twice."""
        return not (self.lost or self.repeated or self.invented)


def account_for(
    stream: str,
    ledger: Ledger,
    tape: Tape,
    gaps: Iterable[Declared],
    *,
    since: int,
    until: int,
) -> Row:
    """Compare one stream between two moments of venue time, both included."""
    published = {
        key: time for time, key in ledger.stream(stream, since) if time <= until
    }
    heard: Mapping[str, int] = tape.events.get(stream, {})
    times = tape.times.get(stream, {})
    missing = {key: time for key, time in published.items() if key not in heard}
    declared = list(gaps)
    in_gaps = sum(
        any(gap.covers(stream, time) for gap in declared) for time in missing.values()
    )
    known = {key for _, key in ledger.stream(stream)}
    return Row(
        stream=stream,
        published=len(published),
        delivered=len(published) - len(missing),
        recovered=len(tape.recovered.get(stream, set()) & published.keys()),
        in_gaps=in_gaps,
        lost=len(missing) - in_gaps,
        repeated=sum(times - 1 for times in heard.values()),
        invented=sum(
            key not in known and since <= times[key] <= until for key in heard
        ),
    )
