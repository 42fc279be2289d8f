"""The frames of requests over the socket: written and read (protocol.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..session.model import PostReply

_encode = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct):
    type: str
    payload: Any = None


class _Reply(msgspec.Struct):
    id: int
    response: _Answer


_decode = msgspec.json.Decoder(_Reply).decode


def encode(number: int, body: Mapping[str, Any]) -> bytes:
    """Return the frame that asks ``body`` of the venue under ``number``."""
    request = {"type": "info", "payload": body}
    return _encode({"method": "post", "id": number, "request": request})


def decode(raw: msgspec.Raw) -> PostReply:
    """Return the answer that the data of a ``post`` frame holds."""
    reply = _decode(raw)
    return PostReply(reply.id, reply.response.type, reply.response.payload)
