"""A venue on asyncio that acknowledges, and speaks once for each subscription."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from typing import Any

from .flood import framed

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it ends."""
    try:
        await _shake_hands(reader, writer)
        while True:
            body = await _request(reader)
            for answer in _answers(body):
                writer.write(framed(json.dumps(answer, separators=(",", ":")).encode()))
    except (asyncio.IncompleteReadError, ConnectionError, json.JSONDecodeError):
        writer.close()


def _answers(body: dict[str, Any]) -> list[dict[str, Any]]:
    if body["method"] == "ping":
        return [{"channel": "pong"}]
    asked = body["subscription"]
    answers: list[dict[str, Any]] = [{"channel": "subscriptionResponse", "data": body}]
    if body["method"] == "subscribe" and asked["type"] == "l2Book":
        now = int(time.time() * 1000)
        level = {"px": "1.5", "sz": "2", "n": 1}
        data = {"coin": asked["coin"], "time": now, "levels": [[level], [level]]}
        answers.append({"channel": "l2Book", "data": data})
    return answers


async def _shake_hands(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip()
    key = hashlib.sha1(fields[b"sec-websocket-key"] + _MAGIC).digest()  # noqa: S324
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
        + base64.b64encode(key)
        + b"\r\n\r\n"
    )


async def _request(reader: asyncio.StreamReader) -> dict[str, Any]:
    opcode, size = await reader.readexactly(2)
    size &= 0x7F
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    if opcode & 0xF == 8:
        raise ConnectionResetError("said goodbye")
    plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    found: dict[str, Any] = json.loads(plain)
    return found
