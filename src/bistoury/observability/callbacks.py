"""
What handlers' calls took together, for Prometheus: sums that never go back.

A handler that left takes its figures with it, so those that were read of it last are
kept under its name. Names are bounded: what comes after so many is counted together.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from threading import Lock
from typing import Any, NamedTuple
from weakref import ref

from ..mailbox import Handler, Mailbox
from .addresses import shorten
from .handlers import Places

MOST_HANDLERS = 100
OTHERS = "others"
_LONGEST = 100


class Taken(NamedTuple):
    """Calls that ended, seconds that they took, and how many of them raised."""

    calls: int = 0
    seconds: float = 0.0
    errors: int = 0


class Callbacks:
    """Adds up, by the handlers' names; may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._names: set[str] = set()
        self._last: dict[ref[Mailbox[Any]], tuple[str, Taken]] = {}
        self._gone: dict[str, Taken] = {}

    def totals(self, places: Places) -> dict[str, Taken]:
        """Return what was taken, by name, of those who read now or did before."""
        boxes = [it for _, it in list(places) if isinstance(it, Mailbox)]
        with self._lock:
            now = {
                ref(box): (
                    self._name(box.handler),
                    Taken(box.calls, box.busy, box.failed),
                )
                for box in boxes
            }
            left = [it for box, it in self._last.items() if box not in now]
            _add(self._gone, left)
            self._last = now
            return _add(dict(self._gone), now.values())

    def _name(self, handler: Handler) -> str:
        name = plain_name(handler)
        if name not in self._names and len(self._names) >= MOST_HANDLERS:
            return OTHERS
        self._names.add(name)
        return name


def plain_name(handler: Handler) -> str:
    """Return a handler's name without what differs from one run to the next."""
    while isinstance(handler, partial):
        handler = handler.func
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    return shorten(name)[:_LONGEST]


def _add(sums: dict[str, Taken], more: Iterable[tuple[str, Taken]]) -> dict[str, Taken]:
    for name, taken in more:
        before = sums.get(name, Taken())
        sums[name] = Taken(
            before.calls + taken.calls,
            before.seconds + taken.seconds,
            before.errors + taken.errors,
        )
    return sums
