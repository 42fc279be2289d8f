"""
What a log says of an error that somebody else raised: its kind, its place, few words.

Handlers raise with what they were given, so its text may hold a whole payload.
"""

from __future__ import annotations

import logging
from traceback import TracebackException

from .addresses import shorten

MOST = 200
"""Characters of an error's own text that are shown."""


def brief(text: str) -> str:
    """Return ``text`` without addresses, and cut."""
    text = shorten(text)
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def sentence_of(error: BaseException) -> str:
    """Return an error as it shows itself, briefly."""
    try:
        return brief(repr(error))
    except Exception:  # noqa: BLE001 -- its own __repr__ may be what is broken
        return type(error).__name__


def traceback_of(error: BaseException) -> str:
    """Return the traceback: lines of code are whole, errors are brief."""
    parts = TracebackException.from_exception(error).format()
    shown = (
        shorten(it) if it.startswith("  File ") else brief(it.rstrip("\n"))
        for it in parts
    )
    return "\n".join(it.rstrip("\n") for it in shown)


def log_failure(
    logger: logging.Logger, level: int, text: str, error: BaseException
) -> None:
    """Log ``text`` with the traceback of ``error``."""
    if not logger.isEnabledFor(level):
        return
    info = (type(error), error, error.__traceback__)
    record = logger.makeRecord(logger.name, level, __file__, 0, text, (), info)
    # Formatters take what is already formatted, and not the error's whole text.
    record.exc_text = traceback_of(error)
    logger.handle(record)
