"""
How one handler gets its messages.

A plain function is called at once. A coroutine function has a bounded mailbox
and is awaited one message at a time, in order; its trouble is its own.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Handler = Callable[[Any], Any]

DEFAULT_LIMIT = 10_000
"""Messages a mailbox holds before it overflows."""


def is_coroutine_function(handler: Handler) -> bool:
    """Return whether calling ``handler`` only begins its work."""
    call = getattr(handler, "__call__", None)  # noqa: B004 -- an object may be callable
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


class Mailbox(Generic[Item]):
    """Messages on their way to one handler; closed when nobody wants them."""

    def __init__(
        self,
        handler: Handler,
        open_item: Callable[[Item], Any],
        failed: Callable[[Handler, BaseException], None],
        limit: int = DEFAULT_LIMIT,
    ) -> None:
        self.handler = handler
        self.is_closed = False
        self.handled = 0
        """Calls that ended well."""
        self.conflated = 0
        """Messages that a newer one replaced before they were read."""
        self.overflowed = 0
        """Messages that found no room."""
        self._open_item = open_item
        self._failed = failed
        self._limit = limit
        self._is_direct = not is_coroutine_function(handler)
        self._waiting: deque[Awaitable[Any] | tuple[Item]] = deque()
        self._newest: dict[Hashable, Item] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return len(self._waiting) + len(self._newest)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task in which the handler runs, while it does."""
        return self._task

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        return len(self._waiting) < self._limit

    def put_gap(self, gap: object) -> None:
        """Hear of a gap: handlers hear of it as an event, not between messages."""

    def put(self, item: Item, conflate: Hashable = None) -> bool:
        """
        Take a message for the handler; return whether there was room.

        Of messages with the same ``conflate``, unless that is ``None``, only the
        newest is kept.
        """
        if self.is_closed:
            return True
        if self._is_direct:
            self._call(item)
        elif conflate is not None:
            if conflate in self._newest:
                self.conflated += 1
            self._newest[conflate] = item
            self._wake()
        elif len(self._waiting) < self._limit:
            self._waiting.append((item,))
            self._wake()
        else:
            self.overflowed += 1
            return False
        return True

    def close(self) -> None:
        """Let no further call happen; a running one goes on."""
        self.is_closed = True
        self._discard()

    async def finish(self, within: float) -> None:
        """Let running and waiting calls end; cancel them after ``within`` seconds."""
        task = self._task
        if task is None or task is asyncio.current_task():
            return  # idle, or it is this very handler that asks
        _, unfinished = await asyncio.wait([task], timeout=within)
        if unfinished:
            self._discard()
            task.cancel()
            await asyncio.wait([task], timeout=within)

    def _discard(self) -> None:
        for waiting in self._waiting:
            if inspect.iscoroutine(waiting):
                waiting.close()
        self._waiting.clear()
        self._newest.clear()

    def _call(self, item: Item) -> None:
        try:
            result = self.handler(self._open_item(item))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            self._failed(self.handler, error)
            return
        if result is not None and inspect.isawaitable(result):
            # A lambda around a coroutine function looks plain until it is called.
            self._is_direct = False
            self._waiting.append(result)
            self._wake()
        else:
            self.handled += 1

    def _wake(self) -> None:
        # A task for as long as there is work: an idle handler costs nothing, and a
        # burst costs one task.
        if self._task is None:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), name="bistoury-handler")

    async def _run(self) -> None:
        task = asyncio.current_task()
        try:
            while (item := self._next()) is not None:
                try:
                    if isinstance(item, tuple):
                        item = self.handler(self._open_item(item[0]))
                    if inspect.isawaitable(item):
                        await item
                    self.handled += 1
                except asyncio.CancelledError as error:
                    if task is None or task.cancelling():
                        raise
                    # Not this task was cancelled: something the handler awaits was.
                    self._failed(self.handler, error)
                except Exception as error:  # noqa: BLE001 -- a handler's own trouble
                    self._failed(self.handler, error)
        finally:
            self._task = None

    def _next(self) -> Awaitable[Any] | tuple[Item] | None:
        if self._waiting:
            return self._waiting.popleft()
        if self._newest:
            return (self._newest.pop(next(iter(self._newest))),)
        return None
