"""
What a replayed journal tells a person: when, what, why, and until when.

One line for each step of the life cycle; what belongs to an outage stands below it,
and gaps that opened or ended at one moment are one line, as are complaints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from ..observability.addresses import shorten
from ..session import Trigger
from ..session import notices as say
from .replay import Told

_TOLD = (
    say.Connected,
    say.Ready,
    say.Disconnected,
    say.Reconnecting,
    say.Refused,
    say.Stale,
    say.Gap,
    say.Degraded,
    say.Down,
    say.BreakerChanged,
    say.Probing,
    say.NoMessages,
    say.VenueComplained,
)
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One line."""

    at: str
    text: str


@dataclass(slots=True)
class Outage:
    """
    From the loss of a connection, or the first failure, to being ready again.

    A disconnect that was asked for is none, and ends one that is under way.
    """

    number: int
    began: Told
    ended: Told | None = None
    attempts: int = 0
    steps: list[Step] = field(default_factory=list)

    @property
    def step(self) -> Step:
        """The line above its steps."""
        lost = self.began.notice
        assert isinstance(lost, say.Disconnected)
        reason = f" ({shorten(lost.reason)})" if lost.reason else ""
        tried = f"{self.attempts} attempt{'' if self.attempts == 1 else 's'}"
        text = f"outage {self.number}: {lost.cause}{reason}, {self._end}, {tried}"
        return Step(moment(self.began), f"{_of_line(self.began)}{text}")

    @property
    def _end(self) -> str:
        if self.ended is None:
            return "not over when the journal ends"
        lasted = self.ended.at - self.began.at
        if not isinstance(self.ended.notice, say.Ready):
            return f"disconnected on request at {moment(self.ended)}, {lasted:.1f} s"
        return f"until {moment(self.ended)}, {lasted:.1f} s"


def tell(told: Iterable[Told]) -> list[Step | Outage]:
    """Return the story, in order."""
    told = list(told)
    asked = {_place(it) for it in told if _is_request(it.notice)}
    story: list[Step | Outage] = []
    outages: dict[tuple[int, int], Outage] = {}
    count = 0
    for them in _together(told):
        first, notice = them[0], them[0].notice
        key = first.run, first.line
        if _is_request(notice):
            if key in outages:
                outages.pop(key).ended = first
            continue
        outage = outages.get(key)
        is_loss = isinstance(notice, say.Disconnected) and _place(first) not in asked
        if outage is None and is_loss:
            count += 1
            outage = outages[key] = Outage(count, first)
            story.append(outage)
        step = Step(moment(first), f"{_of_line(first)}{_text(them)}")
        if outage is None:
            story.append(step)
            continue
        outage.steps.append(step)
        outage.attempts += isinstance(notice, say.Reconnecting)
        if isinstance(notice, say.Ready):
            outages.pop(key).ended = first
    return story


def is_told(notice: say.Notice) -> bool:
    """Whether a notice is a step of the life cycle."""
    return isinstance(notice, _TOLD)


def moment(told: Told) -> str:
    """Return the time of day, in UTC; of an unknown day, seconds."""
    if told.wall is None:
        return f"{told.at:12.3f}"
    at = datetime.fromtimestamp(told.wall, UTC)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def _together(told: Iterable[Told]) -> Iterator[list[Told]]:
    """Yield what makes one line: gaps of one kind and moment are together."""

    def kind(it: Told) -> tuple[object, ...]:
        notice = it.notice
        if isinstance(notice, say.Gap):
            return it.run, it.line, it.at, notice.status, notice.cause
        if isinstance(notice, say.Degraded):
            return it.run, it.line, it.at
        return (id(it),)

    shown = (it for it in told if is_told(it.notice) or _is_request(it.notice))
    for _, group in groupby(shown, kind):
        yield list(group)


def _is_request(notice: say.Notice) -> bool:
    """Whether somebody asked for the end of a connection."""
    return isinstance(notice, say.StateChanged) and notice.because is Trigger.CLOSE


def _place(told: Told) -> tuple[int, int, float]:
    return told.run, told.line, told.at


def _text(them: list[Told]) -> str:
    gaps = [it.notice for it in them if isinstance(it.notice, say.Gap)]
    if not gaps:
        return shorten(str(them[-1].notice))
    many = f"{len(gaps)} gap{'' if len(gaps) == 1 else 's'} {gaps[0].status}"
    found = sum(gap.recovered_count for gap in gaps)
    rows = f", {found} rows found" if found else ""
    if gaps[0].status == "unrecoverable":
        names = [f"{gap.subscription} from {_stretch(gap)}" for gap in gaps]
    else:
        names = [str(gap.subscription) for gap in gaps]
        if len(names) > _MOST_NAMES:
            more = len(names) - _MOST_NAMES
            names = [*names[:_MOST_NAMES], f"and {more} more"]
    return shorten(f"{many} ({gaps[0].cause}){rows}: {', '.join(names)}")


def _stretch(gap: say.Gap) -> str:
    ends = []
    for end in (gap.since, gap.until):
        at = datetime.fromtimestamp((end or 0) / 1000, UTC)
        ends.append(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}" if end else "?")
    return " to ".join(ends)


def _of_line(told: Told) -> str:
    return f"line {told.line}: " if told.line > 1 else ""
