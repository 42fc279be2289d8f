"""The table of the plays, and whether bistoury is beaten in any figure of it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

OURS = "bistoury"
FIGURES = {
    "notice": "noticed after, s",
    "recover": "data on every feed after, s",
    "lost": "trades lost without a word",
    "repeated": "trades that came again",
    "attempts": "attempts in the worst minute",
}
NEVER = float("inf")
MARGIN = {"notice": 0.5, "recover": 2.0, "lost": 0.0, "repeated": 0.0, "attempts": 0.0}
"""What is no difference: a poll, a jittered delay."""

_PATIENT = (
    "by default the wait between attempts doubles up to 60 s, so that a crowd of "
    "clients does not fall on a venue that is getting up; with `max_reconnect_delay=5` "
    "it is five seconds, see the second row"
)
REASONS: dict[tuple[str, str], str] = {
    ("accept and close", "recover"): _PATIENT,
    ("outage", "recover"): _PATIENT,
}
"""Why another client is better: (fault, figure) → a sentence."""


def value(row: dict[str, Any], figure: str) -> float:
    """Return a figure as a number; what never came is worst."""
    found = row[figure]
    return NEVER if found is None else float(found)


def beaten(found: dict[str, Any]) -> list[str]:
    """Return where another client is better and no reason says why."""
    said = []
    for fault, rows in _by_fault(found):
        ours = next((row for row in rows if row["client"] == OURS), None)
        if ours is None:
            continue
        for figure, margin in MARGIN.items():
            for other in (it for it in rows if not it["client"].startswith(OURS)):
                # Who never comes back tries seldom and repeats little.
                if figure in {"attempts", "repeated"} and other["recover"] is None:
                    continue
                better = value(other, figure) + margin < value(ours, figure)
                if better and (fault, figure) not in REASONS:
                    said.append(
                        f"{fault}: {other['client']} is better in {figure}: "
                        f"{other[figure]} against {ours[figure]}"
                    )
    return said


def render(found: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    heads = ["fault", "client", *FIGURES.values()]
    lines = [_line(heads), _line(["---"] * 2 + ["---:"] * len(FIGURES))]
    for fault, rows in _by_fault(found):
        for row in rows:
            cells = [_cell(row, figure) for figure in FIGURES]
            name, *rest = row["client"].split(", ")
            client = ", ".join([f"{name} {row['version']}", *rest])
            lines.append(_line([fault, client, *cells]))
    reasons = [
        f"* {fault}, {FIGURES[figure]}: {reason}"
        for (fault, figure), reason in REASONS.items()
    ]
    missing = [
        f"* {name} was not played: {reason}"
        for name, reason in found["missing"].items()
    ]
    notes = reasons + missing
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def brief(found: dict[str, Any]) -> str:
    """Return who came back after how long, and lost what without a word."""
    plays = {(row["fault"], row["client"]): row for row in found["plays"]}
    clients = [it for it in dict.fromkeys(name for _, name in plays) if "," not in it]
    versions = {row["client"]: row["version"] for row in found["plays"]}
    lines = [
        _line(["", *(f"{name} {versions[name]}" for name in clients)]),
        _line(["---"] * (1 + len(clients))),
    ]
    for fault in dict.fromkeys(fault for fault, _ in plays):
        cells = [_in_brief(plays.get((fault, name))) for name in clients]
        lines.append(_line([fault, *cells]))
    return "\n".join(lines)


def _in_brief(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not played"
    back = "never" if row["recover"] is None else f"{row['recover']:.0f} s"
    lost = f"{row['lost'] / row['published']:.0%} lost" if row["lost"] else "0 lost"
    if row["declared"]:
        lost += f", {row['declared'] / row['published']:.0%} declared"
    again = f", {row['repeated']} twice" if row["repeated"] else ""
    return f"{back}, {lost}{again}"


def _cell(row: dict[str, Any], figure: str) -> str:
    found = row[figure]
    if figure in {"notice", "recover"}:
        return "never" if found is None else f"{found:.1f}"
    if figure == "lost":
        declared = f", {row['declared']} declared" if row["declared"] else ""
        return f"{found} of {row['published']}{declared}"
    return str(found)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _by_fault(found: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [
        (fault, list(rows))
        for fault, rows in groupby(found["plays"], lambda row: row["fault"])
    ]
