"""
How a command runs: one event loop, signals that end it in time, exit statuses.

The first Ctrl-C cancels the work, which closes what it opened; the second leaves
at once. Whatever hangs meanwhile, the process is gone within two seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, NoReturn, Self

import typer

from ..errors import (
    BistouryError,
    ConfigError,
    ConnectionLimitError,
    SubscriptionLimitError,
)

DONE = 0
BAD = 1
WRONG_USE = 2
UNREACHABLE = 3
INTERRUPTED = 130

_PATIENCE = 1.6
"""Seconds that a clean end may take after a signal; the promise is two."""

Work = Callable[[], Coroutine[Any, Any, int]]


def run(work: Work) -> NoReturn:
    """Run a command's work and leave with its exit status."""
    raise typer.Exit(execute(work))


def execute(work: Work) -> int:
    """Run ``work`` on a new event loop; return the exit status."""
    with _Signals() as signals:
        try:
            with asyncio.Runner() as runner:
                status = runner.run(signals.guard(work))
        except asyncio.CancelledError:
            status = INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output has seen enough: ``bistoury stream … | head``.
            let_go_of_stdout()
            status = DONE
        except (ConfigError, SubscriptionLimitError, ConnectionLimitError) as error:
            say(str(error))
            status = WRONG_USE
        except BistouryError as error:
            say(str(error))
            status = BAD
        return status if signals.status is None else signals.status


def say(text: str) -> None:
    """Write a line that is no data."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def prepare() -> None:
    """Make the process ready to be interrupted, and to print any character."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    # Until a command runs there is nothing to close.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: sys.exit(128 + got))


class _Signals:
    """Turns SIGINT and SIGTERM into a cancellation with an exit status."""

    def __init__(self) -> None:
        self.status: int | None = None
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    async def guard(self, work: Work) -> int:
        """Do the work, unless a signal came before it began."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self.status is not None:
            return self.status
        return await work()

    def _heard(self, number: int, _: FrameType | None) -> None:
        status = 128 + number
        if self.status is not None:
            os._exit(status)
        self.status = status
        # In a thread, because the loop itself may be what hangs. It is not called
        # off when the work is over: what hangs may also come after that.
        net = threading.Timer(_PATIENCE, os._exit, (status,))
        net.daemon = True
        net.start()
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)


def let_go_of_stdout() -> None:
    """Let the interpreter's last flush go nowhere instead of failing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
