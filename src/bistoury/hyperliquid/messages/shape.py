"""
How a message of the venue becomes a Python object.

Three rules hold for every struct in this package:

1. Prices, sizes and amounts stay strings; arithmetic picks its own number.
2. What may be absent is ``UNSET`` and stays absent when encoded; ``None`` is
   the venue's ``null``.
3. Names the venue invents later never fail: unknown fields are skipped, and
   what looks like an enumeration (sides, statuses, kinds) is a plain string.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import UnsetType

Maybe: TypeAlias = str | UnsetType
"""A string that may be absent."""

MaybeNull: TypeAlias = str | UnsetType | None
"""A string that may be absent, or null."""


class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """
    A message, or a part of one.

    No message refers back to its parent, so the garbage collector need not
    look at any of them.
    """
