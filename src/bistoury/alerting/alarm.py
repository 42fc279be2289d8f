"""One rule's troubles: those that nobody was told of, and those that were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class Told:
    """What one opening told of; it has one closing, when all of that is over."""

    key: str
    began: float
    about: tuple[str, ...]
    """The feeds it named; the connection has no name."""
    well_at: float | None = None
    """Since when nothing of it is amiss any more; ``None``: something is."""

    @property
    def names(self) -> list[str]:
        """What can be named of it."""
        return [it for it in self.about if it]


@dataclass(slots=True)
class Alarm:
    """What is known of one rule."""

    waiting: dict[str, float] = field(default_factory=dict)
    """What is amiss and was not told, with when it began."""
    told: list[Told] = field(default_factory=list)
    sent_at: float = -inf
    """When its last opening was sent."""

    @property
    def is_calm(self) -> bool:
        """Whether nothing is amiss, and everybody who was told knows that."""
        return not self.waiting and not self.told

    @property
    def goes_on(self) -> bool:
        """Whether something of what was told is still amiss."""
        return any(it.well_at is None for it in self.told)

    def see(self, amiss: Mapping[str, str], now: float) -> list[float]:
        """Take what is amiss; return for how long that lasted which ended untold."""
        known: set[str] = set()
        for it in self.told:
            known.update(it.about)
            if not amiss.keys().isdisjoint(it.about):
                it.well_at = None
            elif it.well_at is None:
                it.well_at = now
        ended = [now - at for name, at in self.waiting.items() if name not in amiss]
        self.waiting = {
            name: self.waiting.get(name, now) for name in amiss if name not in known
        }
        return ended

    def open(self, key: str, now: float) -> Told:
        """Note that all that waits is told now."""
        it = Told(key, min(self.waiting.values()), tuple(self.waiting))
        self.told.append(it)
        self.waiting.clear()
        self.sent_at = now
        return it
