"""
What happened, what was missed, and was it recovered: one account for each trouble.

An outage lasts from the loss of what is wanted until it is live again; a degraded
time until nothing wanted is amiss; a gap without either is an incident by itself, and
becomes one of those if it turns out to be its beginning. None is over before every
gap in it is settled. Everything here is bounded.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from ..session import Subscription
from ..session import notices as heard
from ..session.notices import Gap, Notice
from .addresses import shorten
from .verdict import Standing, Verdict

_MOST = 50
_MOST_GAPS = 60
_WEIGHT = {"recovered": 0, "open": 1, "unrecoverable": 2}
_SOON = 1.0
_FIRST_STEPS = _LAST_STEPS = 20

_STEPS: tuple[type[Any], ...] = (
    heard.Disconnected,
    heard.Reconnecting,
    heard.Connected,
    heard.Ready,
    heard.Refused,
    heard.Stale,
    heard.Degraded,
    heard.Down,
    heard.BreakerChanged,
    heard.Probing,
    heard.NoMessages,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by two clocks: durations come from ``now``, dates from ``wall``."""

    now: float
    wall: float


@dataclass(slots=True)
class Incident:
    """One trouble, from its beginning until all of it is settled."""

    number: int
    kind: str
    """``outage``, ``degraded`` or ``gap``."""
    began: Moment
    title: str = ""
    cause: str = ""
    ended: Moment | None = None
    recovered: Moment | None = None
    """When things were well again; gaps may take longer to be settled."""
    attempts: int = 0
    losses: int = 0
    rows: int = 0
    """Rows that came back."""
    gaps: Counter[str] = field(default_factory=Counter)
    """How many are ``open``, ``recovered`` and ``unrecoverable``."""
    open_gaps: set[Subscription] = field(default_factory=set)
    _missed: list[Gap] = field(default_factory=list)
    _first: list[tuple[float, str]] = field(default_factory=list)
    _last: deque[tuple[float, str]] = field(
        default_factory=lambda: deque(maxlen=_LAST_STEPS)
    )
    _steps: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it goes on, or a gap of it is not settled."""
        return self.ended is None

    def seconds(self, now: float) -> float:
        """Return how long things were not well."""
        end = self.recovered or self.ended
        return max(0.0, (end.now if end is not None else now) - self.began.now)

    def takes(self, notice: Notice, moment: Moment) -> bool:
        """Whether a notice is a step of it."""
        if self.recovered is None:
            return True
        # Readiness is what ends it, and is told a moment later.
        is_soon = moment.now - self.recovered.now <= _SOON
        return isinstance(notice, heard.Ready) and is_soon

    def took(self, notice: Notice, moment: Moment) -> None:
        """Write down a step."""
        if isinstance(notice, heard.Disconnected):
            self.losses += notice.was_open
        self.attempts += isinstance(notice, heard.Reconnecting)
        if not isinstance(notice, _STEPS):
            return
        step = (moment.wall, shorten(str(notice)))
        self._steps += 1
        if len(self._first) < _FIRST_STEPS:
            self._first.append(step)
        else:
            self._last.append(step)

    def is_sign_of(self, verdict: Verdict, moment: Moment) -> bool:
        """Whether a verdict that is new tells of the same trouble."""
        if moment.now - self.began.now <= _SOON:
            return True
        names = [str(it) for it in self.open_gaps]
        return any(name in reason for reason in verdict.reasons for name in names)

    def missed(self, gap: Gap) -> None:
        """Write down what was missed, and again what became of it."""
        subscription = gap.subscription
        if gap.status == "open":
            self.open_gaps.add(subscription)
        else:
            self.open_gaps.discard(subscription)
            self.gaps[gap.status] += 1
            self.rows += gap.recovered_count
        self._name(gap)

    def _name(self, gap: Gap) -> None:
        """Keep it in place of its opening, or where there is room."""
        for number, it in enumerate(self._missed):
            if it.status == "open" and it.subscription == gap.subscription:
                self._missed[number] = gap
                return
        if len(self._missed) == _MOST_GAPS and gap.status == "unrecoverable":
            # What is lost must be named before all else.
            least = min(self._missed, key=lambda it: _WEIGHT[it.status])
            self._missed.remove(least)
        if len(self._missed) < _MOST_GAPS:
            self._missed.append(gap)

    @property
    def fate(self) -> str:
        """What became of the data, in words."""
        if self.open_gaps:
            return f"{_count(len(self.open_gaps), 'gap')} open"
        lost, back = self.gaps["unrecoverable"], self.gaps["recovered"]
        rows = f", {_count(self.rows, 'row')} came back" if self.rows else ""
        if lost:
            others = f", {back} recovered" if back else ""
            return f"{_count(lost, 'gap')} unrecoverable{others}{rows}"
        if back:
            return f"{_count(back, 'gap')} recovered{rows}"
        return "nothing was missed"

    def summary(self, now: float) -> dict[str, Any]:
        """Return what a list shows."""
        return {
            "number": self.number,
            "kind": self.kind,
            "title": self.title,
            "cause": self.cause,
            "open": self.is_open,
            "since": _ms(self.began),
            "until": _ms(self.recovered or self.ended),
            "seconds": round(self.seconds(now), 3),
            "attempts": self.attempts,
            "losses": self.losses,
            "gaps": {
                "open": len(self.open_gaps),
                "recovered": self.gaps["recovered"],
                "unrecoverable": self.gaps["unrecoverable"],
            },
            "rows_recovered": self.rows,
            "fate": self.fate,
        }

    def account(self, now: float) -> dict[str, Any]:
        """Return the whole account: the steps, and each feed that missed something."""
        skipped = self._steps - len(self._first) - len(self._last)
        return {
            **self.summary(now),
            "steps": [_step(*it) for it in (*self._first, *self._last)],
            "steps_left_out": skipped,
            "missed": [_missed(gap) for gap in self._missed],
            "missed_left_out": max(
                0, len(self.open_gaps) + self.gaps.total() - len(self._missed)
            ),
        }


@dataclass(slots=True)
class Incidents:
    """Opens, keeps and closes them."""

    _all: list[Incident] = field(default_factory=list)
    _count: int = 0

    def __iter__(self) -> Any:
        return iter(self._all)

    def find(self, number: int) -> Incident | None:
        """Return one by its number, if it is remembered."""
        return next((it for it in self._all if it.number == number), None)

    @property
    def count(self) -> int:
        """How many there have been."""
        return self._count

    def going_on(self, kind: str) -> Incident | None:
        """Return the one of this kind in which things are not well again yet."""
        return next(
            (it for it in reversed(self._all) if it.kind == kind and not it.recovered),
            None,
        )

    def judged(self, verdict: Verdict, moment: Moment) -> None:
        """Hear how things stand."""
        is_down = verdict.standing is Standing.DOWN and not verdict.is_off
        is_degraded = verdict.standing is Standing.DEGRADED
        outage, trouble = self.going_on("outage"), self.going_on("degraded")
        if is_down and outage is None:
            outage = self._begin("outage", verdict, moment)
            outage.title = shorten(verdict.reasons[0]) if verdict.reasons else "down"
        if outage is not None and not is_down:
            outage.recovered = moment
        if is_degraded and trouble is None:
            trouble = self._begin("degraded", verdict, moment)
            trouble.title = shorten(verdict.reasons[0])
        is_well = verdict.is_off or verdict.standing is Standing.OK
        if trouble is not None and is_well:
            trouble.recovered = moment
        self._close(moment)

    def observe(self, notice: Notice, moment: Moment) -> None:
        """Hear what happened."""
        if isinstance(notice, Gap):
            self._of_gap(notice, moment).missed(notice)
            self._close(moment)
            return
        for incident in self._all:
            if incident.takes(notice, moment):
                incident.took(notice, moment)
                if isinstance(notice, heard.Disconnected) and not incident.cause:
                    incident.cause = str(notice.cause)
                    if incident.kind == "outage":
                        incident.title = shorten(str(notice))

    def _of_gap(self, gap: Gap, moment: Moment) -> Incident:
        for incident in reversed(self._all):
            if gap.subscription in incident.open_gaps:
                return incident
        for kind in ("outage", "degraded", "gap"):
            if (found := self.going_on(kind)) is not None:
                return found
        found = self._open("gap", moment)
        found.title = f"{shorten(str(gap.subscription))}: {gap.cause}"
        found.cause = str(gap.cause)
        return found

    def _begin(self, kind: str, verdict: Verdict, moment: Moment) -> Incident:
        """Open one, or take over the gap that was the first sign of it."""
        gap = self.going_on("gap")
        if gap is None or not gap.is_sign_of(verdict, moment):
            return self._open(kind, moment)
        gap.kind = kind
        if kind == "outage":
            gap.cause = ""  # the loss will say it
        return gap

    def _open(self, kind: str, moment: Moment) -> Incident:
        if len(self._all) == _MOST:
            # What goes on is kept: it would be opened, or have its gaps, once more.
            over = (it for it in self._all if not it.is_open)
            self._all.remove(next(over, self._all[0]))
        self._count += 1
        incident = Incident(self._count, kind, moment)
        self._all.append(incident)
        return incident

    def _close(self, moment: Moment) -> None:
        for incident in self._all:
            if not incident.is_open or incident.open_gaps:
                continue
            if incident.kind == "gap" and incident.recovered is None:
                incident.recovered = moment
            if incident.recovered is not None:
                incident.ended = moment


def _ms(moment: Moment | None) -> int | None:
    return None if moment is None else round(moment.wall * 1000)


def _step(wall: float, text: str) -> dict[str, Any]:
    return {"at": round(wall * 1000), "text": text}


def _missed(gap: Gap) -> dict[str, Any]:
    return {
        "subscription": shorten(str(gap.subscription)),
        "since": gap.since,
        "until": gap.until,
        "status": gap.status,
        "recovered_count": gap.recovered_count,
        "missed_count": gap.missed_count,
        "cause": str(gap.cause),
        "note": gap.note,
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
