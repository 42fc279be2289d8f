"""
Instructions for each message, counted by callgrind: the same on a busy machine.

Two runs that differ only in how many messages they take in; the difference is what
the messages cost, without start-up. Memory layout and hashing are fixed, and so is
time: with a real clock, the periodic looks at a thousand feeds while they are asked
for would be more in one run than in the other.

    python -m bench.instructions              compare with baselines.json
    python -m bench.instructions --record     write baselines.json
"""

from __future__ import annotations

import gc
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BASELINES = Path(__file__).with_name("baselines.json")
TOLERANCE = 0.05
_FEW, _MORE = 400, 1600
_COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")

STEP = 20e-6
"""Seconds of the session's clock between two messages: 50,000 a second."""

SCENARIOS: dict[str, tuple[str, int, bool, float]] = {
    # name: mix, coins, typed, seconds between messages
    "mixed, dicts": ("mixed", 4, False, STEP),
    "mixed, typed": ("mixed", 4, True, STEP),
    "bbo, 1 subscription": ("bbo", 1, False, STEP),
    "bbo, 1000 subscriptions": ("bbo", 1000, False, STEP),
    # A feed slower than it is looked at: each message pays for the look.
    "bbo, slow": ("bbo", 1, False, 0.06),
}


def scenario(name: str, path: str, count: int) -> None:
    """Take ``count`` prepared messages in; this is what runs under callgrind."""
    from bistoury.testing import virtual_time

    from . import inside, stream

    mix, _, typed, step = SCENARIOS[name]
    frames = Path(path).read_bytes().split(b"\n")
    first, frames = frames[: len(coins_of(name))], frames[len(coins_of(name)) :]
    subscriptions = stream.subscriptions(mix, coins_of(name))
    gc.collect()
    gc.disable()
    virtual_time.run(
        inside.feed(
            [*first, *frames[:count]],
            subscriptions,
            lambda _: lambda message: None,
            step=step,
            typed=typed,
        )
    )


def coins_of(name: str) -> tuple[str, ...]:
    """Return the coins of a scenario."""
    from . import stream

    number = SCENARIOS[name][1]
    extra = tuple(f"C{it}" for it in range(max(number - len(stream.COINS), 0)))
    return (*stream.COINS[:number], *extra)


def available() -> bool:
    """Whether callgrind is here."""
    return shutil.which("valgrind") is not None


def count(name: str) -> int:
    """Return the instructions for each message of a scenario."""
    from . import inside, stream

    mix = SCENARIOS[name][0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        begin_ms, coins = inside.EPOCH * 1000, coins_of(name)
        # One of each coin first: what a feed's first message costs is not asked for.
        frames = [
            next(stream.messages(mix, 1, begin_ms=begin_ms, coins=(coin,)))
            for coin in coins
        ]
        begin_ms += 1
        frames += stream.messages(mix, _MORE, begin_ms=begin_ms, coins=coins)
        path.write_bytes(b"\n".join(frames))
        runs = [_start(name, str(path), number, folder) for number in (_FEW, _MORE)]
        few, more = (_collected(run) for run in runs)
    return round((more - few) / (_MORE - _FEW))


def _start(name: str, path: str, number: int, folder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={folder}/{number}",
            ),
            *(sys.executable, "-m", "bench.instructions", "--run", name, path),
            str(number),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("BISTOURY_")},
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(ROOT / "src"),
        },
    )


def _collected(run: subprocess.Popen[str]) -> int:
    said = run.communicate(timeout=900)[1]
    found = _COLLECTED.search(said)
    if run.returncode or found is None:
        raise SystemExit(f"callgrind failed:\n{said[-2000:]}")
    return int(found[1])


def machine() -> dict[str, str]:
    """Return what the counts depend on."""
    from importlib.metadata import version

    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: version(name) for name in ("msgspec", "picows")},
    }


def main(arguments: list[str]) -> int:
    """Compare with the baselines, or record them."""
    if arguments[:1] == ["--run"]:
        scenario(arguments[1], arguments[2], int(arguments[3]))
        return 0
    if not available():
        print("valgrind is not installed: nothing was counted")
        return 0 if not os.environ.get("CI") else 1
    here, counts = machine(), {}
    for name in SCENARIOS:
        counts[name] = count(name)
        print(f"{counts[name]:>8,}  {name}", flush=True)
    if "--record" in arguments:
        text = json.dumps({"on": here, "instructions": counts}, indent=2)
        BASELINES.write_text(text + "\n")
        return 0
    return _compare(here, counts)


def _compare(here: dict[str, str], counts: dict[str, int]) -> int:
    known: dict[str, Any] = json.loads(BASELINES.read_text())
    if known["on"] != here:
        print(f"recorded on {known['on']}, this is {here}: not compared")
        return 0
    worse = 0
    for name, now in counts.items():
        before = known["instructions"].get(name)
        if before is None:
            print(f"{name}: no baseline; run with --record")
            worse += 1
        elif now > before * (1 + TOLERANCE):
            print(f"{name}: {now:,} instructions a message, {before:,} recorded")
            worse += 1
        elif now < before * (1 - TOLERANCE):
            print(f"{name}: better than recorded ({before:,}): run with --record")
    print("worse than recorded" if worse else "as recorded")
    return 1 if worse else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
