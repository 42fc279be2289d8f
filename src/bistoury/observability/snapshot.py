"""
All there is to see of one client, as one document: ``/state.json``, page, terminal.

It is made of the same figures as statistics and health; nothing is computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..session import State
from .addresses import labels, shorten
from .chronicle import Chronicle
from .health import View, connection_health, reconnection_stats
from .verdict import line_for, unready, verdict_of

VERSION = 1

_ROW = (
    *("name", "feed", "state", "age", "rate", "lag"),
    *("open", "recovered", "unrecoverable", "messages", "error"),
)


@dataclass(frozen=True, slots=True)
class About:
    """Which client this is."""

    network: str
    """``mainnet``, ``testnet``, ``local`` or ``custom``: where ``url`` leads."""
    url: str
    version: str


def glance(view: View, about: About) -> dict[str, Any]:
    """Return the verdict with what stands behind it, and no list of anything."""
    verdict = verdict_of(view)
    missing = unready(view)
    return {
        "v": VERSION,
        "version": about.version,
        "network": about.network,
        "url": about.url,
        "at": datetime.now(UTC).isoformat(),
        "verdict": {
            "status": str(verdict.standing),
            "line": line_for(verdict, view),
            "reasons": [shorten(it) for it in verdict.reasons],
            "off": verdict.is_off,
        },
        "ready": not missing,
        "not_ready_because": [shorten(it) for it in missing],
    }


def snapshot(view: View, about: About, chronicle: Chronicle) -> Any:
    """Return everything; members are only ever added."""
    health = connection_health(view)
    subscriptions = health.pop("subscriptions")
    names = labels(subscriptions)
    rows = [
        {
            "name": names[name],
            "feed": shorten(subscription.feed),
            **it,
            "age": _rounded(it["age"]),
            "rate": _rounded(it["rate"]),
            "lag": _rounded(it["lag"]),
            "error": None if it["error"] is None else shorten(it["error"]),
        }
        # Names are made of the entries, in their order.
        for subscription, (name, it) in zip(
            view.entries, subscriptions.items(), strict=True
        )
    ]
    health["reasons"] = [shorten(it) for it in health["reasons"]]
    health["handlers"] = [
        {
            **it,
            "handler": shorten(it["handler"]),
            "of": names.get(it["of"]) or shorten(it["of"]),
        }
        for it in health["handlers"]
    ]
    return {
        **glance(view, about),
        "statistics": _shortened(reconnection_stats(view)),
        "health": health,
        "subscriptions": rows,
        "last_ping_seconds": last_ping(view),
        **chronicle.document(),
    }


def compact(document: dict[str, Any]) -> dict[str, Any]:
    """Return a snapshot with its rows as lists: a thousand of them, every second."""
    rows = [
        [
            *(row[name] for name in _ROW[:6]),
            *(row["gaps"][name] for name in _ROW[6:9]),
            row["messages"],
            row["error"],
        ]
        for row in document["subscriptions"]
    ]
    return {**document, "columns": _ROW, "subscriptions": rows}


def last_ping(view: View) -> float | None:
    """Return how long the last ping took, in seconds; ``None`` while there is none."""
    if view.state not in (State.SYNCING, State.LIVE):
        return None
    times = view.session.conversation.liveness.round_trips
    return times[-1] if times else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _shortened(stats: dict[str, Any]) -> dict[str, Any]:
    last = stats["last_disconnect"]
    if last is not None:
        last = {**last, "reason": shorten(last["reason"])}
    return {**stats, "last_disconnect": last}
