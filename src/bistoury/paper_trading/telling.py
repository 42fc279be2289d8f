"""Who hears of facts: handlers by name, and iterators over all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from logging import ERROR
from typing import Any

from ..errors import ConfigError
from ..observability.failures import log_failure
from .events import NAMES, Event

logger = logging.getLogger(__name__)
Handler = Callable[[Any], Any]

_FAILED = "a handler of paper trading failed"


class Telling:
    """Tells facts in order; a handler's trouble is its own."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = {}
        self._streams: list[asyncio.Queue[Event | None]] = []
        self._tasks: set[asyncio.Future[Any]] = set()

    def on(self, name: str, handler: Handler) -> Callable[[], None]:
        """
        Let ``handler`` hear of what is called ``name``; return what takes it back.

        Raises:
            ConfigError: there is no such event, or the handler cannot be called.
        """
        kind = NAMES.get(name) if isinstance(name, str) else None
        if kind is None:
            raise ConfigError("event", name, f"one of {', '.join(NAMES)}")
        if not callable(handler):
            raise ConfigError("handler", handler, "a function or a coroutine function")
        handlers = self._handlers.setdefault(kind, [])
        handlers.append(handler)

        def remove() -> None:
            if handler in handlers:
                handlers.remove(handler)

        return remove

    def tell(self, event: Event) -> None:
        """Tell one fact to everyone who wants to know."""
        for stream in self._streams:
            stream.put_nowait(event)
        for handler in list(self._handlers.get(type(event), ())):
            try:
                result = handler(event)
            except Exception as error:  # noqa: BLE001 -- a handler's own trouble
                log_failure(logger, ERROR, _FAILED, error)
                continue
            if asyncio.iscoroutine(result):
                task = asyncio.ensure_future(result)
                self._tasks.add(task)
                task.add_done_callback(self._done)

    async def events(self) -> AsyncIterator[Event]:
        """Yield every fact from the first ``anext`` on."""
        stream: asyncio.Queue[Event | None] = asyncio.Queue()
        self._streams.append(stream)
        try:
            while (event := await stream.get()) is not None:
                yield event
        finally:
            self._streams.remove(stream)

    async def finish(self, within: float) -> None:
        """End the iterators, and running handlers after ``within`` seconds."""
        for stream in self._streams:
            stream.put_nowait(None)
        asking = asyncio.current_task()
        running = [it for it in self._tasks if it is not asking]
        if running:
            _, unfinished = await asyncio.wait(running, timeout=within)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished)

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log_failure(logger, ERROR, _FAILED, error)
