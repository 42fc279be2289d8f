"""
One frame for everybody: what the page is told, each second and at every change.

A frame is made once however many look, and not at all while nobody does. Who reads
slowly skips frames: each is complete, so the newest is all that matters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

from ..observability.snapshot import compact
from ..observability.verdict import Verdict
from ..observability.window import Window
from ..session import notices as heard
from ..session.notices import Notice
from .samples import Samples, figures_of
from .written import written

_EVERY = 1.0
_LEAST = 0.15
"""A burst of changes makes one frame each so many seconds."""
_SHARE = 0.04
"""How much of the loop's time frames may take: the more there is, the rarer."""

# What changes the picture at once; the rest waits for the next second.
_NEWS = (
    heard.StateChanged,
    heard.Disconnected,
    heard.Ready,
    heard.Gap,
    heard.Stale,
    heard.Refused,
    heard.Degraded,
)


class Broadcast:
    """Makes frames on a task of its own, from ``start`` to ``stop``."""

    def __init__(self, window: Window, state: Callable[[], dict[str, Any]]) -> None:
        self.samples = Samples()
        self.viewers = 0
        self.is_over = False
        self._window = window
        self._state = state
        self._frame = b""
        self._number = 0
        self._fresh = asyncio.Condition()
        self._news = asyncio.Event()
        self._stop_listening = window.listen(self._hear)
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name="bistoury-broadcast"
        )

    async def stop(self) -> None:
        """End every stream."""
        self._stop_listening()
        self.is_over = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        async with self._fresh:
            self._fresh.notify_all()

    def first(self) -> bytes:
        """Return what a new viewer needs: the past, and how things are now."""
        history = _event("history", self.samples.columns())
        return history + _event("state", compact(self._state()))

    async def next(self, seen: int) -> tuple[int, bytes]:
        """Wait for a frame newer than ``seen``; an empty one is the end."""
        async with self._fresh:
            await self._fresh.wait_for(lambda: self._number > seen or self.is_over)
            return self._number, b"" if self.is_over else self._frame

    @property
    def number(self) -> int:
        """The number of the newest frame."""
        return self._number

    def _hear(self, verdict: Verdict, notice: Notice | None) -> None:
        if notice is None or isinstance(notice, _NEWS):
            self._news.set()

    async def _run(self) -> None:
        while True:
            began = perf_counter()
            await self._make()
            pause = max(_LEAST, (perf_counter() - began) / _SHARE)
            await asyncio.sleep(pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, _EVERY - pause)):
                    await self._news.wait()
            self._news.clear()

    async def _make(self) -> None:
        window = self._window
        window.look()
        wall = window.moment().wall
        sample = self.samples.take(wall, lambda: window.read(figures_of))
        if not self.viewers:
            return
        frame = _event("state", compact(self._state()))
        if sample is not None:
            frame = _event("sample", sample) + frame
        async with self._fresh:
            self._frame, self._number = frame, self._number + 1
            self._fresh.notify_all()


def _event(name: str, value: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), written(value))
