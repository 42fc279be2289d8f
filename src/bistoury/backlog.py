"""
Messages that wait for one reader: bounded, in order, the newest state only.

Whoever puts may be in another thread than whoever takes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEFAULT_LIMIT = 10_000
"""Messages that wait before there is no room for more."""


class Backlog(Generic[Item]):
    """
    A queue that calls ``wake`` when its reader has something to take again.

    ``conflate`` is for whoever knows better than the feed: ``True`` keeps only the
    newest message, whatever it is; ``False`` keeps every one, as far as there is room.
    """

    __slots__ = (
        *("_conflate", "_coming", "_going", "_is_read", "_lock", "_newest", "_wake"),
        *("conflated", "limit", "overflowed"),
    )

    def __init__(
        self,
        wake: Callable[[], None],
        limit: int = DEFAULT_LIMIT,
        *,
        conflate: bool | None = None,
    ) -> None:
        self.conflated = 0
        """Messages that a newer one replaced before they were read."""
        self.overflowed = 0
        """Messages that found no room."""
        self.limit = limit
        self._wake = wake
        self._conflate = conflate
        # Two lists, of which the second is the other way round: an empty deque takes
        # more memory than all the rest, and most backlogs are empty for ever.
        self._coming: list[Item] = []
        self._going: list[Item] = []
        self._newest: dict[Hashable, Item] = {}
        self._is_read = False
        """Whether the reader is at it, and will find what is put meanwhile."""
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._coming) + len(self._going) + len(self._newest)

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        return len(self._coming) + len(self._going) < self.limit

    def put(self, item: Item, key: Hashable = None) -> bool:
        """
        Add a message; return whether there was room.

        Of messages with the same ``key``, unless that is ``None``, only the newest
        is kept.
        """
        if self._conflate is not None:
            key = (key or True) if self._conflate else None
        with self._lock:
            if key is not None:
                self.conflated += key in self._newest
                self._newest[key] = item
            elif len(self._coming) + len(self._going) < self.limit:
                self._coming.append(item)
            else:
                self.overflowed += 1
                return False
            was_read, self._is_read = self._is_read, True
        if not was_read:
            self._wake()
        return True

    def put_mark(self, item: Item, join: Callable[[Item, Item], Item]) -> None:
        """
        Add what must stay between the messages before and after, room or not.

        Marks, and the states between them, may take as much room again as messages.
        After that states stay behind the mark, where a newer one can replace them, and
        the mark becomes one with the mark before it: what ``join`` returns of the two.
        """
        with self._lock:
            if len(self._coming) + len(self._going) < 2 * self.limit:
                self._coming.extend(self._newest.values())
                self._newest.clear()
            elif self._coming:
                # Messages stopped at half of this, so the last one is a mark.
                item = join(self._coming.pop(), item)
            self._coming.append(item)
            was_read, self._is_read = self._is_read, True
        if not was_read:
            self._wake()

    def take(self) -> Item | None:
        """Return the next message; after ``None``, wait to be woken."""
        with self._lock:
            if not self._going and self._coming:
                self._coming.reverse()
                self._going, self._coming = self._coming, self._going
            if self._going:
                return self._going.pop()
            if self._newest:
                return self._newest.pop(next(iter(self._newest)))
            self._is_read = False
            return None

    def let_go(self) -> None:
        """Ask to be woken by the next message, whether or not all are taken."""
        with self._lock:
            self._is_read = False

    def keeps(self, *, is_lossless: bool) -> bool:
        """Whether each message counts here, and not just the newest."""
        return is_lossless if self._conflate is None else not self._conflate

    def clear(self) -> list[Item]:
        """Forget what waits; return it, in order."""
        with self._lock:
            waited = [*reversed(self._going), *self._coming, *self._newest.values()]
            self._coming.clear()
            self._going.clear()
            self._newest.clear()
        return waited
