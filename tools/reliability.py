"""
Play every scenario of docs/reliability.md and keep what it measured there.

    python tools/reliability.py            # say what is not up to date
    python tools/reliability.py --play     # play them all, ten minutes, and rewrite
    python tools/reliability.py --play --only F07,F35    # some of them
    python tools/reliability.py --write    # rewrite from the figures that are kept

The tests note their figures: seconds until the client let know, seconds from the end
of the fault to being live again, rows lost without a word, rows that came twice, or in
a word why there is no such figure. A scenario's figure is the worst of all its tests.
The figures stay in docs/figures/, with those of ``make soak``, ``make faults`` and
``make conformance``, and the page is written from them.
"""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
README = ROOT / "README.md"
KEPT = ROOT / "docs" / "figures"
FIGURES = ("notice", "recover", "lost", "repeated")
Figure = float | str
"""A number, or why a scenario has none: ``n/a: no outage``."""
_ROW = re.compile(r"^\| (F\d\d) \|(.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
_NOTHING = "\u2013"
_ONE_AFTER_ANOTHER = ("networks/",)
"""What is played without others beside it, for its clocks are real."""


def cells_of(row: str) -> list[str]:
    """Return the cells of a row, without the scenario's number."""
    return [cell.strip() for cell in row.split("|")]


def tests_of(page: str) -> dict[str, list[str]]:
    """Return the tests of each scenario, as paths below ``tests/``."""
    return {
        number: ["::".join(found) for found in _TEST.findall(row)]
        for number, row in _ROW.findall(page)
    }


def play(wanted: list[str]) -> dict[str, dict[str, Figure]]:
    """
    Run tests; return the worst figures of each.

    What failed is played once more by itself: a busy machine is no finding.
    """
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        notes, cache = Path(folder) / "figures.jsonl", Path(folder) / "cache"
        command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={cache}"]
        tests = [f"tests/{it}" for it in wanted]
        for _ in range(2):
            done = subprocess.run(  # noqa: S603 -- our own tests
                [*command, *tests],
                cwd=ROOT,
                env=os.environ | {"SCENARIO_FIGURES": str(notes)},
                check=False,
            )
            if done.returncode == 0:
                lines = notes.read_text("utf-8").splitlines()
                return worst(map(json.loads, lines))
            # By name: --last-failed finds nothing where single tests are asked for.
            failed = cache / "v" / "cache" / "lastfailed"
            if not failed.is_file():
                break
            tests = list(json.loads(failed.read_text("utf-8")))
    sys.exit(f"not every scenario passed (status {done.returncode})")


def worst(notes: Any) -> dict[str, dict[str, Figure]]:
    """Return the largest figures of each test; a number says more than a reason."""
    found: dict[str, dict[str, Figure]] = {}
    for note in notes:
        mine = found.setdefault(note["test"].removeprefix("tests/"), {})
        for name in FIGURES:
            value, before = note.get(name), mine.get(name)
            if isinstance(value, str):
                mine.setdefault(name, value)
            elif value is not None:
                is_first = before is None or isinstance(before, str)
                mine[name] = value if is_first else max(before, value)
    return found


def by_scenario(
    page: str, measured: dict[str, dict[str, Figure]]
) -> dict[str, dict[str, Figure]]:
    """Return the worst figures of each scenario."""
    found = {}
    for number, tests in tests_of(page).items():
        notes = [{"test": number, **measured.get(it, {})} for it in tests]
        found[number] = worst(notes).get(number, {})
    return found


def figure(name: str, value: Figure | None) -> str:
    """Write a figure for people, or why there is none."""
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return value
    if name in {"lost", "repeated"}:
        return f"{value:.0f}"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def render(page: str) -> str:
    """Return the page with the figures that are kept."""
    kept = _read("reliability.json")
    scenarios = kept["scenarios"] if kept else {}

    def line(match: re.Match[str]) -> str:
        number, cells = match[1], cells_of(match[2])[:3]
        mine = scenarios.get(number, {})
        figures = [figure(name, mine.get(name)) for name in FIGURES]
        return "| " + " | ".join([number, *cells, *figures]) + " |"

    page = _ROW.sub(line, page)
    for name, write in SECTIONS.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        head, found, rest = page.partition(begin)
        if found:
            page = head + begin + write() + end + rest.partition(end)[2]
    return page


def _soak() -> str:
    kept = _read("soak.json")
    if kept is None:
        return "Not played yet: `make soak`.\n"
    memory = kept["memory"]
    same = "the same" if kept["live_early"] == kept["live_late"] else "not the same"
    return (
        "| | |\n|---|---|\n"
        f"| messages | {kept['messages']:,} |\n"
        f"| forced reconnects | {kept['reconnects']:,} |\n"
        f"| lost, repeated | {kept['missing']}, {kept['repeated']} |\n"
        f"| memory at the first sample, half-way, at the end | {memory['first_mib']},"
        f" {memory['half_mib']}, {memory['last_mib']} MiB |\n"
        f"| growth over the second half | {memory['growth_of_second_half']:.2%} |\n"
        f"| tasks, threads, descriptors late and early | {same}:"
        f" {kept['live_late']['tasks']}, {kept['live_late']['threads']},"
        f" {kept['live_late']['descriptors']} |\n"
        f"| seconds | {kept['seconds']:.0f} (Python {kept['python']}) |\n"
    )


def _peers(how: str) -> str:
    kept = _read("peers.json")
    if kept is None:
        return "Not played yet: `make faults`.\n"
    sys.path[:0] = [str(ROOT)]
    from bench.faults import table  # noqa: PLC0415 -- not part of the package

    rendered: str = getattr(table, how)(kept)
    return rendered + "\n"


def _conformance() -> str:
    kept = _read("conformance.json")
    if kept is None:
        return "Not played yet: `make conformance`.\n"
    said = [
        "| | cases |",
        "|---|---:|",
        *(f"| {how.lower()} | {count} |" for how, count in kept["ended"].items()),
        "",
        f"`{kept['suite']}`, {kept['cases']} cases, picows {kept['picows']}.",
        "What ends badly is accepted, with its reason:",
        "",
    ]
    reasons: dict[str, list[str]] = {}
    for name, reason in kept["accepted"].items():
        reasons.setdefault(reason, []).append(name)
    said += [f"* {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    return "\n".join([*said, ""])


SECTIONS: dict[str, Callable[[], str]] = {
    "soak": _soak,
    "peers": partial(_peers, "render"),
    "peers in brief": partial(_peers, "brief"),
    "conformance": _conformance,
}


def _read(name: str) -> Any:
    path = KEPT / name
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def measure(page: str, chosen: list[str]) -> None:
    """Play what the page names for these scenarios, and keep the figures."""
    named = {number: it for number, it in tests_of(page).items() if number in chosen}
    wanted = sorted({it for tests in named.values() for it in tests})
    alone = [it for it in wanted if it.startswith(_ONE_AFTER_ANOTHER)]
    together = [it for it in wanted if it not in alone]
    measured: dict[str, dict[str, Figure]] = {}
    for part in filter(None, (together, alone)):
        measured |= play(part)
    kept = _read("reliability.json") or {"scenarios": {}}
    fresh = by_scenario(page, measured)
    scenarios = kept["scenarios"] | {number: fresh[number] for number in named}
    KEPT.mkdir(exist_ok=True)
    found = {
        "v": 1,
        "python": platform.python_version(),
        "scenarios": dict(sorted(scenarios.items())),
    }
    text = json.dumps(found, indent=1)
    (KEPT / "reliability.json").write_text(text + "\n", "utf-8")


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--play", action="store_true", help="play them all, and rewrite"
    )
    parser.add_argument("--only", help="with --play: some, as in F07,F35")
    parser.add_argument("--write", action="store_true", help="rewrite the page")
    given = parser.parse_args()
    page = PAGE.read_text("utf-8")
    known = tests_of(page)
    chosen = given.only.split(",") if given.only else list(known)
    if unknown := sorted(set(chosen) - set(known)):
        parser.error(f"--only: there is no scenario {unknown[0]!r}")
    if given.play:
        measure(page, chosen)
    status = 0
    for path in (PAGE, README):
        page = path.read_text("utf-8")
        fresh = render(page)
        if given.play or given.write:
            path.write_text(fresh, "utf-8")
        elif fresh != page:
            print(f"{path.name} is not what docs/figures/ says: run make reliability")
            status = 1
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
