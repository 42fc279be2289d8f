"""
Draw the session's life cycle as the documentation shows it.

    python tools/draw_states.py            # print the diagram
    python tools/draw_states.py --write    # put it into the page

The table is ``bistoury.session.state.TRANSITIONS``; the page is never edited by hand.
"""  # noqa: INP001 -- a script, not a package

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

from bistoury.session.state import TRANSITIONS, State

PAGE = Path(__file__).parents[1] / "docs" / "design" / "state-machine.md"
BEGIN, END = "<!-- states: begin -->", "<!-- states: end -->"


def diagram() -> str:
    """Return the life cycle as a Mermaid block; triggers to one state share a line."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.IDLE}"]
    for old, moves in TRANSITIONS.items():
        by_target: dict[State, list[str]] = defaultdict(list)
        for trigger, new in moves.items():
            by_target[new].append(str(trigger))
        lines += [
            f"    {old} --> {new}: {' / '.join(triggers)}"
            for new, triggers in by_target.items()
        ]
    return "\n".join([*lines, "```"])


def between(page: str) -> str:
    """Return what stands between the markers of ``page``."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def replaced(page: str) -> str:
    """Return ``page`` with the present diagram between its markers."""
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n{diagram()}\n{END}{tail}"


def main() -> None:
    """Print the diagram, or write it into its page."""
    parser = argparse.ArgumentParser(description="Draw the session's life cycle.")
    parser.add_argument("--write", action="store_true", help="put it into the page")
    if parser.parse_args().write:
        PAGE.write_text(replaced(PAGE.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(f"{diagram()}\n")


if __name__ == "__main__":
    main()
