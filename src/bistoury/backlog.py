"""
Messages that wait for one reader: bounded, in order, the newest state only.

Whoever puts may be in another thread than whoever takes.
"""

from __future__ import annotations

from collections import deque
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
        self._waiting: deque[Item] = deque()
        self._newest: dict[Hashable, Item] = {}
        self._is_read = False
        """Whether the reader is at it, and will find what is put meanwhile."""
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._newest)

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        return len(self._waiting) < self.limit

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
            elif len(self._waiting) < self.limit:
                self._waiting.append(item)
            else:
                self.overflowed += 1
                return False
            was_read, self._is_read = self._is_read, True
        if not was_read:
            self._wake()
        return True

    def put_mark(self, item: Item) -> None:
        """Add what must stay between the messages before and after, room or not."""
        with self._lock:
            self._waiting.extend(self._newest.values())
            self._newest.clear()
            self._waiting.append(item)
            was_read, self._is_read = self._is_read, True
        if not was_read:
            self._wake()

    def take(self) -> Item | None:
        """Return the next message; after ``None``, wait to be woken."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._newest:
                return self._newest.pop(next(iter(self._newest)))
            self._is_read = False
            return None

    def let_go(self) -> None:
        """Ask to be woken by the next message, whether or not all are taken."""
        with self._lock:
            self._is_read = False

    def clear(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()
            self._newest.clear()
