"""
Where is a host? Asked in a daemon thread of our own, one look-up at a time.

``getaddrinfo`` cannot be cancelled. In the loop's default executor a hanging
one holds a worker that all else shares, and delays the interpreter's exit; in
a daemon thread it does neither. The thread starts with the first question and
ends with the last, so that none is left while nobody asks. Who asks for what
is already being looked up shares the answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock, Thread
from typing import Any

AddressInfo = tuple[int, int, int, str, Any]
"""What ``socket.getaddrinfo`` returns: family, type, protocol, name, address."""

Lookup = Callable[[str, int, int], Iterable[AddressInfo]]
"""How to look up a host, a port and an address family; may block."""

_Question = tuple[str, int, int]
_Answer = list[AddressInfo] | Exception
_Future = asyncio.Future[list[AddressInfo]]


def system_lookup(host: str, port: int, family: int) -> list[AddressInfo]:
    """Ask the operating system, for as long as it takes."""
    return list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))


class Resolver:
    """Answers where a host is, in the order of asking."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._lock = Lock()
        # In the order of asking; the first is the one being looked up.
        self._asked: dict[_Question, list[_Future]] = {}

    async def resolve(self, host: str, port: int, family: int = 0) -> list[AddressInfo]:
        """
        Return the addresses of ``host``.

        The caller sets the deadline, by cancelling. A look-up that hangs goes
        on in its thread, and whoever asks for another host waits behind it.

        Raises:
            OSError: the host is not known, or has no address in ``family``.
        """
        if literal := _literal(host, port, family):
            return literal
        future: _Future = asyncio.get_running_loop().create_future()
        question = (host, port, family)
        self._ask(question, future)
        try:
            return await future
        finally:
            self._forget(question, future)

    def _ask(self, question: _Question, future: _Future) -> None:
        with self._lock:
            if not self._asked:
                # Before the question is noted: if no thread can be had, the
                # next one to ask tries again.
                self._start(question)
            self._asked.setdefault(question, []).append(future)

    def _start(self, question: _Question) -> None:
        Thread(
            target=self._work, args=(question,), name="bistoury-resolver", daemon=True
        ).start()

    def _forget(self, question: _Question, future: _Future) -> None:
        with self._lock, suppress(KeyError, ValueError):
            self._asked[question].remove(future)

    def _work(self, question: _Question | None) -> None:
        while question is not None:
            answer: _Answer
            try:
                answer = list(self._lookup(*question))
            except Exception as error:  # noqa: BLE001 -- handed to who asked
                answer = error
            except BaseException as error:  # noqa: BLE001 -- would end their loop
                answer = OSError(f"the look-up ended with {error!r}")
            with self._lock:
                futures = self._asked.pop(question)
                question = self._next()
            for future in futures:
                # A loop closed meanwhile takes no more callbacks: nobody waits.
                with suppress(RuntimeError):
                    future.get_loop().call_soon_threadsafe(_settle, future, answer)

    def _next(self) -> _Question | None:
        for question in list(self._asked):
            if self._asked[question]:
                return question
            del self._asked[question]
        return None


def _literal(host: str, port: int, family: int) -> list[AddressInfo]:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    try:
        return list(
            socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, flags)
        )
    except (OSError, UnicodeError):
        return []


def _settle(future: _Future, answer: _Answer) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
