"""Addresses of users, reduced to their ends before anybody sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ADDRESS = re.compile(r"0x([0-9a-fA-F]{4})[0-9a-fA-F]{32}([0-9a-fA-F]{4})")


def shorten(text: str) -> str:
    """Return ``text`` with every address reduced to its ends."""
    return _ADDRESS.sub(r"0x\1…\2", text) if "0x" in text else text


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
