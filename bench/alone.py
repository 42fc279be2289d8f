"""
What needs no other client beside it: pauses, bursts, coming back, stages, imports.

Each part runs in a process of its own, ``python -m bench.alone PART``, and prints
one line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from . import inside, stream
from .venue import speak

Result = dict[str, Any]
# The package's names are lazy, and so is what reads the settings.
_CORE = "from bistoury import Config, HyperLiquidIntegration; Config()"


def _ignore(kind: str) -> Callable[[Any], None]:
    return lambda message: None


def pauses(retained: int = 100_000) -> Result:
    """Return the collector's pauses while messages of the mix are kept, in ms."""
    # A tuple of bytes, unlike a list of them, costs the collector nothing.
    frames = tuple(inside.frames("mixed", retained))
    _keep((), typed=True, frozen=False)  # all that a client imports is there
    found: Result = {"retained": retained, "nothing kept": _full_collection()}
    found["typed"] = _keep(frames, typed=True, frozen=False)
    found["typed, after gc.freeze()"] = _keep(frames, typed=True, frozen=True)
    found["dicts"] = _keep(frames, typed=False, frozen=False)
    return found


def _keep(frames: Sequence[bytes], *, typed: bool, frozen: bool) -> Result:
    kept: list[Any] = []
    spans: list[float] = []
    began = 0.0

    def watch(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.thread_time()
        elif info["generation"] == 2:
            spans.append(1000 * (time.thread_time() - began))

    gc.collect()
    if frozen:
        gc.freeze()
    gc.callbacks.append(watch)
    subscriptions = stream.subscriptions("mixed")
    asyncio.run(inside.feed(frames, subscriptions, lambda _: kept.append, typed=typed))
    gc.callbacks.remove(watch)
    if len(kept) < len(frames) - len(subscriptions):
        raise RuntimeError(f"only {len(kept)} messages came")
    found = {"while it ran": list(spans), "full collection": _full_collection()}
    gc.unfreeze()
    return found


def _full_collection() -> float:
    """Return the milliseconds of a full collection, the least of three."""
    spans = []
    for _ in range(3):
        began = time.thread_time()
        gc.collect()
        spans.append(1000 * (time.thread_time() - began))
    return min(spans)


def burst(messages: int = 50_000) -> Result:
    """Return what a second of 50,000 books does to a handler that takes 50 us."""
    coins = stream.COINS
    frames = inside.frames("l2Book", messages)
    newest: dict[str, int] = {}
    seen: list[tuple[str, int]] = []

    async def slow(message: Any) -> None:
        until = time.perf_counter() + 50e-6
        while time.perf_counter() < until:
            pass
        seen.append((message["data"]["coin"], message["data"]["time"]))

    async def play() -> Result:
        wire = inside.Wire()
        client = inside.HyperLiquidIntegration(inside.config(), transport=wire)
        async with client:
            for body in stream.subscriptions("l2Book"):
                await client.subscribe(body, slow)
            tracemalloc.start()
            before, began = tracemalloc.get_traced_memory()[0], time.monotonic()
            tracemalloc.reset_peak()
            # As a loop would deliver them: what a read brings, a turn for the others.
            for at in range(0, messages, 100):
                for frame in frames[at : at + 100]:
                    wire.receiver.frame(frame)
                due = began + at / messages
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            peak = tracemalloc.get_traced_memory()[1] - before
            spent = time.monotonic() - began
            handled = len(seen)
            while client._dispatcher.outlets()[0].depth:  # noqa: SLF001
                await asyncio.sleep(0)
            for frame in frames[-200:]:
                data = json.loads(frame)["data"]
                newest[data["coin"]] = data["time"]
            late = len(seen) - handled
            last = dict(seen)
            tracemalloc.stop()
            return {
                "messages": messages,
                "seconds": spent,
                "handled": handled,
                "calls_until_newest": late,
                "is_newest": last == newest,
                "peak_kib": peak / 1024,
                "coins": len(coins),
            }

    return asyncio.run(play())


def stages(count: int = 30_000) -> Result:
    """Return what each stage costs, by adding one at a time, in microseconds."""
    import msgspec
    from picows import WSMsgType
    from picows.picows import _make_test_ws_frame

    from bistoury.hyperliquid.reading import Reading
    from bistoury.transport.picows_connection import PicowsConnection

    frames = inside.frames("mixed", count)
    plain = msgspec.json.Decoder().decode

    class Peer:
        is_close_frame_sent = False

    def cost(work: Callable[[], None], rounds: int = 5) -> float:
        spans = []
        for _ in range(rounds):
            began = time.process_time()
            work()
            spans.append((time.process_time() - began) / count * 1e6)
        return min(spans)

    def transport() -> None:
        for frame in wrapped:
            take(peer, frame)

    def bytes_only() -> None:
        for frame in wrapped:
            frame.get_payload_as_bytes()

    def decoding() -> None:
        for frame in frames:
            plain(frame)

    class Null:
        def frame(self, data: bytes) -> None:
            pass

        def lost(self, error: Exception) -> None:
            pass

    wrapped = [_make_test_ws_frame(WSMsgType.TEXT, it, True, False) for it in frames]
    connection = PicowsConnection(
        Null(),
        close_timeout=1.0,
        max_message_size=1 << 24,
        max_fragments=8,
        max_unsent=1 << 20,
        on_binary=lambda: None,
    )
    connection.release()
    take, peer = connection.on_ws_frame, Peer()
    found: Result = {
        "transport": {"ours": cost(transport), "floor": cost(bytes_only)},
        "decode": {"floor": cost(decoding)},
    }
    for form, typed in (("dicts", False), ("typed", True)):
        it = Reading()
        for kind in stream.MIXES["mixed"]:
            it.came(kind, typed=typed)

        def routed(decode: Callable[[bytes], object] = it.decode) -> None:
            for frame in frames:
                decode(frame)

        found["decode"][form] = cost(routed)

        async def whole(stop: str, typed: bool = typed) -> float:
            wire = inside.Wire()
            client = inside.HyperLiquidIntegration(inside.config(), transport=wire)
            async with client:
                for body in stream.subscriptions("mixed"):
                    await client.subscribe(body, _ignore(""), typed=typed)
                for frame in inside.frames("mixed", 400):
                    wire.receiver.frame(frame)  # every feed speaks
                receiver: Any = wire.receiver
                if stop == "session":
                    receiver._deliver = lambda entry, update: None  # noqa: SLF001
                fresh = inside.frames("mixed", count)
                began = time.process_time()
                for frame in fresh:
                    receiver.frame(frame)
                return (time.process_time() - began) / count * 1e6

        def least(stop: str, whole: Any = whole) -> float:
            return min(asyncio.run(whole(stop)) for _ in range(3))

        found[form] = {"session": least("session"), "dispatch": least("")}
    return found


def imports() -> Result:
    """Return what importing the core takes, and what it brings in."""
    spans = []
    for _ in range(7):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                f"import time; began = time.process_time(); {_CORE};"
                " print(time.process_time() - began)",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        spans.append(float(done.stdout) * 1000)
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _CORE],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    rows = []
    for line in listed.splitlines()[1:]:
        own, _, name = line.removeprefix("import time:").split("|")
        rows.append((int(own) / 1000, name.strip()))
    packages: dict[str, float] = {}
    for own, name in rows:
        head = name.split(".")[0]
        packages[head] = packages.get(head, 0.0) + own
    top = sorted(packages.items(), key=lambda it: -it[1])[:8]
    return {"ms": median(spans), "packages_ms": dict(top)}


