"""Addresses of users, reduced to their ends before anybody sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WHOLE = r"0([xX][0-9a-fA-F]{4})[0-9a-fA-F]{32}([0-9a-fA-F]{4})"
_ENDS = r"0\1…\2"
_ADDRESS = re.compile(_WHOLE)
_ADDRESS_BYTES = re.compile(_WHOLE.encode())
_ENDS_BYTES = _ENDS.encode()


def shorten(text: str) -> str:
    """Return ``text`` with every address reduced to its ends."""
    return _ADDRESS.sub(_ENDS, text)


def shorten_bytes(text: bytes) -> bytes:
    """Return ``text``, which is UTF-8, with every address reduced to its ends."""
    return _ADDRESS_BYTES.sub(_ENDS_BYTES, text)


def labels(names: Iterable[str]) -> dict[str, str]:
    """Return for every name a label without an address; no two are the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        short = label = shorten(name)
        number = 1
        while label in taken:  # two users may end alike
            number += 1
            label = f"{short} #{number}"
        taken.add(label)
        found[name] = label
    return found
