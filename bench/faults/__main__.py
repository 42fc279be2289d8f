"""
The same eight faults against bistoury and its peers, on a local venue.

    python bench/faults                     # everything, about fifteen minutes
    python bench/faults --only outage --clients bistoury,ccxt.pro
    python bench/faults --write             # keep the table in docs/

Each play is a client in a process and an environment of its own, and a venue of its
own. After fifteen good seconds the fault comes. What is measured: when the client
lets its application know, or knocks at the venue again; when every feed has data
again; which trades of the venue's ledger never came and were never declared missing;
how many connections it tried within the worst minute. The status is 1 if bistoury is
beaten in a figure that ``REASONS`` has no reason for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

if __package__ in {None, ""}:
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from bench.faults import environments, table
from bench.faults.plays import PLAYS, play

AT_ONCE = 10
"""Plays at the same time: they mostly wait."""
KEPT = Path(__file__).resolve().parents[2] / "docs" / "figures" / "peers.json"


async def run(clients: dict[str, list[str]], plays: list[str]) -> list[dict[str, Any]]:
    """Play everything; return the figures of each play."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, client: str, command: list[str]) -> dict[str, Any]:
        async with gate:
            found = await play(PLAYS[name], command)
        print(f"{name:22} {client:22} {found['summary']}", file=sys.stderr)
        return {"fault": name, "client": client, **found}

    return await asyncio.gather(
        *(one(it, who, how) for it in plays for who, how in clients.items())
    )


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=list(PLAYS), help="one fault")
    parser.add_argument("--clients", help="some of them, separated by commas")
    parser.add_argument("--json", action="store_true", help="JSON on stdout")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/")
    given = parser.parse_args()
    known = environments.NAMES
    wanted = given.clients.split(",") if given.clients else list(known)
    if unknown := sorted(set(wanted) - set(known)):
        parser.error(f"--clients: {unknown[0]!r} is none of {', '.join(known)}")
    clients, missing = environments.commands(wanted)
    for name, reason in missing.items():
        print(f"{name}: not played: {reason}", file=sys.stderr)
    rows = asyncio.run(run(clients, [given.only] if given.only else list(PLAYS)))
    found = {"v": 1, "plays": rows, "missing": missing}
    if given.write:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found) if given.json else table.render(found))
    for sentence in (beaten := table.beaten(found)):
        print(sentence, file=sys.stderr)
    return 1 if beaten else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
