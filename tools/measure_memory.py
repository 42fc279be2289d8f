# ruff: noqa: INP001 -- a script, not a package
"""
How much memory an idle client takes, and what for.

Each figure comes from a process of its own, connected to a local venue in another:
once as it is, for the resident set, and once under ``tracemalloc``, for what Python
allocated and where. Run it as ``python tools/measure_memory.py [--json]``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

COUNTS = (1, 100, 1000)
PROMISED_PER_SUBSCRIPTION = 4096
PROMISED_PER_CONNECTION = 1024
_PAGE = os.sysconf("SC_PAGESIZE")


def resident() -> int:
    """Return the resident set of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def traced() -> int:
    """Return what is allocated and traced, in bytes."""
    return tracemalloc.get_traced_memory()[0]


def place(frame: tracemalloc.Frame) -> str:
    """Return where an allocation happened, as a short name."""
    path = Path(frame.filename)
    for root in ("bistoury", "site-packages", "asyncio"):
        if root in path.parts:
            parts = path.parts
            last = len(parts) - 1 - parts[::-1].index(root)
            return "/".join(parts[last:])
    return path.name


def by_place(before: tracemalloc.Snapshot, after: tracemalloc.Snapshot) -> Any:
    """Return what grew from one snapshot to the other, largest first."""
    grown: dict[str, list[int]] = {}
    for it in after.compare_to(before, "filename"):
        if "tracemalloc" not in it.traceback[0].filename:
            entry = grown.setdefault(place(it.traceback[0]), [0, 0])
            entry[0] += it.size_diff
            entry[1] += it.count_diff
    rows = sorted(((size, count, name) for name, (size, count) in grown.items()))
    return [
        {"where": name, "bytes": size, "objects": count}
        for size, count, name in reversed(rows)
        if size > 0
    ]


async def measure(url: str, count: int, *, is_traced: bool) -> dict[str, Any]:
    """Take the figures of one client with ``count`` subscriptions, in this process."""
    look = traced if is_traced else resident
    figures: dict[str, Any] = {}

    def note(name: str) -> None:
        gc.collect()
        figures[name] = look()

    note("interpreter")
    from bistoury import Config, HyperLiquidIntegration  # noqa: PLC0415
    from bistoury.config import Limits  # noqa: PLC0415
    from bistoury.transport import picows  # noqa: F401, PLC0415

    config = Config(api_url=url, limits=Limits(messages_per_minute=100_000))
    note("imported")
    client = HyperLiquidIntegration(config, connect_timeout=60)
    note("constructed")
    await client.connect()
    await client.reconnect()  # what is loaded on first use is loaded now
    while not client.is_connected():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    note("connected")
    before = tracemalloc.take_snapshot() if is_traced else None

    def handler(message: Any) -> None:
        """Take a message."""

    # One after another: a thousand tasks at once would be measured instead.
    kept = [
        await client.subscribe({"type": "trades", "coin": f"C{number:03d}"}, handler)
        for number in range(count)
    ]
    note("subscribed")
    if is_traced and before is not None:
        figures["places"] = by_place(before, tracemalloc.take_snapshot())[:20]
    else:
        figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    stats = client.get_reconnection_stats()["subscriptions"]
    figures["acknowledged"] = stats["acknowledged"]
    assert len(kept) == count
    await client.disconnect()
    return figures


def connection_state() -> dict[str, int]:
    """Return the bytes of state that reconnection adds to one connection."""
    import tracemalloc as trace  # noqa: PLC0415

    from bistoury.session import Session  # noqa: PLC0415

    gc.collect()
    trace.start()
    before = trace.get_traced_memory()[0]
    session = Session()
    whole = trace.get_traced_memory()[0] - before
    trace.stop()
    parts = {"session, as a whole": whole}
    for name in ("attempts", "_clocks", "conversation", "breaker", "policy", "rng"):
        parts[name.strip("_")] = deep_size(getattr(session, name))
    return parts


