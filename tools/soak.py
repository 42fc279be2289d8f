"""
Whether a process grows over millions of messages and hundreds of reconnects.

    python tools/soak.py                                  # ten million, a thousand
    python tools/soak.py --messages 200000 --reconnects 40
    python tools/soak.py --write                          # keep them in docs/figures/

A peer in another process sends trades as fast as they are taken, and ends the
connection, each time in another way, after every share of them. This process is a
client as users run it, with a handler that counts. The status is 1 if its memory
grows by more than a hundredth over the second half, if anything else is not back
where it started, or if a message was lost or came twice.
"""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import hashlib
import json
import os
import platform
import re
import statistics
import struct
import subprocess
import sys
import threading
import time
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "figures" / "soak.json"
MESSAGES, RECONNECTS = 10_000_000, 1000
MOST_GROWTH = 0.01
"""Of the resident set, over the second half."""
REPLAYED = 10
SAMPLES = 400
_PAGE = os.sysconf("SC_PAGESIZE")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


# The peer: just enough of the venue, as fast as Python can


def frame(payload: bytes) -> bytes:
    """Return one text frame."""
    if len(payload) < 126:  # noqa: PLR2004 -- RFC 6455, 5.2
        return bytes((0x81, len(payload))) + payload
    return b"\x81\x7e" + struct.pack("!H", len(payload)) + payload


def row(number: int) -> str:
    """Return the trade of a number: one in a millisecond."""
    return (
        f'{{"coin":"BTC","side":"B","px":"60000.0","sz":"0.1","hash":"0x0",'
        f'"time":{1_700_000_000_000 + number},"tid":{number},"users":["0x0","0x1"]}}'
    )


def trades(first: int, last: int) -> bytes:
    """Return a message with these trades."""
    rows = ",".join(row(number) for number in range(first, last))
    return f'{{"channel":"trades","data":[{rows}]}}'.encode()


