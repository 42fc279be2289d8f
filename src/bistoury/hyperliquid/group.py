"""
Lines that carry the same subscriptions: whichever is first delivers.

What one line misses is no gap if another one carried it: see ``coverage``.
"""

from __future__ import annotations

from ..session import State, Subscription
from ..session import events as on
from ..session.continuity import Continuity
from ..session.model import Traits
from ..session.registry import Entry
from .coverage import Coverage
from .line import Line

_TOGETHER = 1.0
"""Seconds within which lines that are asked for the same begin at the same time."""


class Group:
    """One or more lines with one set of subscriptions."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.counts = True
        """Whether the client is live only if this is."""
        self.continuities: dict[Subscription, Continuity] = {}
        self.wanted: dict[Subscription, Traits] = {}
        self.coverage = Coverage(self.lines)

    @property
    def lead(self) -> Line:
        """The line to look at: a live one, if there is one."""
        for line in self.lines:
            if line.session.state is State.LIVE:
                return line
        return self.lines[0]

    @property
    def is_live(self) -> bool:
        """Whether some line is live."""
        return self.lead.session.state is State.LIVE

    @property
    def due(self) -> set[Subscription]:
        """What is wanted and granted on none of the lines."""
        return set.intersection(*(line.session.registry.due for line in self.lines))

    def feed(self, event: on.Event) -> None:
        """Let something happen to every line."""
        for line in list(self.lines):
            line.supervisor.feed(event)

    def want(self, subscription: Subscription, traits: Traits) -> None:
        """Subscribe on every line."""
        self.wanted[subscription] = traits
        for line in self.lines:
            entry = line.session.registry.entries.get(subscription)
            if entry is not None:
                # Still being given up here, and gone on another line: both remember
                # in one place what was delivered.
                self.continuities[subscription] = entry.continuity
        self.feed(on.SubscribeRequested(subscription, traits))

    def release(self, subscription: Subscription) -> None:
        """Unsubscribe on every line, and forget what was delivered."""
        self.wanted.pop(subscription, None)
        self.feed(on.UnsubscribeRequested(subscription))
        self.continuities.pop(subscription, None)
        self.coverage.forget(subscription)

    def refused(self, subscription: Subscription) -> Entry | None:
        """Return what was refused for good on every line; ``None`` otherwise."""
        entry = self.entry(subscription)
        is_final = entry is not None and entry.refusal and not entry.may_be_asked
        return entry if is_final else None

    def is_proven(self, line: Line) -> bool:
        """Whether a line carries everything, and misses nothing."""
        session = line.session
        if session.state is not State.LIVE or not session.is_ready:
            return False
        if session.registry.due or session.registry.mute:
            return False
        if self.coverage.is_owing(line):
            return False
        for subscription in self.wanted:
            if self.refused(subscription) is not None:
                continue
            entry = session.registry.entries.get(subscription)
            best = self.entry(subscription)
            if entry is None or entry.gap is not None:
                return False
            if not entry.is_held and best is not None and best.is_held:
                return False  # refused to this line only
        return True

    def is_late(self, line: Line, subscription: Subscription) -> bool:
        """
        Whether a line begins to carry what another one has carried for a while.

        That one may be dead, or behind, and not know it: what it has yet to bring is
        missing here.
        """
        mine = line.session.registry.entries.get(subscription)
        if mine is None or mine.gap is not None or mine.traits.heals.at_once:
            return False
        others = [it for it in self.lines if it is not line]
        entries = [it.session.registry.entries.get(subscription) for it in others]
        return any(
            entry is not None
            and entry.is_held
            and mine.granted_at - entry.granted_at > _TOGETHER
            for entry in entries
        )

    def succeed(self, old: Line, new: Line) -> None:
        """Let a line know what another one learned and counted."""
        new.session.conversation.received += old.session.conversation.received
        for subscription, known in old.session.registry.entries.items():
            entry = new.session.registry.entries.get(subscription)
            if entry is not None:
                entry.received += known.received
                entry.gaps += known.gaps
                entry.interval = known.interval or entry.interval
                entry.longest = max(known.longest, entry.longest)

    def entry(self, subscription: Subscription) -> Entry | None:
        """Return how a subscription stands on the line that carries it best."""
        entries = [
            entry
            for line in self.lines
            if (entry := line.session.registry.entries.get(subscription)) is not None
        ]
        return max(entries, key=_rank, default=None)


def _rank(entry: Entry) -> tuple[bool, bool, bool, float]:
    """Return how well a line carries a feed: what another one has is not missing."""
    is_whole = entry.is_live and entry.gap is None and entry.ladder.is_fresh
    # What is not answered everywhere is not refused.
    return entry.is_held, not entry.refusal, is_whole, entry.last_at
