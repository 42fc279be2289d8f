"""How things stood over the last hours: stretches of one kind, one after another."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

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

    A burst of changes beyond that costs the oldest of them, never the newest.
    """

    horizon: float = HORIZON
    """How far back it reaches, in seconds."""
    _stretches: deque[Stretch] = field(default_factory=lambda: deque(maxlen=_MOST))

    def note(self, kind: str, at: float) -> bool:
        """Take how things stand at ``at``; return whether that changed."""
        last = self._stretches[-1] if self._stretches else None
        if last is None:
            self._stretches.append(Stretch(kind, at, at))
            return True
        # A clock that was set back must not turn time around.
        last.until = max(last.until, at)
        if last.kind == kind:
            return False
        self._stretches.append(Stretch(kind, last.until, last.until))
        while self._stretches[0].until < at - self.horizon:
            self._stretches.popleft()
        return True

    def stretches(self, now: float) -> list[Stretch]:
        """Return what lies within the horizon, oldest first, up to ``now``."""
        began = now - self.horizon
        found = [
            Stretch(it.kind, max(it.since, began), it.until)
            for it in self._stretches
            if it.until >= began
        ]
        if found:
            found[-1].until = max(found[-1].until, now)
        return found

    def shares(self, now: float) -> dict[str, float]:
        """Return the seconds spent in each kind within the horizon."""
        spent: dict[str, float] = {}
        for it in self.stretches(now):
            spent[it.kind] = spent.get(it.kind, 0.0) + it.until - it.since
        return spent

    def availability(self, now: float) -> float:
        """Return the share of time, from 0 to 1, in which data could be trusted."""
        spent = self.shares(now)
        wanted = sum(spent.values()) - spent.get("off", 0.0)
        return 1.0 if wanted <= 0 else spent.get("ok", 0.0) / wanted
