"""
An event loop in a thread of its own, and the way there and back.

What runs in it is not held up by whatever blocks the loop of those who use it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")

_LOOK_EVERY = 1.0
_WAIT_FOR_PLAIN_CALLS = 10.0


class IoThread:
    """
    Runs what it is given beside ``home_loop``, which is where its user lives.

    The thread is a daemon: it never keeps a program from ending. ``orphaned`` is
    called in it should the loop at home be closed without a word.
    """

    def __init__(self, orphaned: Callable[[], None]) -> None:
        self.home_loop: asyncio.AbstractEventLoop | None = None
        self._orphaned = orphaned
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ended: Future[None] | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether it runs, and the caller is not in it."""
        thread = self._thread
        return thread is not None and thread is not threading.current_thread()

    @property
    def is_running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None

    @property
    def is_current(self) -> bool:
        """Whether the caller is in it."""
        return self._thread is threading.current_thread()

    def start(self, home_loop: asyncio.AbstractEventLoop) -> None:
        """Begin, unless it has begun; serve ``home_loop`` from now on."""
        self.home_loop = home_loop
        if self._thread is None:
            self._loop = asyncio.new_event_loop()
            self._ended = Future()
            self._thread = threading.Thread(
                target=self._main,
                args=(self._loop, self._ended),
                name="bistoury-io",
                daemon=True,
            )
            self._thread.start()

    async def stop(self) -> None:
        """End the thread, and whatever still runs in it."""
        thread, loop, ended = self._thread, self._loop, self._ended
        if thread is None or loop is None or ended is None:
            return
        self._thread = self._loop = self._ended = None
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.wrap_future(ended)
        thread.join()

    def post(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` at home, soon; do nothing if nobody is there any more."""
        if self.home_loop is not None and not self.home_loop.is_closed():
            try:
                self.home_loop.call_soon_threadsafe(callback)
            except RuntimeError:
                if not self.home_loop.is_closed():
                    raise

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await ``work`` in the thread; cancelling cancels it there, and waits."""
        loop = self._loop
        assert loop is not None
        ended: Future[None] = Future()
        tasks: list[asyncio.Task[Result]] = []

        def begin() -> None:
            tasks.append(loop.create_task(work))
            tasks[0].add_done_callback(lambda _: ended.set_result(None))

        def cancel() -> None:
            tasks[0].cancel()  # there by now: ``begin`` came first

        loop.call_soon_threadsafe(begin)
        waiting = asyncio.wrap_future(ended)
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            loop.call_soon_threadsafe(cancel)
            await waiting
            if not tasks[0].cancelled():
                tasks[0].exception()  # seen, so that nobody complains about it
            raise
        return tasks[0].result()

    def call(self, work: Callable[[], Result]) -> Result:
        """Return what a quick ``work`` returns in the thread; waits for it."""
        loop = self._loop
        assert loop is not None
        answer: Future[Result] = Future()

        def do() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001 -- raised where it was asked
                answer.set_exception(error)

        loop.call_soon_threadsafe(do)
        return answer.result(_WAIT_FOR_PLAIN_CALLS)

    def _main(self, loop: asyncio.AbstractEventLoop, ended: Future[None]) -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(self._look_home, loop)
        try:
            loop.run_forever()
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            ended.set_result(None)

    def _look_home(self, loop: asyncio.AbstractEventLoop) -> None:
        """End with the loop that is served: a program may forget to say goodbye."""
        if self.home_loop is None or not self.home_loop.is_closed():
            loop.call_later(_LOOK_EVERY, self._look_home, loop)
            return
        self._orphaned()
        self._thread = self._loop = self._ended = None
        loop.call_later(_LOOK_EVERY, loop.stop)  # connections close politely till then
