"""Tasks the client started and answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Errands:
    """Keeps a hold of tasks until they end, and ends them all when asked."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[Any, Any, None]) -> None:
        """Begin an errand on the running loop."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(errand, name="bistoury-errand")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """End every errand."""
        for task in list(self._tasks):
            task.cancel()
