"""Watches one client and sends what people should know, from ``start`` to ``stop``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime, time
from typing import Any, Self

from ..errors import ConfigError
from ..observability.verdict import Standing, Verdict
from ..observability.window import Window
from ..session.notices import Notice
from .conditions import conditions
from .deadman import DeadMan
from .delivery import Delivery
from .engine import Engine
from .message import CLOSE, OPEN, TEST, Message
from .plan import AlertPlan
from .sinks import Send, sink_of

logger = logging.getLogger(__name__)

_EVERY = 1.0
_SENT_WITHIN = 2.0


def _local_time() -> time:
    return datetime.now().astimezone().time()


class Alerts:
    """
    Sends one opening and one closing message for each trouble.

    ``await`` it to start, or enter it with ``async with``.
    """

    def __init__(
        self,
        window: Window,
        plan: AlertPlan,
        to: Iterable[str | Send] = (),
        *,
        clock: Callable[[], time] = _local_time,
    ) -> None:
        sinks = [sink_of(it) for it in (*plan.to, *to)]
        if not sinks and not plan.ping_url:
            raise ConfigError("to", "nothing", "at least one place to send alerts to")
        self.plan = plan
        self.delivery = Delivery(sinks)
        self.sent: int = 0
        """Messages so far, each counted once however many sinks there are."""
        self.errors: int = 0
        """How often the watch itself failed; it goes on all the same."""
        self._is_blind = False
        self._window = window
        self._clock = clock
        self._engine = Engine(plan, window.moment().now, self._fate)
        self._tasks: list[asyncio.Task[None]] = []
        self._stop_listening: Callable[[], None] = lambda: None

    async def start(self) -> Self:
        """Begin to watch; do nothing if it does already."""
        if not self._tasks:
            self._stop_listening = self._window.listen(self._hear)
            loop = asyncio.get_running_loop()
            self._tasks.append(loop.create_task(self._run(), name="bistoury-alerts"))
            if self.plan.ping_url:
                ping = DeadMan(self.plan.ping_url, self.plan.ping_every, self._is_well)
                self._tasks.append(loop.create_task(ping.run(), name="bistoury-alive"))
        return self

    async def stop(self) -> None:
        """Stop watching; what is on its way has two seconds."""
        self._stop_listening()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.delivery.finish(_SENT_WITHIN)

    def test(self) -> None:
        """Send an opening and a closing that say they are a test."""
        for message in test_messages():
            self.delivery.put(message)

    def __await__(self) -> Generator[Any, None, Self]:
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _hear(self, verdict: Verdict, notice: Notice | None) -> None:
        if notice is not None:
            self._guarded(lambda: self._engine.observe(notice, self._now()))

    async def _run(self) -> None:
        while True:
            self._is_blind = not self._guarded(self._tick)
            await asyncio.sleep(_EVERY)

    def _tick(self) -> None:
        self._window.look()
        facts = self._window.read(conditions)
        for message in self._engine.tick(facts, self._now(), self._clock()):
            self.sent += 1
            self.delivery.put(message)

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Do it; whatever it raises must end neither the watch nor the client."""
        try:
            work()
        except Exception as error:
            self.errors += 1
            if self.errors == 1:
                logger.exception("alerts cannot watch: %s", type(error).__name__)
            return False
        return True

    def _now(self) -> float:
        return self._window.moment().now

    def _is_well(self) -> bool:
        # Who cannot see must not say that all is well.
        return not self._is_blind and self._window.look().standing is not Standing.DOWN

    def _fate(self) -> str:
        """Return what became of the last outage, in words."""
        account = self._window.last_outage()
        if account is None:
            return ""
        return f"{account['title']}\n{account['fate']}"


def test_messages() -> Iterator[Message]:
    """Yield an opening and a closing that say they are a test."""
    body = "This is a test of bistoury's alerts. Nothing is wrong."
    yield Message(OPEN, TEST, "test-1", "warning", "Test: a trouble begins", body)
    yield Message(CLOSE, TEST, "test-1", "info", "Test: the trouble is over", body)
