"""Waiting: for something about the session to become true, or for an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


class Departures:
    """Lets who comes wait for who leaves."""

    def __init__(self) -> None:
        self._count = 0
        self._under_way: list[asyncio.Future[None]] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """Be a departure for as long as the block lasts."""
        future = asyncio.get_running_loop().create_future()
        self._count += 1
        self._under_way.append(future)
        try:
            yield
        finally:
            self._under_way.remove(future)
            future.cancel()  # nobody has to know more than that it is over

    async def are_over(self) -> bool:
        """Wait until all are; return whether no other one began meanwhile."""
        count, here = self._count, asyncio.get_running_loop()
        # What a loop that is no more has left behind is not waited for.
        while futures := [it for it in self._under_way if it.get_loop() is here]:
            await asyncio.wait(futures)
        return count == self._count
