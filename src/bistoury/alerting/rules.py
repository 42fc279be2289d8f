"""The rules: what is worth a message, how bad it is, and how it is said."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One reason to send a message."""

    severity: str
    opened: str
    """The title when it begins."""
    closed: str
    """The title when it is over; empty for what is over when it happens."""
    after: str = ""
    """The setting that says how long it may last unsaid."""


RULES: dict[str, Rule] = {
    "down": Rule(
        "critical", "No market data: the connection is down", "Back", "down_after"
    ),
    "gap": Rule("warning", "Data was missed and cannot be recovered", ""),
    "stale": Rule("warning", "A feed carries no news", "News again", "stale_after"),
    "late": Rule("warning", "A feed is late", "On time again", "stale_after"),
    "refused": Rule(
        "warning",
        "The venue refuses a subscription",
        "Not refused any more",
        "refused_after",
    ),
    "breaker": Rule(
        "warning",
        "The circuit breaker is open",
        "The circuit breaker has closed",
        "breaker_after",
    ),
    "slow_handler": Rule(
        "warning", "A handler is too slow: rows find no room", "The handler keeps up"
    ),
    "flapping": Rule(
        "warning",
        "The connection comes and goes: single losses are left to a digest",
        "The connection is steady again",
    ),
}

INHIBITED_BY_DOWN = frozenset(RULES) - {"down"}
"""While the connection is down, nothing else is news."""

HELD_BY_FLAPPING = frozenset({"down", "gap"})
"""Once people know that the connection comes and goes, single cases are no news."""
