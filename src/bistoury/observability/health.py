"""
How things are, computed in one place.

Statistics, health, pages and metrics all show what is made here, from the
session, the monitor and the process's account of the venue's limits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Any, Protocol

from ..session import Session, State, Subscription
from ..session.budget import Window
from ..session.freshness import lag_behind
from ..session.registry import Entry
from ..session.state import TRYING
from .handlers import Places, handlers
from .monitor import Monitor
from .verdict import verdict_of


class Limits(Protocol):
    """What the venue allows, and how much of it is used."""

    connections_per_minute: Window
    messages: Window
    rest_weight: Window
    connections: int
    subscriptions: int
    posts: int
    users: Any
    limits: Any

    @property
    def users_allowed(self) -> int:
        """How many distinct users may be subscribed to."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """All there is to see of one client at one moment."""

    session: Session
    """The one that shows how things are: of several, the worst."""
    sessions: list[Session]
    entries: dict[Subscription, Entry]
    """Every wanted subscription, as it stands on the line that carries it best."""
    monitor: Monitor
    limits: Limits
    now: float
    """The sessions' time."""
    state: State
    """Live only when everything wanted is; read once, so that no two figures differ."""
    loop_lag: float = 0.0
    audit: dict[str, Any] = field(default_factory=dict)
    """What audits of trades found out so far."""
    readers: Places = ()
    """Who reads what: handlers' mailboxes and streams."""
    is_attached: bool = True
    """Whether the monitor watches: from connect to disconnect."""
    due: Collection[Subscription] = ()
    """What is wanted and granted on no connection."""
    is_ready: bool = False
    """Whether all that is wanted is granted and, where the venue greets, has spoken."""
    queued: int = 0
    """Messages that wait for handlers."""
    conflated: int = 0
    """Messages of states that a newer one replaced before a handler saw them."""

    @property
    def fresh(self) -> set[Subscription]:
        """What some line carries without its being stale or late."""
        return {it for it, entry in self.entries.items() if entry.ladder.is_fresh}

    @property
    def is_live(self) -> bool:
        """Whether everything wanted is granted."""
        return self.state is State.LIVE

    @property
    def received(self) -> int:
        """Messages of data, over all connections."""
        return sum(session.conversation.received for session in self.sessions)

    @property
    def data_at(self) -> float | None:
        """When data last came, over all connections."""
        times = [session.conversation.data_at for session in self.sessions]
        return max((at for at in times if at is not None), default=None)

    def at(self, moment: float | None) -> datetime | None:
        """Return a moment of the session's time as time of day."""
        if moment is None:
            return None
        return datetime.fromtimestamp(time.time() - (self.now - moment), UTC)


def reconnection_stats(view: View) -> dict[str, Any]:
    """Return what ``get_reconnection_stats`` promises."""
    session, monitor = view.session, view.monitor
    lost_at = monitor.lost_at
    state = view.state
    waiting = state is State.BACKOFF
    return {
        "currently_connected": view.is_live,
        "auto_reconnect_enabled": session.policy.auto_reconnect,
        "reconnection_task_active": state in TRYING and session.is_lost,
        "connection_lost_time": _naive_local(lost_at),
        "connection_monitor_active": view.is_attached,
        "last_message_time": _naive_local(view.at(view.data_at)),
        "message_timeout_seconds": session.policy.message_timeout,
        "state": str(state),
        "reconnect_attempts": monitor.attempts,
        "consecutive_failures": session.attempts.failures,
        "total_reconnects": monitor.reconnects,
        "rotations": monitor.rotations,
        "connection_lost_at": lost_at.isoformat() if lost_at else None,
        "last_disconnect": _last_disconnect(monitor),
        "next_attempt_in_seconds": (
            max(0.0, session.retry_at - view.now) if waiting else None
        ),
        "subscriptions": _counts(view),
        "gaps": _all_gaps(view),
        "circuit_breaker": session.breaker.state(view.now),
    }


def connection_health(view: View) -> dict[str, Any]:
    """Return what ``get_connection_health`` promises."""
    session, monitor, now = view.session, view.monitor, view.now
    verdict = verdict_of(view)
    reasons = list(verdict.reasons)
    pings = [
        seconds
        for each in view.sessions
        for seconds in list(each.conversation.liveness.round_trips)
    ]
    times = [*monitor.response_times, *pings]
    outcomes = [*monitor.outcomes, *(True for _ in pings)]
    is_open = view.state in (State.SYNCING, State.LIVE)
    age = None if view.data_at is None else now - view.data_at
    subscriptions = {
        str(subscription): _subscription(entry, view)
        for subscription, entry in view.entries.items()
    }
    lags = [it["lag"] for it in subscriptions.values() if it["lag"] is not None]
    return {
        "is_healthy": not reasons,
        "success_rate": sum(outcomes) / len(outcomes) if outcomes else 1.0,
        "avg_response_time": sum(times) / len(times) if times else 0.0,
        "state": str(view.state),
        "reasons": reasons,
        "last_message_age_seconds": age,
        "uptime_seconds": now - session.opened_at if is_open else 0.0,
        "messages_received": view.received,
        "messages_per_second": monitor.rate(now, view.received),
        "ping_rtt_seconds": quantiles(pings),
        "feed_lag_seconds": quantiles(lags),
        "loop_lag_seconds": view.loop_lag,
        "subscriptions": subscriptions,
        "limits": _limits(view),
        "handlers": handlers(view.readers),
        "audit": view.audit,
        "verdict": str(verdict.standing),
    }


