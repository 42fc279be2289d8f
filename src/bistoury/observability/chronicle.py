"""The last hours of one client: how things stood, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..session import notices as heard
from ..session.notices import Notice
from .incidents import Incidents, Moment
from .timeline import Timeline
from .verdict import Verdict

# After these things may stand otherwise than before. What is said for each of many
# subscriptions is not among them: the next tick is soon enough.
_TURNING = (
    heard.StateChanged,
    heard.Disconnected,
    heard.Ready,
    heard.Degraded,
    heard.BreakerChanged,
)

_SETTLING_WITHIN = 10.0
"""How long a connection may take to prove itself before that is trouble, in seconds."""

Change = Callable[[Verdict, Notice | None], None]


@dataclass(slots=True)
class Chronicle:
    """Hears everything; whoever wants to know at once adds a listener."""

    judge: Callable[[], Verdict]
    """Decides how things stand."""
    clock: Callable[[], Moment]
    timeline: Timeline = field(default_factory=Timeline)
    incidents: Incidents = field(default_factory=Incidents)
    verdict: Verdict | None = None
    """How things stood when that was last decided."""
    changed: list[Change] = field(default_factory=list)
    """Who hears at once of a new standing, and of every notice."""
    _settled: Verdict | None = None
    _settling_since: float | None = None

    def observe(self, notice: Notice) -> None:
        """Hear what happened."""
        if isinstance(notice, _TURNING):
            self._judge()
        self.incidents.observe(notice, self.clock())
        self._tell(notice)

    def look(self) -> Verdict:
        """Decide anew, about once a second."""
        before = self.verdict
        verdict = self._judge()
        if before != verdict:
            self._tell(None)
        return verdict

    def _judge(self) -> Verdict:
        self.verdict, moment = self.judge(), self.clock()
        settled = self._settle(self.verdict, moment)
        self.timeline.note(settled.kind, moment)
        self.incidents.judged(settled, moment)
        return self.verdict

    def _settle(self, verdict: Verdict, moment: Moment) -> Verdict:
        """Count the moments in which a connection proves itself to what was before."""
        if not verdict.is_settling:
            self._settled, self._settling_since = verdict, None
            return verdict
        if self._settling_since is None:
            self._settling_since = moment.now
        is_short = moment.now - self._settling_since < _SETTLING_WITHIN
        return self._settled or verdict if is_short else verdict

    def _tell(self, notice: Notice | None) -> None:
        assert self.verdict is not None or not self.changed
        for listener in list(self.changed):
            if self.verdict is not None:
                listener(self.verdict, notice)

    @property
    def availability(self) -> float:
        """The share of the last hours, from 0 to 1, in which nothing was amiss."""
        return self.timeline.availability(self.clock())

    def document(self) -> dict[str, Any]:
        """Return the timeline and the list of incidents, newest first."""
        moment = self.clock()
        return {
            "horizon_seconds": self.timeline.horizon,
            "availability": round(self.availability, 6),
            "timeline": [
                [it.kind, round(it.since * 1000), round(it.until * 1000)]
                for it in self.timeline.stretches(moment)
            ],
            "incidents": [it.summary(moment.now) for it in self.incidents][::-1],
            "incident_count": self.incidents.count,
        }
