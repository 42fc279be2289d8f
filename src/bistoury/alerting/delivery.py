"""
How messages leave: on a thread for each sink, so that none can delay anybody.

The client only puts a message into a bounded queue. A sink that hangs holds up its
own queue and nothing else; what finds no room there is dropped and counted.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from .message import Message
from .sinks import Sink

logger = logging.getLogger(__name__)

_MOST_WAITING = 50
_TRIES = 3
_WAIT = (1.0, 5.0)


@dataclass(slots=True)
class Post:
    """One sink's thread."""

    sink: Sink
    waits: tuple[float, ...] = _WAIT
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    last_error: str = ""
    _taken: int = 0
    _queue: queue.Queue[Message | None] = field(
        default_factory=lambda: queue.Queue(_MOST_WAITING)
    )
    _thread: threading.Thread | None = None

    def put(self, message: Message) -> None:
        """Take a message; never wait."""
        if self._thread is None:
            # A daemon: a sink that hangs must not keep the process alive.
            self._thread = threading.Thread(
                target=self._run, name="bistoury-alert", daemon=True
            )
            self._thread.start()
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            self.dropped += 1
        else:
            self._taken += 1

    @property
    def unfinished(self) -> int:
        """How many messages wait or are on their way."""
        return self._taken - self.sent - self.failed

    def close(self) -> None:
        """Let the thread end when it has sent what waits."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._queue.put_nowait(None)
            self._thread = None

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            self._send(message)

    def _send(self, message: Message) -> None:
        for number in range(_TRIES):
            try:
                self.sink.send(message)
            except Exception as error:  # noqa: BLE001 -- a sink's own trouble
                self.last_error = f"{type(error).__name__}: {error}"
                if number < len(self.waits):
                    time.sleep(self.waits[number])
            else:
                self.sent += 1
                return
        self.failed += 1
        logger.warning(
            "alert %r did not reach %s: %s",
            message.title,
            self.sink.name,
            self.last_error,
        )


class Delivery:
    """Every sink."""

    def __init__(self, sinks: list[Sink]) -> None:
        self.posts = [Post(sink) for sink in sinks]

    def put(self, message: Message) -> None:
        """Send a message everywhere; never wait."""
        for post in self.posts:
            post.put(message)

    async def finish(self, within: float) -> None:
        """Wait for what is on its way, at most so many seconds; then let go."""
        until = time.monotonic() + within
        # Threads are waited for: an event of the loop would need them to reach it.
        while time.monotonic() < until and any(it.unfinished for it in self.posts):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for post in self.posts:
            post.close()
