"""
Which rows are new.

The venue replays: snapshots after a subscription, the last trades, rows that a
second connection already carried. Each row has a key; a key seen before is not
delivered again. State feeds have no keys, and every frame of theirs passes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from .model import Update


@dataclass(slots=True)
class Memory:
    """
    Remembers at least the last ``limit`` keys, and never more than twice that.

    Two generations of sets: when the young one is full it becomes the old one.
    """

    limit: int
    _young: set[Hashable] = field(default_factory=set)
    _old: set[Hashable] = field(default_factory=set)

    def is_new(self, key: Hashable) -> bool:
        """Return whether ``key`` is not remembered, and remember it."""
        if key in self._young or key in self._old:
            return False
        self._young.add(key)
        if len(self._young) >= self.limit:
            self._old, self._young = self._young, set()
        return True


@dataclass(slots=True)
class Continuity:
    """Lets the new rows of one feed through."""

    limit: int
    duplicates: int = 0
    """Rows recognised and not delivered again."""
    has_history: bool = False
    """Whether anything was delivered before: history now fills a gap."""
    _memory: Memory = field(init=False)

    def __post_init__(self) -> None:
        self._memory = Memory(max(self.limit, 1))

    def admit(self, update: Update, *, is_replay: bool) -> bool:
        """
        Take out of ``update`` what was delivered before; return whether to deliver.

        ``is_replay`` says that the venue repeats what happened before now. What is
        new in it is marked ``snapshot`` the first time and ``recovered`` later.
        """
        if update.keys is None or update.rows is None:
            return True
        is_new = self._memory.is_new
        fresh = [
            row
            for row, key in zip(update.rows, update.keys, strict=True)
            if is_new(key)
        ]
        first, self.has_history = not self.has_history, True
        if len(fresh) < len(update.rows):
            self.duplicates += len(update.rows) - len(fresh)
            update.keep(fresh)
        if not is_replay:
            return bool(fresh)
        if update.message is not None:
            update.message["snapshot" if first else "recovered"] = True
        return bool(fresh) or first
