"""
What the venue's messages look like, as types.

``codec`` has the table of channels; the other modules have the structs, by
theme: ``market``, ``orders``, ``user``, ``account``, ``control``.
"""

from __future__ import annotations

from .codec import DATA_TYPES, ROW_TYPES, decode, decode_rows, encode
from .fast import inflate_fast_contexts

__all__ = [
    "DATA_TYPES",
    "ROW_TYPES",
    "decode",
    "decode_rows",
    "encode",
    "inflate_fast_contexts",
]
