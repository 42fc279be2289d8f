"""
Whether each feed still carries news, and what to do when it does not.

Frames that come are not news by themselves: a feed may repeat itself, stand
still, or fall behind further and further while its liveness looks perfect. Only
feeds that promise to speak are cured, in rungs: a warning, the same subscription
again on the same connection, another connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from . import effects as do
from . import notices as say
from .budget import Window
from .causes import Cause
from .model import Promise, Update
from .policy import Policy
from .recovery import Recovery
from .registry import Entry, Registry

_HOUR = 3600.0
_RECENT = 2.0  # a lag is judged while the feed is speaking, in seconds


@dataclass(slots=True)
class Freshness:
    """Judges every feed once a second."""

    policy: Policy
    registry: Registry
    recovery: Recovery
    effects: list[do.Effect]
    least_delay: float = inf
    """The smallest delay seen: the clocks' offset and the shortest way."""
    _reconnects: Window = field(default_factory=lambda: Window(0, _HOUR))

    def note(self, entry: Entry, update: Update, now: float) -> None:
        """Take a frame: see whether it is news, and how late it is."""
        time = update.time
        if time:
            if time <= entry.venue_time:
                return  # it stands still, or repeats itself: that is not lateness
            entry.venue_time = time
            if entry.is_speaking and not update.is_snapshot:
                # The first frame may show a state of long ago.
                entry.delay = delay = now - time / 1000
                if delay < self.least_delay:
                    self.least_delay = self.recovery.least_delay = delay
        elif entry.traits.is_restless:
            if update.frame == entry.shown:
                return  # it stands still: something of it would have moved
            entry.shown = update.frame
        entry.news_at = now

    def threshold(self, entry: Entry) -> float:
        """Return after how many seconds without news a feed is stale."""
        policy = self.policy
        if not entry.news_at:
            return policy.first_data_timeout
        if not entry.longest:
            return policy.stale_unlearned
        learned = policy.stale_intervals * entry.longest
        return min(max(learned, policy.stale_floor), policy.stale_ceiling)

    def age(self, entry: Entry, now: float) -> float:
        """Return for how long a feed has carried no news, in seconds."""
        return now - (entry.news_at or entry.granted_at)

    def lag(self, entry: Entry) -> float | None:
        """Return how far behind its best a feed is, in seconds; ``None``: unknown."""
        return lag_behind(entry, self.least_delay)

    def state(self, entry: Entry, now: float) -> str:
        """Return where a feed stands, in one word."""
        if entry.refusal:
            return "refused"
        if not entry.is_held:
            return "recovering" if entry.ladder.is_stale else "pending"
        if entry.ladder.has_failed:
            return "failed"
        if entry.ladder.is_stale:
            return "recovering" if entry.ladder.tries else "stale"
        if entry.gap is not None:
            return "recovering"
        if entry.ladder.is_lagging:
            return "late"
        if entry.traits.greets and not entry.is_speaking:
            return "pending"
        is_late = entry.longest and self.age(entry, now) > self.threshold(entry) / 2
        return "late" if is_late and self._is_promising(entry) else "live"

    def connection_lost(self) -> None:
        """Forget what belonged to the connection; staleness does not."""
        for entry in self.registry.entries.values():
            entry.delay = 0.0
            entry.ladder.is_lagging, entry.ladder.late_frames = False, 0
            if entry.ladder.is_stale:
                entry.ladder.next_at = inf  # the new connection is the next rung

    def inspect(self, now: float) -> tuple[Cause, str] | None:
        """Take the rungs that are due; return why the connection must go, if so."""
        verdict = None
        for entry in self.registry.promising():
            age = self.age(entry, now)
            if age < self.threshold(entry):
                # A grant is no news: before any, the age only counts from there.
                if entry.ladder.is_stale and entry.news_at:
                    self._cured(entry)
            else:
                verdict = self._climb(entry, age, now) or verdict
        for entry in self.registry.ungreeted():
            age = now - entry.granted_at
            if age >= self.policy.first_data_timeout:
                # Nothing is wrong with a connection on which others greet.
                self._climb(entry, age, now, may_reconnect=False)
        for entry in self.registry.entries.values():
            if entry.delay and now - entry.last_at < _RECENT:
                verdict = self._judge_lag(entry, now) or verdict
            elif now - entry.last_at >= self.threshold(entry):
                entry.ladder.is_lagging = False  # it was; nothing shows it still is
        return verdict

    def started(self, entry: Entry) -> None:
        """Take the first data of a feed: where no more is promised, all is well."""
        if not self._is_promising(entry):
            entry.ladder.reset()

    def stale(self) -> list[Entry]:
        """Return the feeds that carry no news."""
        return [e for e in self.registry.entries.values() if e.ladder.is_stale]

    def late(self) -> list[Entry]:
        """Return the feeds that carry news, and late."""
        return [e for e in self.registry.entries.values() if e.ladder.is_lagging]

    def _cured(self, entry: Entry) -> None:
        """Step off the ladder."""
        if entry.ladder.tries:
            # Perhaps it only speaks more rarely now, and would have been asked for
            # again and again: be twice as patient until its rhythm is known.
            entry.longest = 2 * self.threshold(entry) / self.policy.stale_intervals
        entry.ladder.reset()

    def _climb(
        self, entry: Entry, age: float, now: float, *, may_reconnect: bool = True
    ) -> tuple[Cause, str] | None:
        """Take the next rung for a feed without news."""
        ladder, policy = entry.ladder, self.policy
        if not ladder.is_stale:
            ladder.warned_at, ladder.quiet_for = now, age
            ladder.next_at = now + policy.resubscribe_after
            self._announce(entry, age, "warn")
            return None
        if ladder.next_at == inf and not ladder.has_reconnected:
            ladder.next_at = now + policy.ladder_cooldown
        if now < ladder.next_at:
            return None
        if ladder.tries < policy.resubscribe_tries:
            ladder.tries += 1
            ladder.next_at = now + policy.ladder_cooldown
            self._announce(entry, age, "resubscribe")
            self.recovery.renewed(entry, now)
            self.registry.renew(entry)
            return None
        if not may_reconnect:
            ladder.next_at = inf  # it stays stale, and says so
            return None
        ladder.has_reconnected, ladder.next_at = True, inf
        if not self._may_reconnect(now):
            return None
        self._announce(entry, age, "reconnect")
        return Cause.STALE, f"{entry.subscription} without news for {age:.0f} s"

    def _judge_lag(self, entry: Entry, now: float) -> tuple[Cause, str] | None:
        lag, ladder = self.lag(entry) or 0.0, entry.ladder
        if lag < self.policy.lag_warning:
            ladder.is_lagging, ladder.late_frames = False, 0
            return None
        if entry.venue_time == ladder.judged:
            return None
        ladder.judged = entry.venue_time
        ladder.late_frames += 1
        if ladder.late_frames < self.policy.lag_frames:
            return None
        if not ladder.is_lagging:
            ladder.is_lagging = True
            self._announce(entry, lag, "warn", is_late=True)
        if lag >= self.policy.lag_limit and self._may_reconnect(now):
            self._announce(entry, lag, "reconnect", is_late=True)
            return Cause.STALE, f"{entry.subscription} is {lag:.0f} s behind"
        return None

    def _may_reconnect(self, now: float) -> bool:
        self._reconnects.limit = self.policy.watchdog_cap
        if not self._reconnects.room(now):
            return False
        self._reconnects.take(now)
        return True

    def _is_promising(self, entry: Entry) -> bool:
        return entry.traits.promise is Promise.PERIODIC

    def _announce(
        self, entry: Entry, age: float, rung: str, *, is_late: bool = False
    ) -> None:
        stale = say.Stale(entry.subscription, age, rung, is_late)
        self.effects.append(do.Announce(stale))


def lag_behind(entry: Entry, best: float) -> float | None:
    """Return how far behind ``best``, a delay in seconds, a feed is, if it is known."""
    return entry.delay - best if entry.delay and best < inf else None
