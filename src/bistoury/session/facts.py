"""
What frames of data changed in a session, for a journal that does not hold them.

Data does not come in by events: it is too much to be written down. What decisions
read of it fits into a few numbers for each feed. A journal holds them beside the
events; applied before an event is handled again, they lead to the same decision.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from .registry import Entry
    from .session import Session


class FeedFacts(msgspec.Struct, frozen=True, array_like=True):
    """What was received of one feed; the fields are those of its entry."""

    received: int = 0
    last_at: float = 0.0
    interval: float = 0.0
    longest: float = 0.0
    news_at: float = 0.0
    delay: float = 0.0
    venue_time: int = 0
    newest: int = 0
    sure: int = 0
    recovered: int = 0
    held_rows: int = 0
    settled: int = 0
    is_shared: bool = False
    was_granted: bool = False
    """Whether some line of several had it granted."""
    overrule_at: float = 0.0


UNHEARD = FeedFacts()
"""A feed that nothing was received of."""


class LineFacts(msgspec.Struct, frozen=True, array_like=True):
    """What was received over one line; ``None`` stands for infinity."""

    heard_at: float | None
    promised_at: float | None
    least_delay: float | None
    is_doubtful: bool


class Facts(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """What changed since the facts before; feeds by their route."""

    line: LineFacts | None = None
    feeds: dict[str, FeedFacts] = {}
    breaker: tuple[int, float | None, bool] | None = None
    """Its failures, when it last failed, and whether it probes."""
    limits: tuple[int, int] | None = None
    """How many connections and messages a window allows."""
    connections: list[tuple[float, int]] = []
    """What others took from the shared window."""
    messages: list[tuple[float, int]] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return self == _NOTHING


_NOTHING = Facts()


def of_line(session: Session) -> LineFacts:
    """Return what was received over a session's connection."""
    conversation = session.conversation
    return LineFacts(
        finite(conversation.liveness.heard_at),
        finite(conversation.watchdog.data_at),
        finite(conversation.freshness.least_delay),
        conversation.is_doubtful,
    )


def of_feed(entry: Entry) -> FeedFacts:
    """Return what was received of a feed."""
    continuity = entry.continuity
    return FeedFacts(
        entry.received,
        entry.last_at,
        entry.interval,
        entry.longest,
        entry.news_at,
        entry.delay,
        entry.venue_time,
        continuity.newest,
        entry.sure,
        continuity.recovered,
        continuity.held_rows,
        entry.settled,
        continuity.is_shared,
        continuity.is_shared and continuity.was_granted,
        continuity.overrule_at,
    )


def apply(facts: Facts, session: Session) -> None:
    """Make a session know what another one had received."""
    conversation = session.conversation
    if facts.line is not None:
        conversation.liveness.heard_at = _infinite(facts.line.heard_at)
        conversation.watchdog.data_at = _infinite(facts.line.promised_at)
        least_delay = _infinite(facts.line.least_delay)
        conversation.freshness.least_delay = least_delay
        conversation.recovery.least_delay = least_delay
        conversation.is_doubtful = facts.line.is_doubtful
    for route, feed in facts.feeds.items():
        entry = session.registry.routes.get(route)
        if entry is not None:
            _apply_feed(feed, entry)
    if facts.breaker is not None:
        failures, failed_at, is_probing = facts.breaker
        session.breaker.remember(failures, _past(failed_at), is_probing=is_probing)
    if facts.limits is not None:
        session.connections.limit, session.messages.limit = facts.limits
    for moment, units in facts.connections:
        session.connections.take(moment, units)
    for moment, units in facts.messages:
        session.messages.take(moment, units)


def _apply_feed(feed: FeedFacts, entry: Entry) -> None:
    entry.received, entry.last_at = feed.received, feed.last_at
    entry.interval, entry.longest = feed.interval, feed.longest
    entry.news_at, entry.delay = feed.news_at, feed.delay
    entry.venue_time = feed.venue_time
    continuity = entry.continuity
    continuity.newest, entry.sure = feed.newest, feed.sure
    continuity.recovered, continuity.held_rows = feed.recovered, feed.held_rows
    entry.settled, continuity.is_shared = feed.settled, feed.is_shared
    continuity.was_granted |= feed.was_granted
    continuity.overrule_at = feed.overrule_at


def finite(moment: float) -> float | None:
    """Return a moment that JSON can hold."""
    return None if moment in (inf, -inf) else moment


def _infinite(moment: float | None) -> float:
    return inf if moment is None else moment


def _past(moment: float | None) -> float:
    return -inf if moment is None else moment