def data_age(entry: Entry, sessions: list[Session], now: float) -> float | None:
    """
    Return how old the newest data of a subscription is, in seconds.

    ``None``: none came over this connection. Frames that come late, repeat
    themselves or stand still make nothing newer.
    """
    if not entry.last_at:
        return None
    age = now - (entry.news_at or entry.last_at)
    best = least_delay(sessions)
    if entry.venue_time and best < inf:
        age = max(age, now - best - entry.venue_time / 1000)
    return age


def lag_of(entry: Entry, sessions: list[Session]) -> float | None:
    """Return how far behind the best of all feeds one is; ``None``: unknown."""
    return lag_behind(entry, least_delay(sessions))


def least_delay(sessions: list[Session]) -> float:
    """Return session time less venue time at best, over all connections."""
    return min(each.conversation.freshness.least_delay for each in sessions)


def quantiles(values: Iterable[float]) -> dict[str, float | None]:
    """Return the median and the 99th percentile; ``None`` without values."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p99": None}
    last = len(ordered) - 1
    return {"p50": ordered[round(last * 0.5)], "p99": ordered[round(last * 0.99)]}


def _subscription(entry: Entry, view: View) -> dict[str, Any]:
    freshness = view.session.conversation.freshness
    return {
        "state": freshness.state(entry, view.now),
        "age": data_age(entry, view.sessions, view.now),
        "rate": 1 / entry.interval if entry.interval else 0.0,
        "lag": lag_of(entry, view.sessions),
        "gaps": _gaps_of(entry, view.monitor),
        "messages": entry.received,
        "duplicates": entry.continuity.duplicates,
        "recovered": entry.continuity.recovered,
        "error": entry.refusal or None,
    }


def _counts(view: View) -> dict[str, int]:
    entries = list(view.entries.values())
    granted = [e for e in entries if e.is_held and not e.refusal]
    return {
        "wanted": sum(not e.refusal for e in entries),
        "acknowledged": len(granted),
        "live": sum(e.is_live and not e.ladder.is_stale for e in granted),
        "stale": sum(e.ladder.is_stale for e in entries),
        "refused": sum(bool(e.refusal) for e in entries),
    }


def _all_gaps(view: View) -> dict[str, int]:
    monitor = view.monitor
    # A list at once: whoever reads may be in another thread.
    overflows = sum(it["open"] for it in list(monitor.overflows.values()))
    return _gaps(len(monitor.open_gaps) + overflows, monitor.gaps)


def _gaps_of(entry: Entry, monitor: Monitor) -> dict[str, int]:
    overflows = monitor.overflows.get(entry.subscription, Counter())
    still_open = int(entry.gap is not None) + overflows["open"]
    return _gaps(still_open, entry.gaps + overflows)


def _gaps(still_open: int, settled: Counter[str]) -> dict[str, int]:
    return {
        "open": still_open,
        "recovered": settled["recovered"],
        "unrecoverable": settled["unrecoverable"],
    }


def _limits(view: View) -> dict[str, dict[str, int]]:
    spent, now = view.limits, view.now

    def of(used: int, allowed: int) -> dict[str, int]:
        return {"used": used, "allowed": allowed}

    def window(it: Window) -> dict[str, int]:
        return of(it.used(now), it.limit)

    return {
        "connections_per_minute": window(spent.connections_per_minute),
        "connections": of(spent.connections, spent.limits.connections),
        "subscriptions": of(spent.subscriptions, spent.limits.subscriptions),
        "users": of(len(spent.users), spent.users_allowed),
        "messages_per_minute": window(spent.messages),
        "posts_in_flight": of(spent.posts, spent.limits.posts_in_flight),
        "rest_weight_per_minute": window(spent.rest_weight),
    }


def _last_disconnect(monitor: Monitor) -> dict[str, Any] | None:
    last, at = monitor.last_disconnect, monitor.last_disconnect_at
    if last is None or at is None:
        return None
    return {
        "cause": str(last.cause),
        "code": last.code,
        "reason": last.reason,
        "at": at.isoformat(),
        "uptime_seconds": last.uptime_seconds,
    }


def _naive_local(moment: datetime | None) -> str | None:
    # The specification subtracts it from ``datetime.now()``, which has no zone.
    if moment is None:
        return None
    return moment.astimezone().replace(tzinfo=None).isoformat()
