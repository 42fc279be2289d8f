"""
When to speak: one opening and one closing message for each trouble, and no more.

Pure: notices, facts and time go in, messages come out. Each rule has a floor under
the time between two of its openings, which sits on the message and not on the
trouble: recovery does not reset it, and a trouble that outlasts it is told then. A
connection that comes and goes is told once and summed up in a digest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from math import inf

from ..observability.addresses import shorten
from ..observability.verdict import in_words, some
from ..session import notices as heard
from ..session.notices import Notice
from .conditions import OFF, Facts
from .message import CLOSE, DIGEST, OPEN, Message
from .plan import AlertPlan
from .rules import INHIBITED_BY_DOWN, RULES

_FLAPS_WITHIN = 600.0
_STEADY_BELOW = 2
_GRAVE = 5.0
"""So many times its patience an outage must last to be told in spite of flapping."""
_GAPS_WITHIN = 120.0
"""How long a closing message waits for the gaps to be settled."""
_MOST_DETAILS = 8
_MOST_LOSSES = 5000


@dataclass(slots=True)
class Alarm:
    """What is known of one rule."""

    since: float | None = None
    """Since when the trouble lasts; ``None``: there is none."""
    well_at: float | None = None
    """When it ended, while that is not said."""
    opened: int = 0
    """The number of the opening that waits for its closing; 0: none."""
    began: float = 0.0
    sent_at: float = -inf
    details: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Period:
    """What a digest sums up."""

    since: float
    losses: int = 0
    longest: float = 0.0
    away: float = 0.0
    lost_gaps: int = 0
    held: Counter[str] = field(default_factory=Counter)

    @property
    def is_worth_it(self) -> bool:
        return bool(self.held)


class Engine:
    """Decides; sends nothing itself."""

    def __init__(
        self, plan: AlertPlan, now: float, fate: Callable[[], str] = str
    ) -> None:
        self._plan = plan
        self._fate = fate
        self._alarms = {name: Alarm() for name in RULES}
        self._losses: deque[float] = deque(maxlen=_MOST_LOSSES)
        self._overflows: set[str] = set()
        self._open_gaps: set[object] = set()
        self._lost: list[str] = []
        self._lost_at: float | None = None
        self._count = 0
        self._digest_at = now + plan.digest_every
        self._period = _Period(now)
        self._was_quiet = False

    def observe(self, notice: Notice, now: float) -> None:
        """Hear what happened."""
        match notice:
            case heard.Disconnected(cause=cause, was_open=True) if cause != "user":
                self._losses.append(now)
                self._period.losses += 1
                self._lost_at = self._lost_at or now
            case heard.Ready():
                self._back(now)
            case heard.Gap(cause="overflow", status=status, subscription=subscription):
                change = {"open": self._overflows.add}.get(
                    status, self._overflows.discard
                )
                change(shorten(str(subscription)))
            case heard.Gap(status="open", subscription=subscription):
                self._open_gaps.add(subscription)
            case heard.Gap(subscription=subscription, status=status):
                self._open_gaps.discard(subscription)
                if status == "unrecoverable":
                    self._period.lost_gaps += 1
                    if len(self._lost) <= _MOST_DETAILS:
                        self._lost.append(_in_words(notice))
            case _:
                pass

    def tick(self, facts: Facts, now: float, clock: time) -> list[Message]:
        """Return what to send now; ask about once a second."""
        if OFF in facts:
            # It did not recover: it was told to stop. What goes on is seen later.
            self._lost_at = None
            return []
        facts = dict(facts)
        if self._overflows:
            facts["slow_handler"] = sorted(self._overflows)
        self._count_flaps(facts, now)
        is_quiet = self._plan.is_quiet(clock)
        found = []
        for name, alarm in self._alarms.items():
            if name == "gap":
                message = self._gaps(alarm, now, is_quiet=is_quiet)
            else:
                message = self._one(name, alarm, facts, now, is_quiet=is_quiet)
            found += [message] if message is not None else []
        found += self._digest(now, is_quiet=is_quiet)
        return found

    # Flapping

    @property
    def is_flapping(self) -> bool:
        """Whether the connection comes and goes."""
        return self._alarms["flapping"].since is not None

    def _count_flaps(self, facts: Facts, now: float) -> None:
        while self._losses and now - self._losses[0] > _FLAPS_WITHIN:
            self._losses.popleft()
        enough = _STEADY_BELOW if self.is_flapping else self._plan.flaps
        if len(self._losses) >= enough:
            minutes = _FLAPS_WITHIN / 60
            facts["flapping"] = [f"{len(self._losses)} losses in {minutes:.0f} minutes"]

    def _back(self, now: float) -> None:
        if self._lost_at is not None:
            away = now - self._lost_at
            self._period.away += away
            self._period.longest = max(self._period.longest, away)
            self._lost_at = None

    # One rule

    def _one(
        self, name: str, alarm: Alarm, facts: Facts, now: float, *, is_quiet: bool
    ) -> Message | None:
        if name in facts:
            if alarm.since is None:
                alarm.since = now
            alarm.details, alarm.well_at = facts[name], None
            return self._maybe_open(name, alarm, facts, now, is_quiet=is_quiet)
        if alarm.since is None:
            return None
        if alarm.well_at is None:
            alarm.well_at = now
        # What was not told ends at once; what was told must be seen to have ended.
        if alarm.opened and now - alarm.well_at < self._plan.settle:
            return None
        may_wait = alarm.opened and now - alarm.well_at < _GAPS_WITHIN
        if name == "down" and self._open_gaps and may_wait:
            return None
        return self._close(name, alarm)

    def _maybe_open(
        self, name: str, alarm: Alarm, facts: Facts, now: float, *, is_quiet: bool
    ) -> Message | None:
        assert alarm.since is not None
        rule = RULES[name]
        patience = getattr(self._plan, rule.after) if rule.after else 0.0
        lasted = now - alarm.since
        if alarm.opened or lasted < patience:
            return None
        if "down" in facts and name in INHIBITED_BY_DOWN - {"flapping"}:
            return None
        is_grave = name == "down" and lasted >= _GRAVE * patience
        is_held = self.is_flapping and name != "flapping" and not is_grave
        is_held = is_held or (is_quiet and rule.severity != "critical")
        if is_held or now - alarm.sent_at < self._plan.floor:
            # Counted when it ends: as long as it lasts, it may still be told.
            return None
        self._count += 1
        alarm.opened, alarm.sent_at, alarm.began = self._count, now, alarm.since
        if name == "flapping":
            self._digest_at = now + self._plan.digest_every
        body = some(alarm.details, _MOST_DETAILS, "\n")
        if lasted >= 1.0:
            body = f"for {in_words(lasted)}\n{body}"
        return self._message(OPEN, name, alarm, rule.opened, body)

    def _close(self, name: str, alarm: Alarm) -> Message | None:
        assert alarm.since is not None
        assert alarm.well_at is not None
        lasted, was_opened = alarm.well_at - alarm.since, alarm.opened
        rule = RULES[name]
        patience = getattr(self._plan, rule.after) if rule.after else 0.0
        alarm.since = alarm.well_at = None
        if not was_opened:
            if lasted >= patience:
                self._period.held[name] += 1
            return None
        body = f"after {in_words(lasted)}"
        if name == "down" and (fate := self._fate()):
            body += f"\n{fate}"
        if name == "down":
            self._lost.clear()  # this message speaks of them
        if name == "flapping":
            body += f"\n{self._summary(lasted)}"
            self._renew(alarm.began + lasted)
        message = self._message(CLOSE, name, alarm, rule.closed, body)
        alarm.opened = 0
        return message

    def _gaps(self, alarm: Alarm, now: float, *, is_quiet: bool) -> Message | None:
        """Tell of gaps for good: they are over when they happen."""
        if not self._lost or self._alarms["down"].since is not None:
            return None  # an outage that is told of speaks of its gaps itself
        alarm.since = now if alarm.since is None else alarm.since
        if now - alarm.since < self._plan.settle:
            return None  # one message for all that an outage has cost
        alarm.since = None
        if self.is_flapping or is_quiet or now - alarm.sent_at < self._plan.floor:
            self._period.held["gap"] += len(self._lost)
            self._lost.clear()
            return None
        self._count += 1
        alarm.opened, alarm.sent_at = self._count, now
        body = some(self._lost, _MOST_DETAILS, "\n")
        self._lost.clear()
        return self._message(OPEN, "gap", alarm, RULES["gap"].opened, body)

    # The digest

    def _digest(self, now: float, *, is_quiet: bool) -> list[Message]:
        ended, self._was_quiet = self._was_quiet and not is_quiet, is_quiet
        if now < self._digest_at and not (ended and self._period.is_worth_it):
            return []
        if is_quiet:
            return []
        is_worth_it = self._period.is_worth_it or self.is_flapping
        lasted = now - self._period.since
        body = self._summary(lasted)
        self._renew(now)
        if not is_worth_it:
            return []
        title = f"What was not worth a message by itself, in {in_words(lasted)}"
        return [Message(DIGEST, "digest", "digest", "info", title, body)]

    def _summary(self, lasted: float) -> str:
        it = self._period
        longest, away = in_words(it.longest), in_words(it.away)
        lost = f"{it.losses} losses in {in_words(lasted)}"
        lines = [
            f"{lost}, the longest {longest}, {away} in all",
            f"{it.lost_gaps} gaps that cannot be recovered",
        ]
        if it.held:
            held = ", ".join(f"{name} {count}" for name, count in it.held.items())
            lines.append(f"held back: {held}")
        return "\n".join(lines)

    def _renew(self, now: float) -> None:
        self._period = _Period(now)
        self._digest_at = now + self._plan.digest_every

    def _message(
        self, kind: str, name: str, alarm: Alarm, title: str, body: str
    ) -> Message:
        severity = "info" if kind == CLOSE else RULES[name].severity
        return Message(kind, name, f"{name}-{alarm.opened}", severity, title, body)


def _in_words(gap: heard.Gap) -> str:
    ends = [
        f"{datetime.fromtimestamp(end / 1000, UTC):%H:%M:%S}" if end else "?"
        for end in (gap.since, gap.until)
    ]
    name = shorten(str(gap.subscription))
    return f"{name} from {ends[0]} to {ends[1]} UTC ({gap.cause})"
