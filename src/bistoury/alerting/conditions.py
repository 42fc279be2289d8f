"""What is amiss right now, by rule: the facts that alerts are decided on."""

from __future__ import annotations

from ..observability.addresses import shorten
from ..observability.health import View
from ..observability.verdict import Standing, verdict_of

Facts = dict[str, dict[str, str]]
"""By rule and by feed, in words; what is not in it is well. See ``OFF``."""

CONNECTION = ""
"""Stands for a feed where it is about all of them."""

OFF = "off"
"""In facts instead of anything else while nobody asks for data: nothing is decided."""


def conditions(view: View) -> Facts:
    """Return what is amiss, in words."""
    verdict = verdict_of(view)
    if verdict.is_off:
        return {OFF: {}}
    found: Facts = {}
    if verdict.standing is Standing.DOWN:
        found["down"] = {CONNECTION: shorten("\n".join(verdict.reasons[:3]))}
    for entry in view.entries.values():
        name = str(entry.subscription)
        if entry.ladder.is_stale:
            found.setdefault("stale", {})[name] = shorten(name)
        elif entry.ladder.is_lagging:
            found.setdefault("late", {})[name] = shorten(name)
        if entry.refusal:
            said = shorten(f"{name}: {entry.refusal}")
            found.setdefault("refused", {})[name] = said
    if view.session.breaker.state(view.now) == "open":
        failures = view.session.attempts.failures
        found["breaker"] = {CONNECTION: f"{failures} attempts in a row have failed"}
    return found
