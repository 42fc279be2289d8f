"""
Write down what each feed promises, from the feeds table.

    python tools/guarantees.py            # print the full table
    python tools/guarantees.py --brief    # print the README's
    python tools/guarantees.py --write    # put both into their pages

The table is ``bistoury.hyperliquid.feeds.FEEDS``; the pages are never edited by hand.
"""  # noqa: INP001 -- a script, not a package

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bistoury.hyperliquid.feeds import FEEDS, Feed

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- guarantees: begin -->", "<!-- guarantees: end -->"

_SPEAKS = {
    "periodic": "at intervals",
    "event": "when the market moves",
    "sparse": "when something happens",
}

_RETURNS = {
    "itself": "the next frame replaces what was missed",
    "replay": "the replay after a subscription, if it reaches back far enough",
    "request": "the venue's history, read twice",
    "resync": "the first frame after a grant, which is the whole",
    "never": "nothing: it is reported as lost",
}

_UNKNOWN = {
    "itself": "the states in between",
    "replay": "what is older than the replay: declared `unrecoverable`",
    "request": "nothing, as far as the venue's history reaches",
    "resync": "the states in between",
    "never": "everything that was missed",
}

_BRIEF = {
    "itself": "The next frame is the whole truth again.",
    "replay": "Each row once, when the venue's replay overlaps what was delivered.",
    "request": "Each row once, as far as the venue's history reaches.",
    "resync": "The whole is sent again, and changes go on from there.",
    "never": "A gap is declared, and what was in it stays lost.",
}


def _first(feed: Feed) -> str:
    if feed.replays:
        return "a replay of the latest rows"
    return "a first frame" if feed.greets else "no first frame promised"


def _unknown(feed: Feed) -> str:
    return feed.note or _UNKNOWN[feed.heals]


def table() -> str:
    """Return the full table: a row for each feed."""
    columns = (
        "feed",
        "speaks",
        "after the acknowledgement",
        "what was missed comes back by",
        "what stays unknown",
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    lines += [
        f"| `{feed.type}` | {_SPEAKS[feed.promise]} | {_first(feed)}"
        f" | {_RETURNS[feed.heals]} | {_unknown(feed)} |"
        for feed in FEEDS.values()
    ]
    return "\n".join(lines)


def brief() -> str:
    """Return the README's table: a row for each way of healing."""
    by_way: dict[str, list[Feed]] = defaultdict(list)
    for feed in FEEDS.values():
        by_way[feed.heals].append(feed)
    lines = ["| feeds | after an outage | never known |", "|---|---|---|"]
    for way, promise in _BRIEF.items():
        feeds = by_way[way]
        names = ", ".join(f"`{feed.type}`" for feed in feeds)
        notes = [
            f"`{feed.type}`: {_unknown(feed)}"
            for feed in feeds
            if _unknown(feed) != _UNKNOWN[way]
        ]
        unknown = "; ".join([_UNKNOWN[way], *notes])
        lines.append(f"| {names} | {promise} | {unknown} |")
    return "\n".join(lines)


PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "guarantees.md": table,
    ROOT / "README.md": brief,
}


def between(page: str) -> str:
    """Return what stands between the markers of ``page``."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def replaced(page: str, text: str) -> str:
    """Return ``page`` with ``text`` between its markers."""
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n{text}\n{END}{tail}"


def main() -> None:
    """Print a table, or write both into their pages."""
    parser = argparse.ArgumentParser(description="Write down what each feed promises.")
    parser.add_argument("--brief", action="store_true", help="the README's table")
    parser.add_argument("--write", action="store_true", help="put both into the pages")
    asked = parser.parse_args()
    if asked.write:
        for page, make in PAGES.items():
            text = page.read_text("utf-8")
            page.write_text(replaced(text, make()), "utf-8")
    else:
        sys.stdout.write(f"{brief() if asked.brief else table()}\n")


if __name__ == "__main__":
    main()
