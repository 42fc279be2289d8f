"""
What a journal consists of: JSON lines.

An object begins a run or a line; a list is something that happened to a line at a
moment of its time: what frames had changed, an event, or what the session told.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..session import Policy
from ..session import effects as do
from ..session.events import Event
from ..session.facts import Facts
from ..session.notices import Notice
from ..session.session import Session

VERSION = 1


class Began(msgspec.Struct, frozen=True, kw_only=True, tag="began"):
    """The beginning of a file: a run, or the next part of one."""

    v: int = VERSION
    run: str
    """What all parts of one run have in common."""
    part: int = 1
    version: str = ""
    chance: tuple[int, tuple[int, ...], float | None] | None = None
    """Where the jitter comes from, as ``random.Random`` keeps it."""
    threshold: int = 5
    timeout: float = 300.0
    is_gate: bool = False


class Lined(msgspec.Struct, frozen=True, kw_only=True, tag="line"):
    """The beginning of a line."""

    v: int = VERSION
    line: int
    policy: Policy


What = Event | Facts | list[Notice]


class Happened(msgspec.Struct, frozen=True, array_like=True):
    """Something that happened to a line."""

    line: int
    at: float
    what: What


Record = Began | Lined | Happened

_head = msgspec.json.Decoder(Began | Lined)
_body = msgspec.json.Decoder(Happened)
encode = msgspec.json.Encoder().encode


def decode(text: bytes) -> Record:
    """
    Read one line of a journal.

    Raises:
        ValueError: it is damaged, or written by a version that knew more.
    """
    record: Record = (_body if text[:1] == b"[" else _head).decode(text)
    if isinstance(record, Began | Lined) and record.v != VERSION:
        raise ValueError(f"written in version {record.v}; this reads {VERSION}")
    return record


def told(session: Session, effects: list[do.Effect]) -> list[Notice]:
    """Return what a session's effects tell, once they are carried out."""
    notices: list[Notice] = []
    for effect in effects:
        match effect:
            case do.Announce(notice):
                notices.append(notice)
            case do.CloseGap(gap, before):
                entry = session.registry.entries.get(gap.subscription)
                if entry is not None:
                    found = entry.continuity.recovered - before
                    notices.append(msgspec.structs.replace(gap, recovered_count=found))
            case _:
                pass
    return notices


def as_fields(notice: Notice) -> dict[str, Any]:
    """Return a notice as plain members."""
    fields: dict[str, Any] = msgspec.to_builtins(notice)
    return fields
