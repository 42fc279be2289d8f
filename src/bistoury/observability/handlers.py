"""How the handlers keep up: what waits for each of them, and how long they take."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Protocol

from ..backlog import Backlog
from ..mailbox import Handler, Mailbox, name_of

_BEHIND = 0.5
"""The share of its room that a handler's messages may take before it is behind."""


class Reader(Protocol):
    """A handler's mailbox, or a stream."""

    backlog: Backlog[Any]

    @property
    def handler(self) -> Handler:
        """Whoever gets the messages."""
        ...


Places = Iterable[tuple[Hashable, Reader]]


def handlers(places: Places) -> list[dict[str, Any]]:
    """Return the figures of each reader; ``places`` tells who reads what."""
    return [_figures(str(what), reader) for what, reader in places]


def late(places: Places) -> list[str]:
    """Return a sentence for each reader that is far behind."""
    return [
        f"handler {name_of(reader.handler)} is behind on {what}:"
        f" {len(reader.backlog)} of {reader.backlog.limit} messages wait"
        for what, reader in places
        if len(reader.backlog) > reader.backlog.limit * _BEHIND
    ]


def _figures(what: str, reader: Reader) -> dict[str, Any]:
    box = reader if isinstance(reader, Mailbox) else None
    return {
        "handler": name_of(reader.handler),
        "of": what,
        "waiting": len(reader.backlog),
        "room": reader.backlog.limit,
        "conflated": reader.backlog.conflated,
        "overflowed": reader.backlog.overflowed,
        "calls": box.calls if box else None,
        "errors": box.failed if box else None,
        "busy_seconds": box.busy if box else None,
        "slowest_seconds": box.slowest if box else None,
    }
