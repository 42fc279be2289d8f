"""
A venue that does nothing but speak, as fast as a socket takes it.

A process of its own. It reads one order a line from its input, prepares every byte
of the run beforehand, says that it is ready, serves one client, and reports: how
many messages it sent, at what cost, and for how long the client's end was full. A
run in which the client never kept it waiting says nothing about the client.

    {"mix": "mixed", "messages": 60000, "feeds": 21}
    {"mix": "bbo", "messages": 9000, "feeds": 4, "rate": 1000, "burst": 1}
"""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from . import stream

_CHUNK = 256 * 1024
_SETTLE = 0.3
"""Seconds of quiet between the last subscription and the first message."""
_PATIENCE = 60.0
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CLOSE = 0x8


def framed(payload: bytes) -> bytes:
    """Return a text frame as a server writes it."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Peer:
    """One client: its handshake, its requests, and the frames for it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waited = 0.0
        """Seconds in which the client's end had no room."""
        self._read = bytearray()
        self._shake_hands()

    def requests(self, until: float) -> Iterator[dict[str, Any]]:
        """Yield what the client asks for, until a moment of the monotonic clock."""
        while (left := until - time.monotonic()) > 0:
            while (request := self._next()) is not None:
                yield request
            if select.select([self.sock], [], [], left)[0]:
                got = self.sock.recv(65536)
                if not got:
                    raise ConnectionResetError("the client left")
                self._read += got

    def answer(self, request: dict[str, Any]) -> bool:
        """Answer a request; return whether it subscribed to something."""
        match request.get("method"):
            case "ping":
                self.send(framed(b'{"channel":"pong"}'))
            case "subscribe" | "unsubscribe" as method:
                body = request["subscription"]
                ack = {"channel": "subscriptionResponse"}
                ack["data"] = {"method": method, "subscription": body}
                self.send(framed(json.dumps(ack).encode()))
                return method == "subscribe"
        return False

    def send(self, data: bytes) -> None:
        """Send it all; count the time in which there was no room for it."""
        view = memoryview(data)
        while view:
            try:
                view = view[self.sock.send(view) :]
            except BlockingIOError:
                began = time.monotonic()
                select.select([], [self.sock], [], _PATIENCE)
                self.waited += time.monotonic() - began

    def _shake_hands(self) -> None:
        while b"\r\n\r\n" not in self._read:
            got = self.sock.recv(65536)
            if not got:
                raise ConnectionResetError("the client left")
            self._read += got
        head, _, rest = bytes(self._read).partition(b"\r\n\r\n")
        self._read = bytearray(rest)
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        fields = {name.strip().lower(): value.strip() for name, _, value in lines}
        key = hashlib.sha1(fields[b"sec-websocket-key"] + _MAGIC).digest()  # noqa: S324
        self.sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
            + base64.b64encode(key)
            + b"\r\n\r\n"
        )
        self.sock.setblocking(False)

    def _next(self) -> dict[str, Any] | None:
        """Return the next request that has come whole; raise if it is a goodbye."""
        data = self._read
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        if len(data) < at + 4 + size:
            return None
        mask, body = data[at : at + 4], data[at + 4 : at + 4 + size]
        opcode = data[0] & 0xF
        del data[: at + 4 + size]
        if opcode == _CLOSE:
            raise ConnectionResetError("the client said goodbye")
        if opcode != 1:
            return {}
        plain = bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))
        found: dict[str, Any] = json.loads(plain)
        return found


def _chunks(frames: list[bytes]) -> list[bytes]:
    whole = b"".join(frames)
    return [whole[at : at + _CHUNK] for at in range(0, len(whole), _CHUNK)]


def _pace(peer: Peer, frames: list[bytes], rate: float, burst: int) -> list[int]:
    """Send ``burst`` messages at a time; return when each left, in nanoseconds."""
    stamps: list[int] = []
    due = time.monotonic()
    for at in range(0, len(frames), burst):
        while (left := due - time.monotonic()) > 0:
            time.sleep(left)
        group = b"".join(frames[at : at + burst])
        stamps += [time.monotonic_ns()] * len(frames[at : at + burst])
        peer.send(group)
        due += burst / rate
    return stamps


def _serve(listener: socket.socket, order: dict[str, Any]) -> dict[str, Any]:
    begin_ms = int(time.time() * 1000)
    more = {name: order[name] for name in ("levels",) if name in order}
    if "coins" in order:
        more["coins"] = tuple(order["coins"])
    frames = [
        framed(it)
        for it in stream.messages(
            order["mix"], order["messages"], begin_ms=begin_ms, **more
        )
    ]
    chunks = [] if "rate" in order else _chunks(frames)
    print(json.dumps({"ready": True}), flush=True)
    with listener.accept()[0] as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(sock)
        missing = order["feeds"]
        deadline = time.monotonic() + _PATIENCE
        for request in peer.requests(deadline):
            missing -= peer.answer(request)
            if not missing:
                break
        for request in peer.requests(time.monotonic() + _SETTLE):
            peer.answer(request)
        peer.waited, stamps = 0.0, []
        began, cpu = time.monotonic(), time.process_time()
        if "rate" in order:
            stamps = _pace(peer, frames, order["rate"], order.get("burst", 1))
        for chunk in chunks:
            peer.send(chunk)
        report = {
            "sent": len(frames),
            "bytes": sum(map(len, frames)),
            "cpu": time.process_time() - cpu,
            "wall": time.monotonic() - began,
            "waited": peer.waited,
            "stamps": stamps,
        }
        try:
            for request in peer.requests(time.monotonic() + _PATIENCE):
                peer.answer(request)
        except OSError:
            pass  # it has what it came for
    return report


def main() -> None:
    """Serve one run for each line of the input."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE)
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        for line in sys.stdin:
            try:
                report = _serve(listener, json.loads(line))
            except OSError as error:
                report = {"error": str(error) or type(error).__name__}
            print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
