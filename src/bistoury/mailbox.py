"""
How one handler gets its messages.

A plain function is called at once. A coroutine function has a bounded mailbox
and is awaited one message at a time, in order; its trouble is its own. A handler
that lives in another thread than the connection has a mailbox in either case.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Hashable
from enum import Enum, auto
from time import perf_counter
from typing import Any, Generic, Protocol, TypeVar

from .backlog import DEFAULT_LIMIT, Backlog

Item = TypeVar("Item")
Handler = Callable[[Any], Any]

SLOW_AFTER = 1.0
"""Seconds that one call of a handler may take before somebody should know."""
_TURN = 0.01
"""Seconds after which a plain function at home lets its loop have a turn."""


class Reporter(Protocol):
    """Who hears of handlers' trouble. Nothing here may raise."""

    def handler_failed(self, handler: Handler, error: BaseException) -> None:
        """Hear that a handler raised."""
        ...

    def handler_slow(self, handler: Handler, seconds: float, waiting: int) -> None:
        """Hear that one call took long, and how many messages wait."""
        ...


class Home(Protocol):
    """The thread in which handlers are called."""

    def post(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` there, soon; do nothing if that thread is gone."""
        ...


class _Gap(Enum):
    """Where a gap is, between messages."""

    HERE = auto()


def is_coroutine_function(handler: Handler) -> bool:
    """Return whether calling ``handler`` only begins its work."""
    call = getattr(handler, "__call__", None)  # noqa: B004 -- an object may be callable
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


def name_of(handler: Handler) -> str:
    """Return what people call a handler."""
    return getattr(handler, "__qualname__", None) or repr(handler)


class Mailbox(Generic[Item]):
    """Messages on their way to one handler; closed when nobody wants them."""

    def __init__(
        self,
        handler: Handler,
        open_item: Callable[[Item], Any],
        reporter: Reporter,
        limit: int = DEFAULT_LIMIT,
        *,
        conflate: bool | None = None,
        home: Home | None = None,
        before_gap: Callable[[], None] | None = None,
    ) -> None:
        self.handler = handler
        self.is_closed = False
        self.is_typed = False
        """Whether ``open_item`` makes Structs."""
        self.handled = 0
        """Calls that ended well."""
        self.failed = 0
        """Calls that raised."""
        self.busy = 0.0
        """Seconds that all calls took together."""
        self.slowest = 0.0
        """Seconds that the longest call took."""
        self.backlog: Backlog[Item | _Gap] = Backlog(
            self._wake, limit, conflate=conflate
        )
        self._open_item = open_item
        self._reporter = reporter
        self._home = home
        self._before_gap = before_gap
        self._is_plain = not is_coroutine_function(handler)
        self.direct_call: Callable[[Item], None] | None = None
        """What calls the handler with a message at once, if that may be done."""
        if self._is_plain and home is None:
            self.direct_call = self._call
        self._begun: Awaitable[Any] | None = None
        self._running: Item | None = None
        """What a coroutine function works on."""
        self._task: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """How many messages wait."""
        return len(self.backlog)

    @property
    def calls(self) -> int:
        """How many calls ended, well or not."""
        return self.handled + self.failed

    @property
    def conflated(self) -> int:
        """Messages that a newer one replaced before they were read."""
        return self.backlog.conflated

    @property
    def overflowed(self) -> int:
        """Messages that found no room."""
        return self.backlog.overflowed

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task in which the handler runs, while it does."""
        return self._task

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        return self.backlog.has_room

    def put_gap(self, gap: object) -> None:
        """
        Hear of a gap: handlers hear of it as an event, not between messages.

        Elsewhere the event waits for its turn as messages do, and must come before
        those that come after the gap.
        """
        if self._home is not None and self._before_gap is not None:
            self.backlog.put_mark(_Gap.HERE, lambda _, new: new)

    def catch_up(self) -> None:
        """Call a plain function at once with all that waits; from its own thread."""
        while self._is_plain and not self.is_closed:
            item = self.backlog.take()
            if item is None:
                return
            self._take(item)

    def put(self, item: Item, conflate: Hashable = None) -> bool:
        """
        Take a message for the handler; return whether there was room.

        Of messages with the same ``conflate``, unless that is ``None``, only the
        newest is kept.
        """
        if self.is_closed:
            return True
        if self.direct_call is not None:
            self.direct_call(item)
            return True
        return self.backlog.put(item, conflate)

    def close(self) -> None:
        """Let no further call happen; a running one goes on."""
        self.is_closed, self.direct_call = True, None
        self._discard()

    async def finish(self, within: float) -> list[Item]:
        """
        Let running and waiting calls end; cancel them after ``within`` seconds.

        Returns the messages that came to nothing, in order.
        """
        task = self._task
        if task is None or task is asyncio.current_task():
            return []  # idle, or it is this very handler that asks
        _, unfinished = await asyncio.wait([task], timeout=within)
        if not unfinished:
            return []
        dropped = self._discard()
        task.cancel()
        await asyncio.wait([task], timeout=within)
        # A handler may also end its work although it is cancelled.
        if task.cancelled() and self._running is not None:
            dropped.insert(0, self._running)
        return dropped

    def _discard(self) -> list[Item]:
        waited = self.backlog.clear()
        begun, self._begun = self._begun, None
        if inspect.iscoroutine(begun):
            begun.close()
        return [it for it in waited if not isinstance(it, _Gap)]

    def _take(self, item: Item | _Gap) -> None:
        if not isinstance(item, _Gap):
            self._call(item)
        elif self._before_gap is not None:
            self._before_gap()

    def _call(self, item: Item) -> None:
        began = perf_counter()
        try:
            result = self.handler(self._open_item(item))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            self._raised(error)
            self._took(perf_counter() - began)
            return
        if result is None or not inspect.isawaitable(result):
            self.handled += 1
            seconds = perf_counter() - began
            if seconds > self.slowest or seconds >= SLOW_AFTER:
                self._took(seconds)
            else:
                self.busy += seconds
            return
        # A lambda around a coroutine function looks plain until it is called.
        self._is_plain, self.direct_call = False, None
        self._begun, self._running = result, item
        self._begin()

    def _raised(self, error: BaseException) -> None:
        self.failed += 1
        self._reporter.handler_failed(self.handler, error)

    def _took(self, seconds: float) -> None:
        self.busy += seconds
        self.slowest = max(self.slowest, seconds)
        if seconds >= SLOW_AFTER:
            self._reporter.handler_slow(self.handler, seconds, self.depth)

    def _wake(self) -> None:
        if self._home is None:
            self._begin()
        else:
            self._home.post(self._begin)

    def _begin(self) -> None:
        # A task for as long as there is work: an idle handler costs nothing, and a
        # burst costs one task.
        if self._is_plain:
            self._work_off()
        elif self._task is None:
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), name="bistoury-handler")

    def _work_off(self) -> None:
        """Call a plain function with what waits, from its own thread."""
        until = perf_counter() + _TURN
        while perf_counter() < until:
            item = None if self.is_closed else self.backlog.take()
            if item is None:
                return
            self._take(item)
            if not self._is_plain:
                return  # a task goes on with the rest
        asyncio.get_running_loop().call_soon(self._work_off)

    async def _run(self) -> None:
        task = asyncio.current_task()
        try:
            while (call := self._next()) is not None:
                began = perf_counter()
                try:
                    result = call if inspect.isawaitable(call) else call()
                    if inspect.isawaitable(result):
                        await result
                    self.handled += 1
                except asyncio.CancelledError as error:
                    if task is None or task.cancelling():
                        raise
                    # Not this task was cancelled: something the handler awaits was.
                    self._raised(error)
                except Exception as error:  # noqa: BLE001 -- a handler's own trouble
                    self._raised(error)
                self._took(perf_counter() - began)
        finally:
            self._task = None
            self.backlog.let_go()

    def _next(self) -> Awaitable[Any] | Callable[[], Any] | None:
        begun, self._begun = self._begun, None
        if begun is not None:
            return begun
        item = None if self.is_closed else self.backlog.take()
        if item is None:
            self._running = None
            return None
        if isinstance(item, _Gap):
            return self._before_gap
        self._running = item
        return lambda: self.handler(self._open_item(item))