class Peer:
    """Sends every trade once, over as many connections as it takes."""

    def __init__(self, messages: int, reconnects: int) -> None:
        self.messages = messages
        self.share = max(1, messages // (reconnects + 1))
        self.sent = 0
        self.connections = 0

    async def serve(self, reader: Any, writer: Any) -> None:
        """Answer the upgrade, acknowledge, send a share, end the connection."""
        try:
            await self._upgrade(reader, writer)
            while True:
                text = await self._read(reader)
                if b'"ping"' in text:
                    writer.write(frame(b'{"channel":"pong"}'))
                elif b'"subscribe"' in text:
                    break
            body = json.loads(text)
            said = {"channel": "subscriptionResponse", "data": body}
            writer.write(frame(json.dumps(said).encode()))
            await self._send(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _upgrade(self, reader: Any, writer: Any) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
        assert found is not None
        digest = hashlib.sha1(found[1] + _GUID).digest()  # noqa: S324 -- RFC 6455
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
            + base64.b64encode(digest)
            + b"\r\n\r\n"
        )

    async def _read(self, reader: Any) -> bytes:
        head = await reader.readexactly(2)
        size = head[1] & 0x7F
        if size == 126:  # noqa: PLR2004 -- RFC 6455, 5.2
            (size,) = struct.unpack("!H", await reader.readexactly(2))
        mask = await reader.readexactly(4)
        payload = await reader.readexactly(size)
        return bytes(c ^ mask[i % 4] for i, c in enumerate(payload))

    async def _send(self, reader: Any, writer: Any) -> None:
        self.connections += 1
        is_last = self.sent + 2 * self.share > self.messages
        until = self.messages if is_last else self.sent + self.share
        # The replay of the venue: it reaches back before what was sent last.
        if self.sent:
            replay = trades(max(0, self.sent - REPLAYED), self.sent)
            writer.write(frame(replay))
        pinging = asyncio.create_task(self._pong(reader, writer))
        while self.sent < until and not writer.is_closing():
            upto = min(until, self.sent + 200)
            writer.write(
                b"".join(frame(trades(n, n + 1)) for n in range(self.sent, upto))
            )
            self.sent = upto
            await writer.drain()
        if is_last:
            await pinging
            return
        pinging.cancel()
        how = self.connections % 3
        if how == 0:
            writer.write(b"\x88\x02" + struct.pack("!H", 1001))
        # A reset would take back what was sent and not read yet: that is a loss a
        # replay of ten rows does not cover, and belongs to the scenarios.
        elif how == 1:
            writer.write(b"\x88\x02" + struct.pack("!H", 1011))
        await writer.drain()

    async def _pong(self, reader: Any, writer: Any) -> None:
        while True:
            if b'"ping"' in await self._read(reader):
                writer.write(frame(b'{"channel":"pong"}'))


async def serve(messages: int, reconnects: int) -> None:
    """Be the peer until stdin ends."""
    peer = Peer(messages, reconnects)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


# The client, and what is measured of it


def resident() -> int:
    """Return the resident set of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def others() -> dict[str, int]:
    """Return what must be back where it started."""
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
    }


def growth(samples: list[tuple[int, int]]) -> float:
    """
    Return how much of the memory was added over the second half, as a fraction.

    Theil-Sen: the median of the slopes between pairs, which no outlier moves.
    """
    half = samples[len(samples) // 2 :]
    thin = half[:: max(1, len(half) // 120)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(thin, 2)]
    level = statistics.median(it[1] for it in half)
    return statistics.median(slopes) * (half[-1][0] - half[0][0]) / level


class Handler:
    """Counts trades, and notices those that are missing or come again."""

    def __init__(self) -> None:
        self.count = 0
        self.next = 0
        self.repeated = 0
        self.missing = 0

    def __call__(self, message: dict[str, Any]) -> None:
        """Take a message."""
        for it in message["data"]:
            number = it["tid"]
            if number < self.next:
                self.repeated += 1
                continue
            self.missing += number - self.next
            self.next = number + 1
            self.count += 1


async def measure(url: str, messages: int, reconnects: int) -> dict[str, Any]:
    """Run the client until every message came; return the figures."""
    from bistoury import Config, HyperLiquidIntegration  # noqa: PLC0415
    from bistoury.config import Limits  # noqa: PLC0415

    limits = Limits(connections_per_minute=10**6, messages_per_minute=10**6)
    config = Config(
        api_url=url, limits=limits, reconnect_delay=0.01, max_reconnect_delay=0.05
    )
    at_start = others()
    client = HyperLiquidIntegration(config)
    handler = Handler()
    gaps: dict[str, int] = {}
    client.on("gap", lambda it: gaps.update({it.status: gaps.get(it.status, 0) + 1}))
    await client.subscribe_trades("BTC", handler)
    began = time.monotonic()
    await client.connect()
    settled: dict[str, int] = {}
    samples: list[tuple[int, int]] = []
    every = max(1, messages // SAMPLES)
    heard, heard_at = 0, began
    while handler.next < messages:
        await asyncio.sleep(0.05)
        if not samples or handler.count >= samples[-1][0] + every:
            samples.append((handler.count, resident()))
            if not settled and handler.count > messages // 20 and client.is_connected():
                settled = others()
            if len(samples) % 40 == 0:
                say(handler.count, samples[-1][1], began)
        if handler.next != heard:
            heard, heard_at = handler.next, time.monotonic()
        elif time.monotonic() > heard_at + 60:
            break
    seconds = time.monotonic() - began
    await asyncio.sleep(0.5)
    at_end = others()
    stats = client.get_reconnection_stats()
    await client.disconnect()
    await asyncio.sleep(0.2)
    del client
    return {
        "messages": handler.count,
        "reconnects": stats["total_reconnects"],
        "asked": {"messages": messages, "reconnects": reconnects},
        "missing": handler.missing + messages - handler.next,
        "repeated": handler.repeated,
        "gaps": gaps,
        "seconds": round(seconds, 1),
        "messages_per_second": round(handler.count / seconds),
        "memory": {
            "first_mib": round(samples[0][1] / 2**20, 2),
            "half_mib": round(samples[len(samples) // 2][1] / 2**20, 2),
            "last_mib": round(samples[-1][1] / 2**20, 2),
            "growth_of_second_half": round(growth(samples), 5),
        },
        "live_early": settled,
        "live_late": at_end,
        "before": at_start,
        "after": others(),
        "python": platform.python_version(),
    }


def say(count: int, size: int, began: float) -> None:
    """Show progress."""
    seconds = time.monotonic() - began
    print(
        f"{count:>10} messages, {seconds:6.0f} s, {size / 2**20:.1f} MiB",
        file=sys.stderr,
        flush=True,
    )


def faults(found: dict[str, Any]) -> list[str]:
    """Return what is wrong with the figures, as sentences."""
    said = []
    if found["missing"] or found["repeated"]:
        said.append(f"{found['missing']} missing, {found['repeated']} repeated")
    if found["reconnects"] < found["asked"]["reconnects"]:
        said.append(f"only {found['reconnects']} reconnects")
    grown = found["memory"]["growth_of_second_half"]
    if grown > MOST_GROWTH:
        said.append(f"memory grew by {grown:.2%} over the second half")
    for early, late in (("live_early", "live_late"), ("before", "after")):
        if found[early] != found[late]:
            said.append(f"{early} {found[early]}, {late} {found[late]}")
    return said


def run(messages: int, reconnects: int) -> dict[str, Any]:
    """Start the peer, measure, end the peer."""
    peer = subprocess.Popen(  # noqa: S603 -- ourselves
        [sys.executable, __file__, "--serve", str(messages), str(reconnects)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert peer.stdout is not None
    assert peer.stdin is not None
    try:
        port = int(peer.stdout.readline())
        url = f"http://127.0.0.1:{port}"
        return asyncio.run(measure(url, messages, reconnects))
    finally:
        peer.terminate()
        peer.wait()
        peer.stdin.close()
        peer.stdout.close()


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--reconnects", type=int, default=RECONNECTS)
    parser.add_argument(
        "--write", action="store_true", help=f"keep them in {KEPT.name}"
    )
    parser.add_argument("--serve", nargs=2, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(*given.serve))
        return 0
    if given.reconnects < 1 or given.messages < 100 * given.reconnects:
        parser.error("--messages must be at least 100 for each of --reconnects")
    found = run(given.messages, given.reconnects)
    found["faults"] = faults(found)
    text = json.dumps({"v": 1, **found}, indent=1)
    print(text)
    if given.write and not found["faults"]:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(text + "\n", "utf-8")
    for fault in found["faults"]:
        print(fault, file=sys.stderr)
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
