"""
When the next REST request may be sent.

What a request costs is partly known only by its answer, so the worst case is
held back while it is on its way: many requests at once cannot overdraw the
budget together. Who asks first is served first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

from ..errors import ConfigError
from ..session.budget import Window


class WeightBudget:
    """Spends the weight of one ``window``, on whatever loop is running."""

    def __init__(
        self, window: Window, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.window = window
        self._clock = clock
        self._held = 0
        self._quiet_until = -inf
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def take(self, what: str, weight: int, more: int) -> int:
        """
        Wait for room for ``weight`` and perhaps ``more``; then spend ``weight``.

        Returns what is held back until ``settle`` is called with it.

        Raises:
            ConfigError: it would never fit.
        """
        if weight > self.window.limit:
            allowed = f"at least {weight}, which is what {what} costs"
            raise ConfigError("rest_weight_per_minute", self.window.limit, allowed)
        self._bind()
        held = min(more, self.window.limit - weight)
        async with self._turn:
            while (at := self._fits_at(weight, held)) > (now := self._clock()):
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if at == inf else at - now):
                        await self._changed.wait()
            self.window.take(self._clock(), weight)
            self._held += held
        return held

    def settle(self, held: int, weight: int) -> None:
        """Give back what was held and spend what the answer really cost."""
        self._held -= held
        if weight:
            self.window.take(self._clock(), weight)
        self._changed.set()

    @property
    def pause_left(self) -> float:
        """For how many seconds the venue still wants to hear nothing."""
        return max(0.0, self._quiet_until - self._clock())

    def pause(self, seconds: float) -> None:
        """Let nothing more out for a while: the venue asked for it."""
        self._quiet_until = max(self._quiet_until, self._clock() + seconds)

    def _fits_at(self, weight: int, held: int) -> float:
        now = self._clock()
        fits = self.window.frees_at(now, weight, reserve=self._held + held)
        return max(fits, self._quiet_until)

    def _bind(self) -> None:
        """Forget the waiting of a loop that is gone; the spending stays."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._held = loop, 0
            self._turn, self._changed = asyncio.Lock(), asyncio.Event()
