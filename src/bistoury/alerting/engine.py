"""
When to speak: one opening and one closing message for each trouble, and no more.

Pure: notices, facts and time go in, messages come out. An opening tells of all that
is amiss by one rule; a feed that joins later has an opening of its own. Each rule has
a floor under the time between two of its openings, which sits on the message and not
on the trouble: recovery does not reset it, and a trouble that outlasts it is told
then. A connection that comes and goes is told once and summed up in a digest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time

from ..observability.addresses import shorten
from ..observability.verdict import in_words, some
from ..session import notices as heard
from ..session.notices import Notice
from .alarm import Alarm, Told
from .conditions import CONNECTION, OFF, Facts
from .message import CLOSE, DIGEST, OPEN, Message
from .period import Period
from .plan import AlertPlan
from .rules import HELD_BY_FLAPPING, INHIBITED_BY_DOWN, RULES
from .steadiness import Steadiness

_STEADY_BELOW = 2
_GRAVE = 5.0
"""So many times its patience an outage must last to be told in spite of flapping."""
_GAPS_WITHIN = 120.0
"""How long a closing message waits for the gaps to be settled."""
_MOST_DETAILS = 8
_MOST_LOST = 5000


class Engine:
    """Decides; sends nothing itself."""

    def __init__(
        self, plan: AlertPlan, now: float, fate: Callable[[], str] = str
    ) -> None:
        self._plan = plan
        self._fate = fate
        self._alarms = {name: Alarm() for name in RULES}
        self._steadiness = Steadiness()
        self._overflows: set[str] = set()
        self._open_gaps: set[object] = set()
        self._lost: list[str] = []
        self._lost_at: float | None = None
        self._count = 0
        self._digest_at = now + plan.digest_every
        self._period = Period(now)
        self._flaps = Period(now)
        self._was_quiet = False

    def observe(self, notice: Notice, now: float) -> None:
        """Hear what happened."""
        match notice:
            case heard.Disconnected(cause=cause, was_open=True) if cause != "user":
                self._steadiness.lost(now)
                for period in self._periods:
                    period.losses += 1
                self._lost_at = self._lost_at or now
            case heard.Ready():
                self._back(now)
            case heard.Gap(cause="overflow", status=status, subscription=subscription):
                change = {"open": self._overflows.add}.get(
                    status, self._overflows.discard
                )
                change(str(subscription))
            case heard.Gap(status="open", subscription=subscription):
                self._open_gaps.add(subscription)
            case heard.Gap(subscription=subscription, status=status):
                self._open_gaps.discard(subscription)
                if status == "unrecoverable":
                    for period in self._periods:
                        period.lost_gaps += 1
                    if len(self._lost) < _MOST_LOST:
                        self._lost.append(_in_words(notice))
            case _:
                pass

    def tick(self, facts: Facts, now: float, clock: time) -> list[Message]:
        """Return what to send now; ask about once a second."""
        if OFF in facts:
            # It did not recover: it was told to stop. What goes on is seen later.
            self._lost_at = None
            self._steadiness.see(now, is_down=False)
            for alarm in self._alarms.values():
                alarm.waiting.clear()
            return []
        facts = dict(facts)
        if self._overflows:
            facts["slow_handler"] = {it: shorten(it) for it in sorted(self._overflows)}
        self._judge_flaps(facts, now)
        is_quiet = self._plan.is_quiet(clock)
        found = []
        for name, alarm in self._alarms.items():
            if name == "gap":
                found += self._gaps(alarm, now, is_quiet=is_quiet)
                continue
            for lasted in alarm.see(facts.get(name, {}), now):
                if lasted >= self._patience(name):
                    self._hold(name)
            found += self._closings(name, alarm, now, is_quiet=is_quiet)
            found += self._openings(name, alarm, facts, now, is_quiet=is_quiet)
        return found + self._digest(now, is_quiet=is_quiet)

    # Flapping

    @property
    def is_flapping(self) -> bool:
        """Whether the connection comes and goes."""
        alarm = self._alarms["flapping"]
        return bool(alarm.waiting) or alarm.goes_on

    def _judge_flaps(self, facts: Facts, now: float) -> None:
        """Add what the last minutes together say to what is amiss at this moment."""
        lately, is_down = self._steadiness, "down" in facts
        lately.see(now, is_down=is_down)
        if not lately.losses and self._alarms["flapping"].is_calm:
            self._flaps = Period(now)
        enough = _STEADY_BELOW if self.is_flapping else self._plan.flaps
        comes_and_goes = len(lately.losses) >= enough
        # Nothing is lost any more while it is away: that is not steady.
        if comes_and_goes or (is_down and self.is_flapping):
            facts["flapping"] = {CONNECTION: str(lately)}
        if comes_and_goes and lately.is_mostly_down:
            said = [*facts.get("down", {}).values(), str(lately)]
            facts["down"] = {CONNECTION: "\n".join(said)}

    def _back(self, now: float) -> None:
        if self._lost_at is not None:
            for period in self._periods:
                period.back(now - self._lost_at)
            self._lost_at = None

    # One rule

    def _patience(self, name: str) -> float:
        after = RULES[name].after
        return getattr(self._plan, after) if after else 0.0

    def _openings(
        self, name: str, alarm: Alarm, facts: Facts, now: float, *, is_quiet: bool
    ) -> list[Message]:
        """Tell of what has lasted too long, and of all that is amiss with it."""
        lasted = now - min(alarm.waiting.values(), default=now)
        if not alarm.waiting or lasted < self._patience(name):
            return []
        if self._is_held(name, facts, lasted, is_quiet=is_quiet):
            # Counted when it ends: as long as it lasts, it may still be told.
            return []
        if now - alarm.sent_at < self._plan.floor:
            return []
        body = some([facts[name][it] for it in alarm.waiting], _MOST_DETAILS, "\n")
        if lasted >= 1.0:
            body = f"for {in_words(lasted)}\n{body}"
        it = alarm.open(self._key(name), now)
        if name == "flapping":
            self._digest_at = now + self._plan.digest_every
        return [_opening(name, it.key, body)]

    def _is_held(
        self, name: str, facts: Facts, lasted: float, *, is_quiet: bool
    ) -> bool:
        if "down" in facts and name in INHIBITED_BY_DOWN:
            return True
        if is_quiet and RULES[name].severity != "critical":
            return True
        is_grave = lasted >= _GRAVE * self._patience(name)
        is_grave = is_grave or self._steadiness.is_mostly_down
        return self._is_left_to_digest(name) and not is_grave

    def _is_left_to_digest(self, name: str) -> bool:
        """Whether people were told that single cases of it are not."""
        return name in HELD_BY_FLAPPING and self._alarms["flapping"].goes_on

    def _closings(
        self, name: str, alarm: Alarm, now: float, *, is_quiet: bool
    ) -> list[Message]:
        if is_quiet and RULES[name].severity != "critical":
            return []  # good news can wait, too
        over = [it for it in alarm.told if self._is_over(name, it, now)]
        alarm.told = [it for it in alarm.told if it not in over]
        return [self._closing(name, it) for it in over]

    def _is_over(self, name: str, it: Told, now: float) -> bool:
        if it.well_at is None or now - it.well_at < self._plan.settle:
            return False
        is_late = now - it.well_at >= _GAPS_WITHIN
        return name != "down" or not self._open_gaps or is_late

    def _closing(self, name: str, it: Told) -> Message:
        assert it.well_at is not None
        lasted = it.well_at - it.began
        lines = [f"after {in_words(lasted)}"]
        if it.names:
            lines.append(shorten(some(it.names, _MOST_DETAILS, "\n")))
        if name == "down":
            lines += [fate] if (fate := self._fate()) else []
            lines += [some(self._lost, _MOST_DETAILS, "\n")] if self._lost else []
            self._lost.clear()
        if name == "flapping":
            lines.append(str(self._flaps))
            self._period.held -= self._flaps.held
        title, body = RULES[name].closed, "\n".join(lines)
        return Message(CLOSE, name, it.key, "info", title, body)

    def _gaps(self, alarm: Alarm, now: float, *, is_quiet: bool) -> list[Message]:
        """Tell of gaps for good: they are over when they happen."""
        if not self._lost or not self._alarms["down"].is_calm:
            return []  # an outage that is told of speaks of its gaps itself
        if now - alarm.waiting.setdefault(CONNECTION, now) < self._plan.settle:
            return []  # one message for all that an outage has cost
        alarm.waiting.clear()
        lost, self._lost = self._lost, []
        is_held = is_quiet or self._is_left_to_digest("gap")
        if is_held or now - alarm.sent_at < self._plan.floor:
            self._hold("gap", len(lost))
            return []
        alarm.sent_at = now
        return [_opening("gap", self._key("gap"), some(lost, _MOST_DETAILS, "\n"))]

    def _key(self, name: str) -> str:
        self._count += 1
        return f"{name}-{self._count}"

    # The digest

    @property
    def _periods(self) -> tuple[Period, Period]:
        """Return what sums up: the next digest, and the end of flapping."""
        return self._period, self._flaps

    def _hold(self, name: str, count: int = 1) -> None:
        for period in self._periods:
            period.held[name] += count

    def _digest(self, now: float, *, is_quiet: bool) -> list[Message]:
        ended, self._was_quiet = self._was_quiet and not is_quiet, is_quiet
        if now < self._digest_at and not (ended and self._period.held):
            return []
        if is_quiet:
            return []
        period = self._period
        self._period = Period(now)
        self._digest_at = now + self._plan.digest_every
        if not (period.held or (self.is_flapping and period.losses)):
            return []
        lasted = in_words(now - period.since)
        title = f"What was not worth a message by itself, in {lasted}"
        return [Message(DIGEST, "digest", "digest", "info", title, str(period))]


def _opening(name: str, key: str, body: str) -> Message:
    return Message(OPEN, name, key, RULES[name].severity, RULES[name].opened, body)


def _in_words(gap: heard.Gap) -> str:
    ends = [
        f"{datetime.fromtimestamp(end / 1000, UTC):%H:%M:%S}" if end else "?"
        for end in (gap.since, gap.until)
    ]
    name = shorten(str(gap.subscription))
    return f"{name} from {ends[0]} to {ends[1]} UTC ({gap.cause})"
