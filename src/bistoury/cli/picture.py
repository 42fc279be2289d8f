"""How a state looks in a terminal: the header, the tables, and the account of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from ..observability.verdict import in_words

COLOURS = {"ok": "green", "degraded": "yellow", "down": "red", "off": "dim"}
_OF_STATES = {
    "live": "green",
    "late": "yellow",
    "pending": "yellow",
    "recovering": "yellow",
    "stale": "red",
    "failed": "red",
    "refused": "red",
}
_MARKS = {"ok": "●", "degraded": "◐", "down": "○", "off": "·"}
_FATES = {"recovered": "recovered", "unrecoverable": "lost for good", "open": "open"}
_MOMENT = 0.001
NONE = "-"


def standing(state: dict[str, Any]) -> str:
    """Return the verdict as a word: ``off`` when nobody asks for data."""
    return "off" if state["verdict"]["off"] else str(state["verdict"]["status"])


def header(state: dict[str, Any]) -> Iterator[Text]:
    """Yield the verdict and the figures, a line each."""
    word = standing(state)
    yield Text(f"{_MARKS[word]} {state['verdict']['line']}", f"bold {COLOURS[word]}")
    health, stats = state["health"], state["statistics"]
    gaps = stats["gaps"]
    limits = health["limits"]["messages_per_minute"]
    yield Text(
        f"{state['network']} {state['url']}  {health['state']}"
        f"  up {in_words(health['uptime_seconds'])}"
        f"  sent {limits['used']}/{limits['allowed']} a minute",
        "dim",
    )
    yield Text(
        f"{health['messages_per_second']:.1f} msg/s"
        f"  ping {seconds(state['last_ping_seconds'])}"
        f"  lag {seconds(health['feed_lag_seconds']['p99'])}"
        f"  reconnects {stats['total_reconnects']}"
        f"  gaps {gaps['open']} open {gaps['recovered']} recovered"
        f" {gaps['unrecoverable']} lost"
    )


def subscription_table(
    rows: Sequence[dict[str, Any]], sort: str = "", *, is_reversed: bool = False
) -> Table:
    """Return the table of subscriptions."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    arrow = "▲" if is_reversed else "▼"
    for name in ("feed", "state", "age", "rate", "lag", "gaps", "messages"):
        title = f"{name}{arrow}" if name == sort else name
        is_left = name in ("feed", "state")
        table.add_column(
            title,
            justify="left" if is_left else "right",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if name == "feed" else None,
        )
    for row in rows:
        table.add_row(
            row["name"],
            Text(row["state"], _OF_STATES.get(row["state"], "")),
            seconds(row["age"]),
            f"{row['rate']:.1f}/s",
            seconds(row["lag"]),
            gaps_of(row["gaps"]),
            f"{row['messages']:,}",
        )
    return table


def gaps_of(gaps: dict[str, int]) -> Text:
    """Return the gaps of a feed: open, lost, recovered."""
    if not any(gaps.values()):
        return Text(NONE, "dim")
    style = "red" if gaps["unrecoverable"] else "yellow" if gaps["open"] else ""
    parts = [
        f"{gaps[name]}{letter}"
        for name, letter in (("open", "o"), ("unrecoverable", "l"), ("recovered", "r"))
        if gaps[name]
    ]
    return Text(" ".join(parts), style)


def incident_line(it: dict[str, Any]) -> Text:
    """Return one incident as a line."""
    colour = {"outage": "red"}.get(it["kind"], "yellow")
    text = Text(f"{clock(it['since'])} ")
    text.append(f"{it['kind']:<8} ", colour)
    lasts = f"{in_words(it['seconds'])}{', going on' if it['until'] is None else ''}"
    text.append(f"{it['title']} ")
    text.append(f"({lasts}; {it['fate']})", "dim")
    return text


def account(it: dict[str, Any]) -> Iterator[Text]:
    """Yield the whole account of an incident, a line each."""
    yield incident_line(it)
    yield Text("What happened", "bold")
    for step in it["steps"]:
        yield Text(f"  {clock(step['at'])}  {step['text']}")
    if it["steps_left_out"]:
        yield Text(f"  {it['steps_left_out']} steps in between are left out", "dim")
    yield Text("What was missed, and was it recovered?", "bold")
    if not it["missed"]:
        yield Text("  no feed missed anything")
    for gap in it["missed"]:
        style = {"recovered": "green", "unrecoverable": "red"}.get(
            gap["status"], "yellow"
        )
        line = Text(f"  {_FATES[gap['status']]:<14}", style)
        line.append(
            f"{gap['subscription']}  {clock(gap['since'])} to {clock(gap['until'])}",
            "default",
        )
        if gap["recovered_count"]:
            line.append(f"  {gap['recovered_count']} rows came back", "default")
        yield line
    if it["missed_left_out"]:
        yield Text(f"  and {it['missed_left_out']} more", "dim")


def seconds(value: float | None) -> str:
    """Return a duration in a few letters."""
    if value is None:
        return NONE
    if value < _MOMENT:
        return "0ms"
    if value < 1:
        return f"{value * 1000:.0f}ms"
    return f"{value:.1f}s" if value < 60 else in_words(value).replace(" ", "")  # noqa: PLR2004


def clock(ms: int | None) -> str:
    """Return a moment as local time of day."""
    if not ms:
        return "?"
    return f"{datetime.fromtimestamp(ms / 1000).astimezone():%H:%M:%S}"
