"""How a recording of raw frames is read: ``<receive_ns> <json>`` lines, also .gz."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import ConfigError

# Answers to whoever recorded; a replay gives its own.
_ANSWERS = {"subscriptionResponse", "pong", "post", "error"}
_GZIP = b"\x1f\x8b"


class Recorded(NamedTuple):
    """A frame: when it was received (ns) and where it belongs."""

    time_ns: int
    data: bytes
    channel: str
    subject: frozenset[str]


class Malformed(NamedTuple):
    """A line that cannot be read, and why."""

    line: int
    reason: str


def read(path: Path) -> Iterator[Recorded | Malformed]:
    """Yield the frames of a recording, and what is wrong with it."""
    number = 0
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as lines:
            for line in lines:
                number += 1
                if line.strip():
                    found = _line(number, line.strip())
                    if found is not None:
                        yield found
    except EOFError:
        yield Malformed(number + 1, "the file ends in the middle of its compression")
    except OSError as error:
        if number == 0:
            raise ConfigError("replay", str(path), f"a recording ({error})") from None
        yield Malformed(number + 1, str(error))


def _line(number: int, line: bytes) -> Recorded | Malformed | None:
    stamp, space, data = line.partition(b" ")
    if not space or not stamp.isdigit():
        return Malformed(number, "expected <receive_ns> <json>")
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Malformed(number, f"not JSON: {error}")
    if not isinstance(message, dict) or not isinstance(message.get("channel"), str):
        return Malformed(number, "no channel")
    channel: str = message["channel"]
    if channel in _ANSWERS:
        return None
    subject = _subject(channel, message.get("data"))
    return Recorded(int(stamp), data, channel, subject)


def _subject(channel: str, data: Any) -> frozenset[str]:
    """Return the words that say whom a frame is about."""
    if isinstance(data, list):
        data = data[0] if data else None
    if not isinstance(data, dict) or channel in {"orderUpdates", "user"}:
        # HL: no user in these (§2.0).
        return frozenset()
    if channel == "candle":
        return frozenset({str(data.get("s")).lower(), str(data.get("i"))})
    if channel == "webData3":
        state = data.get("userState")
        data = state if isinstance(state, dict) else {}
    words = (data.get("coin"), data.get("user"), data.get("dex"))
    return frozenset(str(word).lower() for word in words if word)
