"""Which of several lines is followed, where nothing tells who is ahead."""

from __future__ import annotations

from . import effects as do
from .registry import Registry


def compare(
    registry: Registry, effects: list[do.Effect], connection_id: int, now: float
) -> None:
    """See to it that no line is followed that has less to say than this one."""
    for entry in registry.entries.values():
        continuity = entry.continuity
        if not continuity.is_shared:
            continue
        if 0 < continuity.overrule_at <= now:
            continuity.overrule_at = 0.0
            effects.append(do.Release(entry.subscription))
        elif (
            continuity.is_delta
            and entry.is_speaking
            and continuity.follow(connection_id)
        ):
            # Its changes are of another whole than the one that was delivered.
            registry.renew(entry)
