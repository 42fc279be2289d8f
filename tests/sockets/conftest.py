"""Peers that misbehave, on loopback."""

import asyncio
import base64
import hashlib
import json
import struct
from contextlib import asynccontextmanager

import pytest

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NastyPeer:
    """Speaks just enough of the venue's language, and then no more."""

    def __init__(self, port, connections):
        self.url = f"http://127.0.0.1:{port}"
        self.connections = connections


async def _upgrade(reader, writer):
    request = await reader.readuntil(b"\r\n\r\n")
    (key,) = [
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    ]
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _text(message):
    payload = json.dumps(message).encode()
    assert len(payload) < 65536
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return b"\x81\x7e" + struct.pack("!H", len(payload)) + payload


async def _read(reader):
    """Return the opcode and payload of the client's next frame."""
    first, size = await reader.readexactly(2)
    size &= 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return first & 0xF, bytes(b ^ mask[i % 4] for i, b in enumerate(data))


async def _answer(reader, writer, *, closes):
    while True:
        opcode, payload = await _read(reader)
        if opcode == 8:
            if closes:
                return
            continue  # the goodbye is heard and not answered
        message = json.loads(payload)
        if message["method"] == "ping":
            writer.write(_text({"channel": "pong"}))
        else:
            writer.write(_text({"channel": "subscriptionResponse", "data": message}))
            mids = {"channel": "allMids", "data": {"mids": {"BTC": "1"}}}
            writer.write(_text(mids))


async def never_answers_the_close(reader, writer):
    await _upgrade(reader, writer)
    await _answer(reader, writer, closes=False)


async def stops_reading(reader, writer):
    await _upgrade(reader, writer)
    for _ in range(2):
        _, payload = await _read(reader)
        message = json.loads(payload)
        if message["method"] == "ping":
            writer.write(_text({"channel": "pong"}))
        else:
            writer.write(_text({"channel": "subscriptionResponse", "data": message}))
    writer.transport.pause_reading()
    await asyncio.Event().wait()


async def floods(reader, writer):
    await _upgrade(reader, writer)
    flood = _text({"channel": "allMids", "data": {"mids": {"BTC": "1"}}}) * 500
    answering = asyncio.ensure_future(_answer(reader, writer, closes=False))
    try:
        while not answering.done():
            writer.write(flood)
            await writer.drain()
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def never_upgrades(reader, writer):
    await reader.read()


async def never_acknowledges(reader, writer):
    await _upgrade(reader, writer)
    while True:
        await _read(reader)


PEERS = {
    "never answers the close": never_answers_the_close,
    "stops reading": stops_reading,
    "floods": floods,
    "never upgrades": never_upgrades,
    "never acknowledges": never_acknowledges,
}


@asynccontextmanager
async def nasty_peer(kind):
    connections = []

    async def serve(reader, writer):
        connections.append(writer)
        try:
            await PEERS[kind](reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield NastyPeer(server.sockets[0].getsockname()[1], connections)
    finally:
        server.close()
        for writer in connections:
            writer.transport.abort()
        await server.wait_closed()
        # The handlers of the connections end with them.
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        serving = [it for it in rest if "serve" in repr(it.get_coro())]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


@pytest.fixture
def peers():
    """The kinds of nasty peer, and what runs one."""
    return PEERS, nasty_peer
