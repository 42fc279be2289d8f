"""
From facts to whoever waits for them, by way of the disk.

What is told was written before: nobody hears of a fill, and no order is
acknowledged, that a ``kill -9`` a moment later could take back. Batches that gather
while the disk is busy go into one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .events import Event
from .journal import JournalError, PaperJournal


class Writer:
    """Writes batches in order, in a thread, and hands them on."""

    def __init__(
        self,
        journal: PaperJournal | None,
        tell: Callable[[list[Event]], None],
        failed: Callable[[JournalError], None],
    ) -> None:
        self._journal = journal
        self._tell = tell
        self._failed = failed
        self._waiting: list[Event] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = (
            ThreadPoolExecutor(1, "bistoury-paper-journal")
            if journal is not None
            else None
        )
        self.error: JournalError | None = None
        """Why nothing is written any more."""

    def put(self, batch: list[Event]) -> None:
        """Take what came of one message."""
        if self.error is not None:
            return
        if self._journal is None:
            self._tell(batch)
            return
        self._waiting += batch
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._write(), name="bistoury-paper-journal"
            )

    async def finish(self) -> None:
        """Wait until all is written, and close the journal."""
        if self._task is not None:
            await self._task
        if self._thread is not None:
            self._thread.shutdown()
        if self._journal is not None:
            self._journal.close()

    async def _write(self) -> None:
        assert self._journal is not None
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await loop.run_in_executor(self._thread, self._journal.append, batch)
                self._tell(batch)
        except JournalError as error:
            self.error = error
            self._waiting.clear()
            self._failed(error)
        finally:
            self._task = None