def deep_size(value: Any, seen: set[int] | None = None) -> int:
    """Return the bytes of a value and all it owns; classes and modules are shared."""
    seen = set() if seen is None else seen
    if id(value) in seen or isinstance(value, type) or callable(value):
        return 0
    seen.add(id(value))
    size = sys.getsizeof(value)
    for inner in gc.get_referents(value):
        size += deep_size(inner, seen)
    return size


# The measuring side


def run(arguments: list[str]) -> Any:
    """Run this file in a process of its own; return what it printed."""
    done = subprocess.run(  # noqa: S603 -- ourselves
        [sys.executable, __file__, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
    )
    return json.loads(done.stdout)


@contextlib.contextmanager
def venue(coins: int) -> Any:
    """Run a venue where nothing happens; yield its URL."""
    process = subprocess.Popen(  # noqa: S603 -- ourselves
        [sys.executable, __file__, "--serve", str(coins)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def serve(coins: int) -> None:
    """Serve ``coins`` coins that never trade."""
    from bistoury.simulator import Limits, Settings, Venue  # noqa: PLC0415

    settings = Settings(
        coins=tuple(f"C{number:03d}" for number in range(coins)),
        trade_rate=0.0,
        limits=Limits.none(),
    )
    async with Venue(settings) as place_:
        print(place_.url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


def report() -> dict[str, Any]:
    """Measure everything."""
    rows = []
    with venue(max(COUNTS)) as url:
        for count in COUNTS:
            plain = run(["--measure", url, str(count)])
            trace = run(["--measure", url, str(count), "--trace"])
            rows.append(
                {
                    "subscriptions": count,
                    "acknowledged": plain["acknowledged"],
                    "resident": {
                        name: plain[name]
                        for name in (
                            *("interpreter", "imported", "constructed"),
                            *("connected", "subscribed", "peak"),
                        )
                    },
                    "allocated": {
                        name: trace[name]
                        for name in (
                            *("imported", "constructed", "connected", "subscribed"),
                        )
                    },
                    "resident_per_subscription": (
                        (plain["subscribed"] - plain["connected"]) / count
                    ),
                    "allocated_per_subscription": (
                        (trace["subscribed"] - trace["connected"]) / count
                    ),
                    "places": trace["places"],
                }
            )
    return {"v": 1, "clients": rows, "connection_state": run(["--state"])}


def show(found: dict[str, Any]) -> None:
    """Print the figures as tables."""
    say = sys.stdout.write
    say("resident set of an idle client, KiB\n")
    names = (
        "interpreter",
        "imported",
        "constructed",
        "connected",
        "subscribed",
        "peak",
    )
    say(f"{'subscriptions':>14}" + "".join(f"{name:>13}" for name in names) + "\n")
    for row in found["clients"]:
        cells = "".join(f"{row['resident'][name] / 1024:13.0f}" for name in names)
        say(f"{row['subscriptions']:14}{cells}\n")
    say("\nbytes for each subscription\n")
    say(f"{'subscriptions':>14}{'resident':>13}{'allocated':>13}\n")
    for row in found["clients"]:
        say(
            f"{row['subscriptions']:14}{row['resident_per_subscription']:13.0f}"
            f"{row['allocated_per_subscription']:13.0f}\n"
        )
    row = found["clients"][-1]
    say(f"\nwhere, with {row['subscriptions']} subscriptions, bytes for each\n")
    for it in row["places"][:12]:
        share = it["bytes"] / row["subscriptions"]
        objects = it["objects"] / row["subscriptions"]
        say(f"{share:10.0f} in {objects:6.1f} objects  {it['where']}\n")
    say("\nstate of one connection, bytes\n")
    for name, size in found["connection_state"].items():
        say(f"{size:10}  {name}\n")


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--trace", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--state", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
    elif given.state:
        sys.stdout.write(json.dumps(connection_state()))
    elif given.measure is not None:
        if given.trace:
            tracemalloc.start()
        url, count = given.measure
        found = asyncio.run(measure(url, int(count), is_traced=given.trace))
        sys.stdout.write(json.dumps(found))
    elif given.json:
        sys.stdout.write(json.dumps(report()) + "\n")
    else:
        show(report())


if __name__ == "__main__":
    main()
