"""
What one line missed, and another one may have carried.

That another line holds the feed proves nothing: it may be as dead, and not know it
yet. So it is asked, once the line that missed something carries the feed again. Its
answer comes after all that the venue sent it before; then nothing is missing. If it
does not answer at once, or is lost or in doubt itself before that, the gap is real,
from where it began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import msgspec

from ..session import State, Subscription
from ..session import effects as do
from ..session import events as on
from ..session.notices import Gap
from .line import Line

_AT_ONCE = 1.0
"""Seconds for an answer. Rows that could come before news of the gap wait about so
long: see ``Policy.hold_timeout``."""


@dataclass(slots=True, eq=False)
class _Cover:
    """A gap of one line, while another one is trusted to have filled it."""

    line: Line
    gap: Gap
    by: Line
    by_connection: int
    connection: int = 0
    """Over which ``line`` carries the feed again, so that ``by`` can prove it; or 0."""
    asked_at: float = inf
    """Since when it can be proven."""
    doubted_at: float = inf
    """When the line was last doubted before that: a later doubt needs another proof."""
    ping: int = 0
    """The ping whose answer is the proof; 0: not sent yet."""
    is_proven: bool = False
    reads: list[do.Backfill] = field(default_factory=list)
    """What ``line`` wants to read, unless it is proven to be needless."""
    settled: Gap | None = None
    """How ``line`` ended the gap by itself, if it could not be recovered there."""

    @property
    def subscription(self) -> Subscription:
        """The feed it is about."""
        return self.gap.subscription

    def is_over(self) -> bool:
        """Whether the line went away once more, with the gap still open."""
        now = self.line.session.connection_id
        return self.settled is None and self.connection not in (0, now)

    def ask(self) -> None:
        """Let it be proven from now on."""
        self.connection = self.line.session.connection_id
        self.asked_at = self.line.supervisor.now()
        self.doubted_at = self._doubted_at

    def is_doubted(self) -> bool:
        """Whether the line has lost something more since the proof was asked for."""
        is_asked = self.connection and self.settled is None
        return bool(is_asked) and self._doubted_at > self.doubted_at

    def renew(self) -> None:
        """Have it proven once more."""
        self.ping, self.is_proven = 0, False
        self.ask()

    def begin_anew(self) -> None:
        """Start over."""
        self.connection, self.asked_at = 0, inf
        self.ping, self.is_proven = 0, False
        self.reads.clear()

    @property
    def _doubted_at(self) -> float:
        entry = self.line.session.registry.entries.get(self.subscription)
        return -inf if entry is None or entry.gap is None else entry.gap.granted_at


class Coverage:
    """Knows which gaps of a group's lines are gaps of the group."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._covers: dict[Subscription, list[_Cover]] = {}
        self._told: dict[Subscription, int] = {}
        """Since when something is missing that users were told of."""
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

    def hear(self, line: Line, gap: Gap) -> list[Gap]:
        """Take what a line says of a gap; return what is true of the whole group."""
        if gap.status != "open":
            return self._closed(line, gap)
        other = self._carrier(line, gap.subscription)
        told = self._tell(gap) if other is None else []
        for cover in self._about(gap.subscription):
            if cover.by is line and not cover.is_proven:
                # What the line had before its own gap, it did carry.
                told += self._refute(cover, _begin(gap))
        if other is not None:
            cover = _Cover(line, gap, other, other.session.connection_id)
            self._covers.setdefault(gap.subscription, []).append(cover)
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
        told: list[Gap] = []
        covers = self._all()
        for cover in covers:
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

    def drop(self, line: Line) -> None:
        """Forget what a line missed that is not in the group any more."""
        for cover in self._all():
            if cover.line is line:
                self._remove(cover)

    def _closed(self, line: Line, gap: Gap) -> list[Gap]:
        cover = self._current(line, gap.subscription)
        if cover is None:
            return self._end(line, gap)
        if cover.is_proven or gap.status == "recovered":
            self._remove(cover)
        else:
            cover.settled = gap
            cover.ask()
            self._ask(cover.by)
        return []

    def _end(self, line: Line, gap: Gap) -> list[Gap]:
        """End what was told of, if ``line`` knows enough to settle it."""
        since = self._told.get(gap.subscription)
        if since is None:
            return []
        if _begin(gap) > since:
            # What is missing began before this line's gap, and whoever was there may be
            # away for long.
            self._doubts.append((line, gap.subscription, since))
            return []
        del self._told[gap.subscription]
        return [msgspec.structs.replace(gap, since=since)]

    def _tell(self, gap: Gap) -> list[Gap]:
        # Told again if it turns out to have begun earlier: it ends as it was told last.
        since = self._told.get(gap.subscription)
        if since is not None and since <= _begin(gap):
            return []
        self._told[gap.subscription] = _begin(gap)
        return [gap]

    def _prove(self, cover: _Cover) -> None:
        cover.is_proven = True
        if cover.settled is not None:
            self._remove(cover)
        reads, cover.reads = cover.reads, []
        for wanted in reads:
            cover.line.supervisor.backfilled(wanted, [], complete=True)

    def _refute(self, cover: _Cover, carried: int = 0) -> list[Gap]:
        """
        Find someone else who may have carried it; tell of the gap if none did.

        ``carried`` is up to when it was carried after all, in venue milliseconds.
        """
        other = self._carrier(cover.line, cover.subscription, but=cover.by)
        if other is not None:
            cover.by, cover.by_connection = other, other.session.connection_id
            cover.ping, cover.asked_at = 0, cover.line.supervisor.now()
            return []
        self._remove(cover)
        since = max(_begin(cover.gap), carried)
        told = self._tell(msgspec.structs.replace(cover.gap, since=since))
        if cover.settled is not None:
            return told + self._end(cover.line, cover.settled)
        self._reads += [(cover.line, wanted) for wanted in cover.reads]
        return told

    def _ask(self, line: Line) -> None:
        """Let a line prove what it is trusted with: one ping for all of it."""
        liveness = line.session.conversation.liveness
        if liveness.is_waiting:
            return  # a ping under way was sent before, and proves nothing of these
        trusted = [it for it in self._all() if it.by is line and it.connection]
        waiting = [it for it in trusted if not it.ping and not it.is_proven]
        if not waiting:
            return
        before = liveness.pings
        line.supervisor.feed(on.PingRequested())
        if liveness.pings > before:  # else it has its hands full, and is asked again
            for cover in waiting:
                cover.ping = liveness.pings

    def _all(self) -> list[_Cover]:
        return [cover for covers in self._covers.values() for cover in covers]

    def _about(self, subscription: Subscription) -> list[_Cover]:
        return list(self._covers.get(subscription, ()))

    def _current(self, line: Line, subscription: Subscription) -> _Cover | None:
        for cover in self._covers.get(subscription, ()):
            if cover.line is line and cover.settled is None:
                return cover
        return None

    def _remove(self, cover: _Cover) -> None:
        covers = self._covers[cover.subscription]
        covers.remove(cover)
        if not covers:
            del self._covers[cover.subscription]

    def _holds(self, cover: _Cover) -> bool:
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


def _begin(gap: Gap) -> int:
    return gap.since or 0
