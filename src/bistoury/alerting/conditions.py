"""What is amiss right now, by rule: the facts that alerts are decided on."""

from __future__ import annotations

from ..observability.addresses import shorten
from ..observability.health import View
from ..observability.verdict import Standing, verdict_of

Facts = dict[str, list[str]]
"""By rule, what it is about; a rule that is not in it is well. See ``OFF``."""

OFF = "off"
"""In facts instead of anything else while nobody asks for data: nothing is decided."""


def conditions(view: View) -> Facts:
    """Return what is amiss, in words."""
    verdict = verdict_of(view)
    if verdict.is_off:
        return {OFF: []}
    found: Facts = {}
    if verdict.standing is Standing.DOWN:
        found["down"] = [shorten(it) for it in verdict.reasons[:3]]
    stale, refused = [], []
    for session in view.sessions:
        stale += [str(e.subscription) for e in session.conversation.freshness.stale()]
        refused += [
            f"{entry.subscription}: {entry.refusal}"
            for entry in session.registry.refused.values()
        ]
    if stale:
        found["stale"] = sorted({shorten(it) for it in stale})
    if refused:
        found["refused"] = sorted({shorten(it) for it in refused})
    if view.session.breaker.state(view.now) == "open":
        failures = view.session.attempts.failures
        found["breaker"] = [f"{failures} attempts in a row have failed"]
    return found
