"""Waiting for something about the session to become true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Predicate = Callable[[], bool]


class Waiting:
    """Looks, whenever something happened, at what is being waited for."""

    def __init__(self) -> None:
        self._waiters: dict[asyncio.Future[None], Predicate] = {}

    async def until(self, predicate: Predicate, timeout: float | None) -> bool:
        """Wait until ``predicate`` holds; return whether it did in time."""
        if predicate():
            return True
        future = asyncio.get_running_loop().create_future()
        self._waiters[future] = predicate
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            return predicate()
        finally:
            self._waiters.pop(future, None)
        return True

    def look(self) -> None:
        """See whose wait is over."""
        for future, predicate in list(self._waiters.items()):
            if not future.done() and predicate():
                future.set_result(None)

    def clear(self) -> None:
        """Forget the waiters of a loop that is no more."""
        self._waiters.clear()