async def _recovery(rounds: int, feeds: int) -> Result:
    from bistoury import Config, HyperLiquidIntegration

    coins = [f"C{number}" for number in range(feeds)]
    beyond: list[float] = []
    spent: list[float] = []
    for _ in range(rounds):
        sockets: set[asyncio.StreamWriter] = set()

        async def serve(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            sockets: set[asyncio.StreamWriter] = sockets,
        ) -> None:
            sockets.add(writer)
            await speak(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        limits: Any = {"messages_per_minute": 1_000_000, "connections_per_minute": 9999}
        config = Config(
            api_url=f"http://127.0.0.1:{port}", limits=limits, reconnect_delay=0.05
        )
        waiting: set[str] = set(coins)
        done = asyncio.Event()
        attempts: list[tuple[float, float]] = []

        def take(message: Any) -> None:
            waiting.discard(message["data"]["coin"])
            if not waiting:
                done.set()

        client = HyperLiquidIntegration(config)
        async with client:
            for coin in coins:
                await client.subscribe({"type": "l2Book", "coin": coin}, take)
            await done.wait()
            done.clear()
            waiting.update(coins)
            for writer in list(sockets):
                writer.transport.abort()
            # The venue accepts at once: what counts begins with the attempt.
            transport = client._fleet.lines[0].supervisor._transport  # noqa: SLF001
            connect = transport.connect

            async def noted(url: str, receiver: Any) -> Any:
                attempts.append((time.monotonic(), time.process_time()))
                return await connect(url, receiver)

            transport.connect = noted
            await done.wait()
            began, cpu = attempts[-1]
            beyond.append((time.monotonic() - began) * 1000)
            spent.append((time.process_time() - cpu) * 1000)
        server.close()
    return {
        "feeds": feeds,
        "rounds": rounds,
        "ms": sorted(beyond),
        "cpu_ms": median(spent),
    }


def recovery(rounds: int = 9, feeds: int = 100) -> Result:
    """Return how long after an attempt begins every feed has its first data."""
    return asyncio.run(_recovery(rounds, feeds))


def curves() -> Result:
    """Return microseconds a message as messages and listeners grow."""

    async def one(frames: list[bytes], handlers: int, typed: bool) -> float:
        wire = inside.Wire()
        client = inside.HyperLiquidIntegration(inside.config(), transport=wire)
        async with client:
            for body in stream.subscriptions("l2Book"):
                for _ in range(handlers):
                    await client.subscribe(body, lambda message: None, typed=typed)
            began = time.process_time()
            for frame in frames:
                wire.receiver.frame(frame)
            return (time.process_time() - began) / len(frames) * 1e6

    def least(levels: int, handlers: int, typed: bool) -> float:
        begin_ms = int(time.time() * 1000)
        frames = list(stream.messages("l2Book", 8000, begin_ms=begin_ms, levels=levels))
        return min(asyncio.run(one(frames, handlers, typed)) for _ in range(3))

    forms = (("dicts", False), ("typed", True))
    return {
        "levels": {
            form: {str(n): least(n, 1, typed) for n in (1, 5, 10, 20, 50, 100)}
            for form, typed in forms
        },
        "handlers": {
            form: {str(n): least(5, n, typed) for n in (1, 2, 4, 8, 16)}
            for form, typed in forms
        },
    }


PARTS: dict[str, Callable[[], Result]] = {
    "pauses": pauses,
    "burst": burst,
    "stages": stages,
    "imports": imports,
    "recovery": recovery,
    "curves": curves,
}


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]]()))
