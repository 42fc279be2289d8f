"""
How documents are written for others: as JSON, with no address whole.

What makes a document shortens what it knows to hold addresses, so that two users that
look alike stay apart. This is where it leaves the process, so it is looked through once
more: a name of a handler, an error's text or a panel may say anything.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..observability.addresses import shorten_bytes


def written(value: Any) -> bytes:
    """Return ``value`` as JSON that may be shown to others."""
    return shorten_bytes(msgspec.json.encode(value, enc_hook=str))
