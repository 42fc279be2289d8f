"""How things stood over the last hours: stretches of one kind, one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .incidents import Moment

HORIZON = 6 * 3600.0
_MOST = 2000


@dataclass(slots=True)
class Stretch:
    """A time during which things stood in one way; in seconds since 1970."""

    kind: str
    since: float
    until: float


@dataclass(slots=True)
class Timeline:
    """
    Remembers the last hours, and no more than so many changes.

    A burst of changes beyond that costs the oldest of them, never the newest. How
    long a stretch was is a matter of the clock that nobody sets.
    """

    horizon: float = HORIZON
    """How far back it reaches, in seconds."""
    _changes: deque[tuple[str, Moment]] = field(
        default_factory=lambda: deque(maxlen=_MOST)
    )

    def note(self, kind: str, at: Moment) -> bool:
        """Take how things stand at ``at``; return whether that changed."""
        if self._changes and self._changes[-1][0] == kind:
            return False
        self._changes.append((kind, at))
        while len(self._changes) > 1 and self._changes[1][1].now < self._began(at):
            self._changes.popleft()
        return True

    def stretches(self, moment: Moment) -> list[Stretch]:
        """Return what lies within the horizon, oldest first, up to ``moment``."""
        found: list[Stretch] = []
        until = moment.wall
        for kind, at, long in self._backwards(moment):
            since = until - long
            if at.now >= self._began(moment):
                # As it was dated then, unless the clock was set back since.
                since = min(since, at.wall)
            found.append(Stretch(kind, since, until))
            until = since
        return found[::-1]

    def shares(self, moment: Moment) -> dict[str, float]:
        """Return the seconds spent in each kind within the horizon."""
        spent: dict[str, float] = {}
        for kind, _, long in self._backwards(moment):
            spent[kind] = spent.get(kind, 0.0) + long
        return spent

    def availability(self, moment: Moment) -> float:
        """Return the share of time, from 0 to 1, in which data could be trusted."""
        spent = self.shares(moment)
        wanted = sum(spent.values()) - spent.get("off", 0.0)
        return 1.0 if wanted <= 0 else spent.get("ok", 0.0) / wanted

    def _began(self, moment: Moment) -> float:
        return moment.now - self.horizon

    def _backwards(self, moment: Moment) -> Iterator[tuple[str, Moment, float]]:
        """Yield each kind, when it came, and its seconds within the horizon."""
        end = moment.now
        for kind, at in reversed(self._changes):
            since = max(at.now, self._began(moment))
            yield kind, at, end - since
            if at.now <= self._began(moment):
                return
            end = since
