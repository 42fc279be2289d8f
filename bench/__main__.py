"""
Measure, judge, and write the figures down.

    python -m bench                      clients, latency, pauses, bursts, recovery
    python -m bench --rounds 9 --peers   ... with every peer, in its own environment
    python -m bench --only cpu,stages    some parts
    python -m bench --write              put the figures into docs/performance.md
    python -m bench --json               the same as JSON

Exit status: 0 if it ran, whatever the verdicts; 1 if something could not be run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from statistics import median
from typing import Any

from . import instructions, latency, report
from .contenders import CONTENDERS
from .environments import make
from .race import ROOT, RunFailedError, flood, interpreter, run

PARTS = (
    *("cpu", "latency", "stages", "pauses", "burst", "recovery", "imports", "curves"),
    "growth",
)


def _alone(part: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.alone", part],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=False,
    )
    if done.returncode:
        raise RunFailedError(f"{part}: {done.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def cpu(rounds: int) -> dict[str, Any]:
    """Let every installed client take the same messages in, in turns."""
    here = [client for client in CONTENDERS if interpreter(client.environment)]
    missing = [client.name for client in CONTENDERS if client not in here]
    spans: dict[str, dict[str, list[float]]] = {}
    floods: list[dict[str, Any]] = []
    versions: dict[str, Any] = {}
    failed: dict[str, str] = {}
    with flood() as other:
        for number in range(rounds):
            for client in here:
                for mix in client.mixes:
                    if client.name in failed:
                        continue
                    try:
                        found = run(other, client, mix, client.per_round)
                    except RunFailedError as error:
                        failed[client.name] = str(error)
                        continue
                    table = spans.setdefault(mix, {})
                    table.setdefault(client.name, []).append(found["cpu_us"])
                    floods.append(found["flood"] | {"client": client.name})
                    versions |= found["versions"]
            print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    versions.pop("objects", None)
    return {
        "rounds": rounds,
        "spans": spans,
        "missing": missing,
        "failed": failed,
        "versions": versions,
        "flood_us": median(it["cpu"] / it["sent"] * 1e6 for it in floods),
        # A flood that never waited may have been the slower side.
        "never_waited": sorted(
            {
                it["client"]
                for it in floods
                if it["waited"] <= 0 and it["bytes"] > 20_000_000
            }
        ),
    }


def growth() -> dict[str, Any]:
    """Return instructions a message as subscriptions grow."""
    if not instructions.available():
        return {"missing": "valgrind"}
    names = [it for it in instructions.SCENARIOS if it.startswith("bbo")]
    return {name: instructions.count(name) for name in names}


def measure(parts: list[str], rounds: int) -> dict[str, Any]:
    """Run parts, each with a word to whoever waits."""
    found: dict[str, Any] = {
        "v": 1,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    failures = {}
    for part in parts:
        print(part, file=sys.stderr, flush=True)
        try:
            if part == "cpu":
                found[part] = cpu(rounds)
            elif part == "latency":
                with flood() as other:
                    found[part] = latency.measure(other, rounds)
            elif part == "growth":
                found[part] = growth()
            else:
                found[part] = _alone(part)
        except RunFailedError as error:
            failures[part] = str(error)
    if failures:
        found["failures"] = failures
    return found


def main() -> int:
    """Read the command line, and do it."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    parser.add_argument("--peers", action="store_true", help="install the peers first")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    parts = chosen.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))}; there are {PARTS}")
    if chosen.peers:
        make()
    try:
        found = measure(parts, chosen.rounds)
    except KeyboardInterrupt:
        return 130
    if chosen.json:
        print(json.dumps(found))
    else:
        print(report.text(found))
    if chosen.write:
        report.write(found)
    return 1 if "failures" in found else 0


if __name__ == "__main__":
    raise SystemExit(main())
