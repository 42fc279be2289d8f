"""From the socket to the handler: when each message left, and when it was handled."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Any

from .contenders import BARE, OURS
from .race import Flood, RunFailedError, run

RATES = (1000, 5000)


def measure(other: Flood, rounds: int, seconds: float = 1.5) -> list[dict[str, Any]]:
    """Return p50 and p99 in microseconds at each rate, over alternating rounds."""
    found = []
    for rate in RATES:
        times: dict[str, list[tuple[float, float]]] = {BARE.name: [], OURS.name: []}
        for _ in range(rounds):
            for client in (BARE, OURS):
                try:
                    times[client.name].append(_one(other, client, rate, seconds))
                except RunFailedError as error:
                    print(f"  {error}")
        row: dict[str, Any] = {"rate": rate, "rounds": rounds}
        for name, spans in times.items():
            if spans:
                row[name] = {
                    "p50": median(it[0] for it in spans),
                    "p99": median(it[1] for it in spans),
                }
        found.append(row)
    return found


def _one(other: Flood, client: Any, rate: int, seconds: float) -> tuple[float, float]:
    count = int(rate * seconds)
    report = run(
        other, replace(client), "bbo", count, skip=1, stamps=True, rate=rate, burst=1
    )
    pairs = zip(report["flood"]["stamps"], report["arrivals"], strict=True)
    spans = sorted((arrived - left) / 1000 for left, arrived in pairs)
    return spans[len(spans) // 2], spans[len(spans) * 99 // 100]
