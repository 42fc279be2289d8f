"""
How the one compressed feed is opened: ``fastAssetCtxs``.

HL: base64 around raw deflate around JSON (docs: websocket/subscriptions). The
size is bounded while it grows, so that a bomb costs ``limit`` bytes at most.
"""

from __future__ import annotations

import base64
import zlib

import msgspec

from ...errors import ProtocolError
from .market import FastContext

CHANNEL = "fastAssetCtxs"
LIMIT = 8 * 1024 * 1024
"""The first frame of a connection, all coins, is about 82 KB plain."""

_RAW_DEFLATE = -15
_contexts = msgspec.json.Decoder(dict[str, FastContext])


def inflate_fast_contexts(data: str, limit: int = LIMIT) -> dict[str, FastContext]:
    """
    Open a ``fastAssetCtxs`` payload: what changed, by coin.

    Raises:
        ProtocolError: it is damaged, or more than ``limit`` bytes when opened.
    """
    try:
        packed = base64.b64decode(data, validate=True)
        inflater = zlib.decompressobj(_RAW_DEFLATE)
        plain = inflater.decompress(packed, limit + 1)
        if len(plain) > limit:
            raise _unreadable(f"more than {limit} bytes when opened", data)
        if not inflater.eof:
            raise _unreadable("the compressed data is cut off", data)
        return _contexts.decode(plain)
    # The last two: msgspec lets them through for bytes no text can hold, and
    # for nesting without end.
    except (zlib.error, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _unreadable(str(error), data) from error


def _unreadable(detail: str, data: str) -> ProtocolError:
    return ProtocolError(CHANNEL, detail, data[:200].encode(errors="replace"))
