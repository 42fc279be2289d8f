"""
How what was missed comes back, feed by feed.

Every loss opens a gap in every feed it touches. It closes as ``recovered`` only
when that is proven: by the next state, by a replay that reaches back to what was
delivered, or by the venue's history, read twice because it trails the stream.
Everything else closes as ``unrecoverable``, with its bounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from math import inf

from . import effects as do
from . import events as on
from . import notices as say
from .causes import Cause
from .clocks import venue_time
from .gap import OpenGap
from .model import Heals, Subscription
from .policy import Policy
from .registry import Entry, Registry

_REPLAY_ROWS = 5  # a first frame with fewer rows may be a live one
_MARGIN_MS = 60_000  # for the difference between the venue's clock and ours
_PATIENCE = 30.0  # how long one gap may take in further doubts, and may trail
_SOON = 15.0  # what is not settled by then is worth a word


@dataclass(slots=True)
class Recovery:
    """Opens gaps, has them filled, and says how each one ended."""

    policy: Policy
    registry: Registry
    effects: list[do.Effect]
    clock_offset: float = 0.0
    """Seconds to add to the session's time to get the time of day here."""
    server_offset: float | None = None
    """The same by the server's clock, up to a second too little; ``None``: unknown."""
    least_delay: float = inf
    """Session time less venue time at best: shows the venue's clock, once known."""
    totals: Counter[str] = field(default_factory=Counter)
    """How many gaps were ``recovered`` and how many ``unrecoverable``."""
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _quiet: set[Subscription] = field(default_factory=set)
    """Gaps nobody was told of: the application asked for the silence."""

    @property
    def deadline(self) -> float:
        """When there is something to decide; infinity while nothing is open."""
        return min(
            (min(gap.read_at, gap.hold_until) for _, gap in self._open()), default=inf
        )

    def lost(
        self,
        cause: Cause,
        now: float,
        *,
        quietly: bool = False,
        is_doubtful: bool = False,
    ) -> None:
        """
        Open a gap in every feed the connection carried; before it is forgotten.

        ``is_doubtful`` says that something may have been lost before the end, too.
        """
        for entry in self.registry.entries.values():
            if entry.gap is not None:
                self._suspend(entry, entry.gap)
            elif entry.is_wanted and (entry.was_granted or entry.is_speaking):
                # Not only what is held: data comes although its acknowledgement was
                # lost, and stops all the same.
                self._begin(entry, cause, now, entry.sure if is_doubtful else 0)
                if quietly:
                    self._quiet.add(entry.subscription)
                else:
                    self._announce(entry, "open")

    def resumed(self) -> None:
        """Tell of the gaps that a disconnect asked for has opened."""
        for entry, _ in self._open():
            if entry.subscription in self._quiet:
                self._announce(entry, "open")
        self._quiet.clear()

    def opened(self, server_time: float | None, now: float) -> None:
        """Learn what the server's clock shows, if it says so."""
        if server_time is not None:
            self.server_offset = server_time - now

    def granted(self, entry: Entry, now: float) -> None:
        """Begin to fill the gap of a feed that the venue granted again."""
        gap = entry.gap
        if gap is None:
            return
        gap.granted_at = gap.watched_from = now
        gap.reading = gap.failures = 0
        gap.reached, gap.is_broken = 0, False
        match entry.traits.heals:
            case Heals.REQUEST:
                entry.continuity.hold()
                gap.hold_until = now + self.policy.hold_timeout
                self._read(entry, gap, now)
            case Heals.REPLAY:
                gap.read_at = now + self.policy.replay_timeout
            case Heals.NEVER:
                self._settle(entry, gap, until=self._by_now(now), proven=False)
            case _:
                pass  # its next frame replaces what was missed

    def is_behind(self, entry: Entry, event: on.DataStarted) -> bool:
        """Whether the first state is older than what was delivered before the gap."""
        gap = entry.gap
        if gap is None or not entry.traits.heals.at_once:
            return False
        if entry.traits.heals is Heals.RESYNC and not entry.is_held:
            return True  # a change, of what was given up
        return 0 < event.newest < gap.since

    def started(self, entry: Entry, event: on.DataStarted, now: float) -> None:
        """Take the first data over a new connection."""
        gap = entry.gap
        if gap is None:
            return
        if entry.traits.heals.at_once:
            if gap.read_at == inf:  # else it may have been lost, and comes again
                until = event.newest or self._by_now(now)
                self._settle(entry, gap, until=until, proven=True)
                self._go_on(entry, gap, now)
        elif entry.traits.heals is Heals.REPLAY and gap.reading == 0:
            # The replay ends with the present, so it is complete if it begins with
            # or before the block that was delivered last.
            proven = 0 < event.oldest <= gap.since
            if proven or event.rows >= _REPLAY_ROWS:
                until = event.newest if proven else event.oldest
                self._settle(entry, gap, until=until, proven=proven)
            else:
                self._read(entry, gap, now)  # that was no replay

    def renewed(self, entry: Entry, now: float) -> None:
        """Open a gap in a feed that is given up to be asked for again."""
        if entry.gap is None:
            self._begin(entry, Cause.STALE, now)
            self._announce(entry, "open")

    def mark(self) -> None:
        """Remember how far every feed has come: what follows may have a hole."""
        for entry in self.registry.entries.values():
            entry.sure = entry.continuity.newest

    def doubt(
        self, cause: Cause, now: float, only: Subscription | None = None, since: int = 0
    ) -> None:
        """
        Look for what may be missing although the connection held.

        In one feed ``only``, and after ``since`` (venue ms), where that is known.
        """
        for entry in self.registry.entries.values():
            if only not in (None, entry.subscription):
                continue
            if not entry.is_held or not entry.is_wanted:
                continue
            if not entry.traits.is_lossless or entry.traits.heals is Heals.ITSELF:
                continue  # the next frame replaces what was missed
            if entry.gap is not None:
                self._doubt_again(entry, entry.gap, cause, now)
                continue
            gap = self._begin(entry, cause, now, since or entry.sure)
            self._announce(entry, "open")
            gap.granted_at = gap.watched_from = now
            if entry.traits.heals is Heals.NEVER:
                self._settle(entry, gap, until=self._by_now(now), proven=False)
            else:
                self._read(entry, gap, now)

    def _doubt_again(
        self, entry: Entry, gap: OpenGap, cause: Cause, now: float
    ) -> None:
        """Take a further doubt into an open gap, unless that would never end."""
        if now - gap.watched_from > _PATIENCE:
            if gap.next_cause is None:
                continuity = entry.continuity
                gap.next_cause = cause
                gap.next_since = entry.sure or continuity.newest
            return
        gap.granted_at = now
        if gap.read_at < inf or entry.traits.heals is Heals.RESYNC:
            soon = now + self.policy.second_read_after
            gap.read_at = soon if gap.read_at == inf else max(gap.read_at, soon)

    def carried(self, subscription: Subscription, until: int) -> None:
        """Look for nothing before ``until``: another connection carried that."""
        entry = self.registry.gapped.get(subscription)
        if entry is None or entry.gap is None or until <= entry.gap.since:
            return
        entry.gap.since = until
        self._require(entry, entry.gap)

    def answered(self, entry: Entry, event: on.BackfillDone, now: float) -> None:
        """Take the end of a read; what it found waits in the feed's continuity."""
        gap = entry.gap
        if gap is None or gap.number != event.number or not gap.is_reading:
            return
        gap.is_reading = False
        if event.failed:
            gap.failures += 1
            gap.read_at = now + self.policy.recovery_backoff.nominal(gap.failures - 1)
            return
        gap.failures = 0
        gap.hold_until = inf
        self.effects.append(do.Release(entry.subscription))
        complete = event.complete
        if entry.traits.heals is Heals.REPLAY and event.newest:
            # Each read is a window on the latest rows: they must touch each other.
            complete = event.oldest <= max(gap.reached, gap.since)
            gap.reached = event.newest
        gap.is_broken = gap.is_broken or not complete
        settled_by = gap.granted_at + self.policy.second_read_after
        if event.trails and now - gap.granted_at < _PATIENCE:
            gap.read_at = now + self.policy.second_read_after
        elif gap.asked_at >= settled_by:
            gap.is_broken = gap.is_broken or event.trails
            if entry.traits.heals is Heals.REPLAY and entry.continuity.newest:
                # No window showed even what was delivered: they prove nothing.
                gap.is_broken = gap.is_broken or not gap.reached
            # What the feed carried since it was granted, or last doubted, is all there.
            until = self._by_now(gap.granted_at if gap.is_broken else now)
            if gap.is_broken and entry.traits.heals is Heals.REPLAY:
                until = max(until, event.oldest)  # where the last window begins
            self._settle(entry, gap, until=until, proven=not gap.is_broken)
            self._go_on(entry, gap, now)
        else:
            gap.read_at = max(settled_by, now)

    def _go_on(self, entry: Entry, gap: OpenGap, now: float) -> None:
        """Let the gap begin that could not be taken into the one that ended."""
        if gap.next_cause is not None:
            self.doubt(gap.next_cause, now, entry.subscription, gap.next_since)

    def inspect(self, now: float) -> None:
        """Start the reads that are due, and let go what waited long enough."""
        for entry, gap in self._open():
            if now >= gap.hold_until or entry.continuity.is_full:
                gap.hold_until = inf
                self.effects.append(do.Release(entry.subscription))
            if now >= gap.read_at:
                self._read(entry, gap, now)

    def unreconciled(self, now: float) -> Iterable[Entry]:
        """Yield the feeds whose history could not be read so far, or takes long."""
        return (
            entry
            for entry, gap in self._open()
            if gap.failures or (gap.reading and now - gap.watched_from > _SOON)
        )

    def _open(self) -> list[tuple[Entry, OpenGap]]:
        return [
            (entry, entry.gap)
            for entry in self.registry.gapped.values()
            if entry.gap is not None
        ]

    def _begin(self, entry: Entry, cause: Cause, now: float, since: int = 0) -> OpenGap:
        # What was accounted for before is not declared again.
        delivered = since or self._delivered(entry)
        known = max(delivered or entry.venue_time, entry.settled)
        if not known:
            # Nothing ever came: it was complete when it was granted.
            heard = min(entry.last_at or entry.granted_at, now)
            known = self._venue_now(heard)
            if entry.traits.heals in (Heals.REQUEST, Heals.REPLAY):
                known -= _MARGIN_MS
        entry.gap = gap = OpenGap(
            next(self._numbers),
            known,
            cause,
            recovered_before=entry.continuity.recovered,
        )
        self._require(entry, gap)
        self.registry.gapped[entry.subscription] = entry
        return gap

    def _require(self, entry: Entry, gap: OpenGap) -> None:
        """Note what a read must show, because it begins before that."""
        continuity = entry.continuity
        is_in_it = continuity.newest >= gap.since - self._overlap
        gap.delivered = continuity.newest if is_in_it else 0
        gap.key = continuity.newest_key if is_in_it else None

    def _delivered(self, entry: Entry) -> int:
        """Return how far a feed had come on this connection, as far as it has rows."""
        newest = entry.continuity.newest
        if not entry.continuity.is_shared or not entry.traits.is_lossless:
            return newest
        # What came over another connection says nothing of what came over this one.
        own = entry.venue_time
        if not own and entry.granted_at < inf and self._knows_time:
            own = self._venue_now(entry.granted_at) - _MARGIN_MS
        return min(newest, own or newest)

    def _suspend(self, entry: Entry, gap: OpenGap) -> None:
        """Stop filling a gap: the connection went away again."""
        if entry.continuity.is_holding:
            self.effects.append(do.Release(entry.subscription))
        gap.number = next(self._numbers)
        gap.is_reading = False
        gap.read_at = gap.hold_until = inf

    def _read(self, entry: Entry, gap: OpenGap, now: float) -> None:
        gap.read_at = inf
        if entry.traits.heals is Heals.RESYNC:
            self.registry.renew(entry)
            return
        gap.reading += 1
        gap.asked_at = now
        gap.is_reading = True
        since = gap.since - self._overlap
        shown = gap.delivered, gap.key
        self.effects.append(
            do.Backfill(entry.subscription, gap.number, gap.reading, since, *shown)
        )

    def _settle(self, entry: Entry, gap: OpenGap, *, until: int, proven: bool) -> None:
        status = "recovered" if proven else "unrecoverable"
        entry.gaps[status] += 1
        self.totals[status] += 1
        # Rows that were just released are delivered before the gap closes.
        self.effects.append(
            do.CloseGap(
                say.Gap(
                    entry.subscription,
                    gap.since,
                    max(until, gap.since),
                    status,
                    0,
                    gap.cause,
                    entry.traits.note if proven else "",
                ),
                gap.recovered_before,
            )
        )
        entry.sure = entry.continuity.newest
        if self._knows_time:
            if not proven:
                entry.settled = until
            elif gap.reading:
                entry.settled = self._venue_now(gap.granted_at)
            # What came since, and over another connection perhaps, is not settled.
            entry.sure = min(entry.sure, entry.settled or entry.sure)
        entry.gap = None
        self.registry.gapped.pop(entry.subscription, None)

    def _announce(self, entry: Entry, status: str) -> None:
        assert entry.gap is not None
        gap = entry.gap
        notice = say.Gap(entry.subscription, gap.since, None, status, 0, gap.cause)
        self.effects.append(do.Announce(notice))

    def _by_now(self, now: float) -> int:
        """Return a moment that the venue's clock has not passed yet, if it can be."""
        is_rounded = self.least_delay == inf and self.server_offset is not None
        return self._venue_now(now) + (1000 if is_rounded else 0)

    @property
    def _overlap(self) -> int:
        return round(self.policy.recovery_overlap * 1000)

    @property
    def _knows_time(self) -> bool:
        return self.least_delay < inf or self.server_offset is not None

    def _venue_now(self, now: float) -> int:
        wall = now + self.clock_offset
        return venue_time(now, wall, self.least_delay, self.server_offset)
