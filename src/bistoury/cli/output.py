"""What goes to stdout: lines, flushed as they happen, and JSON."""

from __future__ import annotations

import os
import sys
from typing import IO, Any

import msgspec

VERSION = 1
"""Of every JSON document and JSON line; members are only added."""


def write_line(text: str) -> None:
    """Write one line to stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(value: dict[str, Any], *, indent: int | None = None) -> None:
    """Write one JSON object to stdout: a line, or indented."""
    data = msgspec.json.encode({"v": VERSION, **value}, enc_hook=str)
    if indent is not None:
        data = msgspec.json.format(data, indent=indent)
    write_line(data.decode())


def may_animate(stream: IO[str]) -> bool:
    """Whether a line on ``stream`` may be drawn over by the next one."""
    return stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}


class StatusLine:
    """
    One line on stderr that is drawn over again and again; nothing elsewhere.

    Clear it before anything else is written to the same terminal.
    """

    def __init__(self) -> None:
        self._is_on = may_animate(sys.stderr)
        self._is_drawn = False

    def show(self, text: str) -> None:
        """Draw ``text`` over what was there."""
        if not self._is_on:
            return
        try:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
        except (OSError, ValueError):
            width = 80
        sys.stderr.write(f"\r\x1b[2K{text[: width - 1]}")
        sys.stderr.flush()
        self._is_drawn = True

    def clear(self) -> None:
        """Take it away."""
        if self._is_drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._is_drawn = False
