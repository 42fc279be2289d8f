"""
Lines that carry the same subscriptions: whichever is first delivers.

What one line misses is no gap while another one carries it. So a gap is told
only when no line covers it, and nothing is read from the venue for one that was
covered all the time.
"""

from __future__ import annotations

from ..session import State, Subscription
from ..session import effects as do
from ..session import events as on
from ..session.continuity import Continuity
from ..session.model import Traits
from ..session.notices import Gap
from ..session.registry import Entry
from .line import Line


class Group:
    """One or more lines with one set of subscriptions."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.counts = True
        """Whether the client is live only if this is."""
        self.continuities: dict[Subscription, Continuity] = {}
        self.wanted: dict[Subscription, Traits] = {}
        self._covered: set[tuple[int, Subscription]] = set()
        self._told: set[Subscription] = set()

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
        self.feed(on.SubscribeRequested(subscription, traits))

    def release(self, subscription: Subscription) -> None:
        """Unsubscribe on every line, and forget what was delivered."""
        self.wanted.pop(subscription, None)
        self.feed(on.UnsubscribeRequested(subscription))
        self.continuities.pop(subscription, None)
        self._told.discard(subscription)

    def is_proven(self, line: Line) -> bool:
        """Whether a line carries everything, and misses nothing."""
        session = line.session
        if session.state is not State.LIVE or not session.is_ready:
            return False
        if session.registry.due or session.registry.mute:
            return False
        for subscription in self.wanted:
            entry = session.registry.entries.get(subscription)
            best = self.entry(subscription)
            if entry is None or entry.gap is not None:
                return False
            if not entry.is_held and best is not None and best.is_held:
                return False  # refused to this line only
        return True

    @property
    def has_open_gaps(self) -> bool:
        """Whether a gap was told of and is not settled."""
        return bool(self._told)

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

    def drop(self, line: Line) -> None:
        """Let a line go: what it covered is covered by the others."""
        self.lines.remove(line)
        self._covered = {it for it in self._covered if it[0] != id(line)}

    def entry(self, subscription: Subscription) -> Entry | None:
        """Return how a subscription stands on the line that carries it best."""
        entries = [
            entry
            for line in self.lines
            if (entry := line.session.registry.entries.get(subscription)) is not None
        ]
        return max(entries, key=lambda e: (e.is_held, e.last_at), default=None)

    def is_news(self, line: Line, gap: Gap) -> bool:
        """Return whether to tell of a gap of ``line``: nothing else covers it."""
        key = (id(line), gap.subscription)
        if gap.status == "open":
            if self._is_covered(line, gap.subscription):
                self._covered.add(key)
                return False
            # The others' old gaps are holes now too: nobody fills in for them.
            self._covered -= {(id(it), gap.subscription) for it in self.lines}
            is_new = gap.subscription not in self._told
            self._told.add(gap.subscription)
            return is_new
        if key in self._covered:
            self._covered.discard(key)
            return False
        is_open = gap.subscription in self._told
        self._told.discard(gap.subscription)
        return is_open

    def is_needless(self, line: Line, wanted: do.Backfill) -> bool:
        """Whether what ``line`` missed came over another one."""
        return (id(line), wanted.subscription) in self._covered

    def _is_covered(self, line: Line, subscription: Subscription) -> bool:
        for other in self.lines:
            if other is line or other.session.state not in (State.SYNCING, State.LIVE):
                continue
            entry = other.session.registry.entries.get(subscription)
            if entry is None or not entry.is_held:
                continue
            # Its own old gap does not matter if that was filled by the others.
            if entry.gap is None or (id(other), subscription) in self._covered:
                return True
        return False
