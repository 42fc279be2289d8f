"""
What one line missed, and another one may have carried.

That another line holds the feed proves nothing: it may be as dead, and not know it
yet. So it is asked, once the line that missed something carries the feed again. Its
answer comes after all that the venue sent it before; then nothing is missing. If it
does not answer at once, or is lost or in doubt itself before that, the gap is real,
from where the last of them to carry the feed had come.
"""

from __future__ import annotations

import msgspec

from ..session import State, Subscription
from ..session import effects as do
from ..session import events as on
from ..session.model import Heals
from ..session.notices import Gap
from .covers import Cover, Told, begin, end
from .line import Line

_AT_ONCE = 1.0
"""Seconds for an answer. Rows that could come before news of the gap wait about so
long: see ``Policy.hold_timeout``."""

_ASKED_TO = 3
"""How often lines are asked to make good what was told, before it is given up."""


class Coverage:
    """Knows which gaps of a group's lines are gaps of the group."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._covers: dict[Subscription, list[Cover]] = {}
        self._told: dict[Subscription, Told] = {}
        """What users were told is missing."""
        self._reached: dict[tuple[Line, Subscription], int] = {}
        """How far a line that misses something had come itself, in venue ms."""
        self._reads: list[tuple[Line, do.Backfill]] = []
        self._doubts: list[tuple[Line, Subscription, int]] = []

    @property
    def has_open_gaps(self) -> bool:
        """Whether a gap was told of and is not settled."""
        return bool(self._told)

    def is_owing(self, line: Line) -> bool:
        """Whether it is yet to be proven that a line missed nothing."""
        return any(it.line is line and not it.is_proven for it in self._all())

    def take_reads(self) -> list[tuple[Line, do.Backfill]]:
        """Return what has to be read after all."""
        reads, self._reads = self._reads, []
        return reads

    def take_doubts(self) -> list[tuple[Line, Subscription, int]]:
        """Return which line has to make good what another one cannot: from when on."""
        doubts, self._doubts = self._doubts, []
        return doubts

    def forget(self, subscription: Subscription) -> None:
        """Forget a feed that nobody wants any more."""
        self._told.pop(subscription, None)
        self._covers.pop(subscription, None)
        for line in self._lines:
            self._reached.pop((line, subscription), None)

    def joined(self, line: Line, subscription: Subscription) -> None:
        """Note that a line begins to carry what others have carried for a while."""
        self._reached[line, subscription] = 0

    def hear(self, line: Line, gap: Gap) -> list[Gap]:
        """Take what a line says of a gap; return what is true of the whole group."""
        if gap.status != "open":
            return self._closed(line, gap)
        reach = min(begin(gap), self._reach(line, gap.subscription))
        self._reached.setdefault((line, gap.subscription), reach)
        other = self._carrier(line, gap.subscription)
        told = self._tell(line, gap) if other is None else []
        for cover in self._about(gap.subscription):
            if cover.by is line and not cover.is_proven:
                told += self._refute(cover)
        if other is not None:
            self._cover(line, gap, other)
        return told

    def spares(self, line: Line, wanted: do.Backfill) -> bool:
        """Return whether a read may be needless; it is answered, or done, later."""
        cover = self._current(line, wanted.subscription)
        if cover is None:
            return False
        if cover.is_proven:
            line.supervisor.backfilled(wanted, [], complete=True)
        else:
            cover.reads.append(wanted)
            cover.ask()
            self._ask(cover.by)
        return True

    def look(self) -> list[Gap]:
        """See what was proven or refuted meanwhile, and ask for more proof."""
        told = self._replaced()
        covers = self._all()
        for cover in covers:
            if cover.is_over() or cover.is_doubted():
                self._reached.setdefault((cover.line, cover.subscription), cover.since)
            if cover.is_over():
                cover.begin_anew()
            elif cover.is_doubted():
                cover.renew()
        for cover in covers:
            if cover.is_proven or cover not in self._about(cover.subscription):
                continue
            if not self._holds(cover):
                told += self._refute(cover)
            elif 0 < cover.ping <= cover.by.session.conversation.liveness.pongs:
                self._prove(cover)
            elif cover.line.supervisor.now() - cover.asked_at > _AT_ONCE:
                told += self._refute(cover)
        for line in list(self._lines) if covers else []:
            self._ask(line)
        return told

    def _replaced(self) -> list[Gap]:
        """End what was told of states that a line has brought anew, gap or none."""
        ended = []
        for subscription, told in list(self._told.items()):
            for line in self._lines:
                entry = line.session.registry.entries.get(subscription)
                if entry is None or entry.gap is not None or entry.news_at <= told.at:
                    continue
                until = entry.venue_time or int(line.supervisor.wall() * 1000)
                if entry.traits.heals is Heals.ITSELF and until > told.since:
                    end = {"until": until, "status": "recovered"}
                    gap = msgspec.structs.replace(told.gap, **end)
                    ended += self._settle(line, gap)
                    break
        return ended

    def drop(self, line: Line) -> None:
        """Forget what a line missed that is not in the group any more."""
        for cover in self._all():
            if cover.line is line:
                self._remove(cover)
        for known in [known for known in self._reached if known[0] is line]:
            del self._reached[known]

    def _closed(self, line: Line, gap: Gap) -> list[Gap]:
        cover = self._current(line, gap.subscription)
        if cover is None:
            self._reached.pop((line, gap.subscription), None)
            return self._settle(line, gap)
        if cover.is_proven or gap.status == "recovered":
            self._reached.pop((line, gap.subscription), None)
            self._remove(cover)
        else:
            cover.settled = gap
            cover.ask()
            self._ask(cover.by)
        return []

    def _settle(self, line: Line, gap: Gap) -> list[Gap]:
        """End what was told of, if ``line`` knows enough to settle it."""
        told = self._told.get(gap.subscription)
        if told is None:
            return []
        since = told.since
        entry = line.session.registry.entries[gap.subscription]
        if begin(gap) > since and not entry.traits.heals.at_once:
            # What is missing began before this line's gap, and whoever was there may be
            # away for long.
            if told.asked < _ASKED_TO:
                told.asked += 1
                self._doubts.append((line, gap.subscription, since))
                return []
            # It can look no further back: what was before, it has settled otherwise.
            gap = msgspec.structs.replace(gap, status="unrecoverable")
        del self._told[gap.subscription]
        if end(gap) < since:
            # The line has carried it from before what was told.
            gap = msgspec.structs.replace(gap, until=since, status="recovered")
        self._trust(line, gap)
        return [msgspec.structs.replace(gap, since=since)]

    def _trust(self, line: Line, settled: Gap) -> None:
        """Trust a line that settled a gap with what others miss from then on."""
        subscription = settled.subscription
        for other in self._lines:
            entry = other.session.registry.entries.get(subscription)
            if other is line or entry is None or entry.gap is None:
                continue
            if self._current(other, subscription) is None:
                since = max(entry.gap.since, end(settled))
                gap = Gap(subscription, since, None, "open", 0, entry.gap.cause)
                self._cover(other, gap, line)

    def _cover(self, line: Line, gap: Gap, by: Line) -> None:
        cover = Cover(line, gap, by, by.session.connection_id, begin(gap))
        self._covers.setdefault(gap.subscription, []).append(cover)

    def _tell(self, line: Line, gap: Gap) -> list[Gap]:
        """Tell of a gap of a line, from where the last of the others had come, too."""
        since = self._narrow(line, gap.subscription, begin(gap))
        # Told again if it turns out to have begun earlier: it ends as it was told last.
        known = self._told.get(gap.subscription)
        if known is not None and known.since <= since:
            return []
        gap = msgspec.structs.replace(gap, since=since)
        self._told[gap.subscription] = Told(gap, line.supervisor.now())
        return [gap]

    def _narrow(self, line: Line, subscription: Subscription, since: int) -> int:
        """Let a line look for no more than all of them miss; return since when."""
        others = [it for it in self._lines if it is not line]
        reach = max((self._reach(it, subscription) for it in others), default=0)
        if reach > since:
            line.supervisor.feed(on.Carried(subscription, reach))
        return max(reach, since)

    def _reach(self, line: Line, subscription: Subscription) -> int:
        """Return up to when a line had all of a feed, in venue ms; 0: unknown."""
        entry = line.session.registry.entries.get(subscription)
        if entry is None:
            return 0
        # What a connection has brought came after all that happened before it, unless
        # a ping was swallowed since, and perhaps more than that.
        brought = entry.venue_time
        if line.session.conversation.liveness.is_unanswered:
            brought = min(entry.sure or brought, brought)
        came = self._reached.get((line, subscription), brought)
        if entry.gap is None or self._current(line, subscription) is not None:
            return came
        return min(came, entry.gap.since)  # perhaps it has yet to say so

    def _prove(self, cover: Cover) -> None:
        cover.since = self._narrow(cover.line, cover.subscription, cover.since)
        cover.is_proven = True
        self._reached.pop((cover.line, cover.subscription), None)
        if cover.settled is not None:
            self._remove(cover)
        reads, cover.reads = cover.reads, []
        for wanted in reads:
            cover.line.supervisor.backfilled(wanted, [], complete=True)

    def _refute(self, cover: Cover) -> list[Gap]:
        """Find someone else who may have carried it; tell of the gap if none did."""
        cover.since = self._narrow(cover.line, cover.subscription, cover.since)
        other = self._carrier(cover.line, cover.subscription, but=cover.by)
        if other is not None:
            cover.by, cover.by_connection = other, other.session.connection_id
            cover.ping, cover.asked_at = 0, cover.line.supervisor.now()
            return []
        self._remove(cover)
        if cover.settled is not None:
            self._reached.pop((cover.line, cover.subscription), None)
            if end(cover.settled) <= cover.since:
                return []  # it was carried until the line carried it again
        gap = msgspec.structs.replace(cover.gap, since=cover.since)
        told = self._tell(cover.line, gap)
        if cover.settled is not None:
            return told + self._settle(cover.line, cover.settled)
        self._reads += [(cover.line, wanted) for wanted in cover.reads]
        return told

    def _ask(self, line: Line) -> None:
        """Let a line prove what it is trusted with: one ping for all of it."""
        trusted = [it for it in self._all() if it.by is line and it.connection]
        waiting = [it for it in trusted if not it.ping and not it.is_proven]
        number = line.ping() if waiting else 0
        for cover in waiting:
            cover.ping = number

    def _all(self) -> list[Cover]:
        return [cover for covers in self._covers.values() for cover in covers]

    def _about(self, subscription: Subscription) -> list[Cover]:
        return list(self._covers.get(subscription, ()))

    def _current(self, line: Line, subscription: Subscription) -> Cover | None:
        for cover in self._covers.get(subscription, ()):
            if cover.line is line and cover.settled is None:
                return cover
        return None

    def _remove(self, cover: Cover) -> None:
        covers = self._covers[cover.subscription]
        covers.remove(cover)
        if not covers:
            del self._covers[cover.subscription]

    def _holds(self, cover: Cover) -> bool:
        by = cover.by
        return by.session.connection_id == cover.by_connection and self._carries(
            by, cover.subscription
        )

    def _carrier(
        self, line: Line, subscription: Subscription, but: Line | None = None
    ) -> Line | None:
        for other in self._lines:
            if other not in (line, but) and self._carries(other, subscription):
                return other
        return None

    def _carries(self, line: Line, subscription: Subscription) -> bool:
        session = line.session
        if line not in self._lines or session.state not in (State.SYNCING, State.LIVE):
            return False
        if session.conversation.is_hushed(line.supervisor.now()):
            return False
        entry = session.registry.entries.get(subscription)
        if entry is None or not entry.is_held:
            return False
        # Its own old gap does not matter if that was filled by the others.
        cover = self._current(line, subscription)
        return entry.gap is None or (cover is not None and cover.is_proven)
