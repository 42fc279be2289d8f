"""
Put a bug into a copy of the client, and show that the suite finds it in a minute.

    python tools/sabotage.py               # all of them, and the original
    python tools/sabotage.py --only overlap
    python tools/sabotage.py --list
    python tools/sabotage.py --json

Three bugs are those that reconnecting clients have, three those that recovery has.
Each is put into a copy of the source of its own, and a named selection of the tests
runs against it: whole scenarios, not the tests of the module that was broken. The
original must pass the same selection. The status is 1 if a bug is not found within
its minute, or if the original is not fit.
"""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SESSION = "src/bistoury/session/"
NEEDED = ("src", "tests", "pyproject.toml", "docs", "tools")
PATIENCE = 60.0
"""Seconds for the suite to find a bug."""


@dataclass(frozen=True)
class Sabotage:
    """One bug: which text of which file becomes which, and what is to find it."""

    name: str
    what: str
    file: str
    changes: tuple[tuple[str, str], ...]
    selection: tuple[str, ...]

    def apply(self, source: str) -> str:
        """
        Return the source with the bug in it.

        Raises:
            LookupError: the source has changed, and the bug has no place in it.
        """
        for old, new in self.changes:
            if source.count(old) != 1:
                times = source.count(old)
                raise LookupError(
                    f"{self.name}: {old!r} is {times} times in {self.file}"
                )
            source = source.replace(old, new)
        return source


_LOSING = ("tests/scenarios/test_losing.py", "-k", "f04 or f05 or f06 or f18 or f19")
_RESTORING = ("tests/scenarios/test_law.py", "-k", "pinned")
_LAWS = ("tests/recovery/test_order.py",)

_FORGIVES = "                self.attempts.forgive()\n"
_LIVES = "        self.liveness.heard_at = now\n"

SABOTAGES = (
    Sabotage(
        "restore",
        "the restore forgets one subscription",
        SESSION + "registry.py",
        (("in list(self.entries.values()):", "in list(self.entries.values())[1:]:"),),
        _RESTORING,
    ),
    Sabotage(
        "back-off",
        "a connection that opens resets the back-off",
        SESSION + "session.py",
        (
            (
                "                self.opened_at = now\n",
                _FORGIVES + "                self.opened_at = now\n",
            ),
        ),
        _LOSING,
    ),
    Sabotage(
        "life",
        "what is sent counts as a sign of life",
        SESSION + "conversation.py",
        (
            (
                "        self.effects.append(do.SendPing())\n",
                _LIVES + "        self.effects.append(do.SendPing())\n",
            ),
            (
                "        self.effects.append(command(entry.subscription))\n",
                _LIVES + "        self.effects.append(command(entry.subscription))\n",
            ),
        ),
        _LOSING,
    ),
    Sabotage(
        "second-read",
        "history is read once, while it trails the stream",
        SESSION + "recovery.py",
        (
            (
                "        elif gap.asked_at >= settled_by:\n",
                "        elif gap.asked_at:\n",
            ),
            ("        if event.trails and now", "        if gap is None and now"),
        ),
        _LAWS,
    ),
    Sabotage(
        "overlap",
        "history is read from the last row on, without an overlap",
        SESSION + "recovery.py",
        (
            (
                "        since = gap.since - self._overlap\n",
                "        since = gap.since\n",
            ),
        ),
        _LAWS,
    ),
    Sabotage(
        "release",
        "live rows are let go before the gap before them is filled",
        SESSION + "recovery.py",
        (
            (
                "                entry.continuity.hold()\n",
                "                entry.continuity.is_holding = False\n",
            ),
        ),
        _LAWS,
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What a selection said of a copy."""

    is_found: bool
    seconds: float
    by: str
    """The first test that failed."""
    said: str
    """The end of what the tests printed."""


def settle_in(place: Path, sabotage: Sabotage | None) -> None:
    """Make a copy of the project, with the bug if one is given."""
    for name in NEEDED:
        source, target = ROOT / name, place / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy(source, target)
    if sabotage is not None:
        broken = place / sabotage.file
        broken.write_text(sabotage.apply(broken.read_text("utf-8")), "utf-8")


def examine(
    place: Path, selection: tuple[str, ...], patience: float = PATIENCE
) -> Outcome:
    """Run a selection of the tests of a copy until one fails, or time is up."""
    environment = os.environ | {"PYTHONPATH": str(place / "src")}
    began = time.monotonic()
    command = [
        *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no"),
        *("-p", "no:cacheprovider", *selection),
    ]
    try:
        done = subprocess.run(  # noqa: S603 -- our own tests
            command,
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, time.monotonic() - began, "", "not done in time")
    seconds = time.monotonic() - began
    failed = re.search(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    # 1: tests failed. Anything else, such as no tests at all, finds nothing.
    is_found = done.returncode == 1 and failed is not None
    return Outcome(is_found, seconds, failed[1] if failed else "", done.stdout[-600:])


def play(sabotage: Sabotage | None, selection: tuple[str, ...]) -> Outcome:
    """Examine a fresh copy, with the bug if one is given."""
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        place = Path(folder)
        settle_in(place, sabotage)
        # That the original is fit is no race: only the bugs have their minute.
        return examine(place, selection, PATIENCE if sabotage else 5 * PATIENCE)


def row(name: str, outcome: Outcome, *, is_right: bool) -> dict[str, Any]:
    """Return one line of the report."""
    return {
        "name": name,
        "is_right": is_right,
        "seconds": round(outcome.seconds, 1),
        "by": outcome.by,
        "said": "" if is_right else outcome.said,
    }


def report(chosen: list[Sabotage]) -> list[dict[str, Any]]:
    """Examine the original, then each bug; print as it goes, to stderr."""
    rows = []
    for selection in dict.fromkeys(it.selection for it in chosen):
        print(f"the original: {' '.join(selection)}", file=sys.stderr)
        outcome = play(None, selection)
        is_fit = not outcome.is_found and " passed" in outcome.said
        rows.append(row("original", outcome, is_right=is_fit))
    for sabotage in chosen:
        print(f"{sabotage.name}: {sabotage.what}", file=sys.stderr)
        outcome = play(sabotage, sabotage.selection)
        rows.append(row(sabotage.name, outcome, is_right=outcome.is_found))
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print the report for people."""
    for it in rows:
        verdict = "passes" if it["name"] == "original" else "found"
        word = verdict if it["is_right"] else f"NOT {verdict}"
        print(f"{it['name']:12} {word:10} {it['seconds']:5.1f} s  {it['by']}")
        if it["said"]:
            print(it["said"])


def main() -> int:
    """Do what the arguments say; return the exit status."""
    names = [it.name for it in SABOTAGES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=names, help="one bug")
    parser.add_argument("--list", action="store_true", help="name the bugs")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    given = parser.parse_args()
    if given.list:
        for it in SABOTAGES:
            print(f"{it.name:12} {it.what}; {' '.join(it.selection)}")
        return 0
    rows = report([it for it in SABOTAGES if given.only in (None, it.name)])
    if given.json:
        print(json.dumps({"v": 1, "rows": rows}))
    else:
        show(rows)
    return 0 if all(it["is_right"] for it in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
