"""How the fields of an info request are read. HL: whatever is wrong is a 422 (§4)."""

from __future__ import annotations

import re
from typing import Any

Body = dict[str, Any]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")


class Missing(Exception):  # noqa: N818 - a fact about the request
    """A field is missing or of the wrong type: 422."""


def needed(body: Body, name: str, kind: type[Any]) -> Any:
    """Return a field that must be there."""
    value = body.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Missing
    return value


def optional(body: Body, name: str, kind: type[Any]) -> Any:
    """Return a field that may be absent or null."""
    return None if body.get(name) is None else needed(body, name, kind)


def address(body: Body, name: str) -> str:
    """Return an address in lower case."""
    value: str = needed(body, name, str)
    if not _ADDRESS.match(value):
        raise Missing
    return value.lower()
