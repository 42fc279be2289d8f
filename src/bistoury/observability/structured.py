"""One line of a log as fields, for those who read logs with machines."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..session import Session, State
from ..session.notices import Notice
from .addresses import shorten
from .failures import traceback_of

VERSION = 1
FIELD = "bistoury"
"""The attribute of a log record that holds its fields."""

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def fields_of(notice: Notice) -> dict[str, Any]:
    """Return what happened as a name and its attributes, without an address."""
    members: dict[str, Any] = {
        "event": _CAPITAL.sub("_", type(notice).__name__).lower()
    }
    for name in notice.__struct_fields__:
        value = getattr(notice, name)
        is_plain = value is None or isinstance(value, bool | int | float)
        members[name] = value if is_plain else shorten(_text(value))
    return members


def loss_facts(session: Session, now: float) -> dict[str, Any]:
    """Return what was known of a connection when it was lost."""
    conversation = session.conversation
    pings = conversation.liveness.round_trips
    age = None if conversation.data_at is None else now - conversation.data_at
    waits = session.state is State.BACKOFF
    return {
        "subscriptions": len(session.registry.routes),
        "messages_received": conversation.received,
        "last_message_age_seconds": _rounded(age),
        "ping_rtt_seconds": _rounded(pings[-1] if pings else None),
        "next_attempt_in_seconds": _rounded(session.retry_at - now if waits else None),
    }


def sentence(facts: dict[str, Any]) -> str:
    """Return what was known of a lost connection in words, to stand after the loss."""
    parts = [f"{facts['messages_received']} messages"]
    if (age := facts["last_message_age_seconds"]) is not None:
        parts.append(f"the newest {age:.1f} s old")
    if (ping := facts["ping_rtt_seconds"]) is not None:
        parts.append(f"last ping {ping * 1000:.0f} ms")
    if (wait := facts["next_attempt_in_seconds"]) is not None:
        parts.append(f"next attempt in {max(0.0, wait):.1f} s")
    return ", ".join(parts)


class JsonFormatter(logging.Formatter):
    """
    Makes every record one JSON object: the sentence, and its fields where it has any.

    Give it to a handler of your own: ``handler.setFormatter(JsonFormatter())``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "v": VERSION,
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            **getattr(record, FIELD, {}),
        }
        if record.exc_text:
            line["traceback"] = record.exc_text
        elif record.exc_info and record.exc_info[1]:
            line["traceback"] = traceback_of(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return str(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
