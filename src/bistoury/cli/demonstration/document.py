"""The demonstration as one JSON document, for programs."""

from __future__ import annotations

from typing import Any

from .play import Episode, Outcome


def document(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as the JSON document's members."""
    return {
        "ok": outcome.is_sound,
        "seconds": round(outcome.seconds, 3),
        "messages": outcome.messages,
        "breaks": [_episode(episode) for episode in outcome.episodes],
        "streams": [
            {
                "stream": row.stream,
                "published": row.published,
                "delivered": row.delivered,
                "recovered": row.recovered,
                "in_gaps": row.in_gaps,
                "lost": row.lost,
                "repeated": row.repeated,
                "invented": row.invented,
                "note": outcome.notes.get(row.stream) or None,
            }
            for _, row in outcome.rows
        ],
        "states": [
            {"feed": feed.name, "newest_seconds": age} for feed, age in outcome.states
        ],
    }


def _episode(episode: Episode) -> dict[str, Any]:
    lost = episode.lost
    return {
        "name": episode.break_.name,
        "cause": None if lost is None else str(lost.cause),
        "code": None if lost is None else lost.code,
        "reason": None if lost is None else lost.reason,
        "noticed_after": episode.noticed_after,
        "attempts": [
            {"attempt": it.attempt, "delay": it.delay_seconds, "cause": str(it.cause)}
            for it in episode.attempts
        ],
        "ready_after": episode.ready_after,
        "downtime": episode.away,
        "wanted": episode.wanted,
        "acknowledged": episode.acknowledged,
        "asked_again": episode.asked_again,
        "first_data_after": episode.first_data_after,
        "published_meanwhile": episode.missed,
        "brought_back": episode.brought_back,
        "in_gaps": episode.in_gaps,
        "gaps": dict(episode.gaps),
        "gaps_settled_after": episode.settled_after,
        "error": episode.error or None,
    }
