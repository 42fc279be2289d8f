"""Every metric there is: its kind, its labels and what it says, in one table."""

from __future__ import annotations

from typing import NamedTuple


class Described(NamedTuple):
    """What is known of a metric before it has a value."""

    kind: str
    text: str
    labels: tuple[str, ...] = ()

    def full_name(self, name: str) -> str:
        """Return how Prometheus shows it."""
        return f"bistoury_{name}{'_total' if self.kind == 'counter' else ''}"


_GAUGES = {
    "up": "1 while live: connected, and everything wanted is acknowledged",
    "ready": "1 while every wanted subscription is granted, has spoken and is fresh",
    "verdict": "1 for the verdict that holds: ok, degraded or down",
    "connection_state": "1 for the state of the connection",
    "breaker_state": "1 for the state of the circuit breaker",
    "connection_uptime_seconds": "for how long the present connection is open",
    "down_seconds": "time since the connection was lost; 0 while live",
    "availability_ratio": "share of the last six hours in which nothing was amiss",
    "success_ratio": "share of recent requests, pings and attempts that succeeded",
    "ping_rtt_seconds": "recent round trips of pings",
    "loop_lag_seconds": "how late the last tick of the event loop came",
    "messages_per_second": "messages of data per second, over the last ten seconds",
    "last_message_age_seconds": "age of the newest data",
    "feed_lag_seconds": "how far the subscriptions are behind their best",
    "queue_depth": "messages that wait for handlers",
    "subscriptions": "subscriptions by state",
    "feed_age_seconds": "age of the newest data, of a feed's oldest subscription",
    "feed_rate": "messages per second of all subscriptions of a feed",
    "stream_age_seconds": "age of the newest data of one subscription",
    "stream_rate": "messages per second of one subscription",
    "stream_lag_seconds": "how far one subscription is behind its best",
    "limit_used": "how much of each limit of the venue is used",
    "limit_allowed": "how much each limit of the venue allows",
    "msgs_tx_window": "messages sent in the last minute",
    "rest_weight_used": "REST weight spent in the last minute",
    "reconnect_delay_seconds": "delay before the last attempt",
    "build_info": "1 for the version that runs",
}

_COUNTERS = {
    "messages": "messages of data, over all connections",
    "duplicates": "rows and frames recognised as repeats and not delivered again",
    "decode_errors": "frames and rows that could not be read",
    "handler_errors": "calls of handlers that raised",
    "callback_errors": "calls of handlers that raised, by handler",
    "dropped": "what a slow handler never saw: no room, or replaced by a newer state",
    "connects": "connections that were opened",
    "connect_errors": "attempts that opened none",
    "disconnects": "connections that were lost",
    "reconnect_attempts": "attempts to reconnect",
    "stale": "times a subscription stopped carrying news",
    "resubscribes": "times a stale subscription was asked for again",
    "gaps": "settled gaps",
    "gap_seconds": "seconds of venue time inside settled gaps",
    "recovered_items": "rows that filled gaps",
    "refusals": "times the venue refused a subscription",
    "asked_again": "requests that stayed unacknowledged and were sent again",
    "venue_errors": "error frames of the venue",
    "audited_minutes": "minutes of trades that were compared with their bar",
    "incidents": "incidents since the client was made",
}

_HISTOGRAMS = {
    "time_to_ready_seconds": "from an open connection to being ready",
    "outage_seconds": "from a loss to being ready again",
}

_SUMMARIES = {
    "callback_seconds": "what calls of handlers took",
}

_LABELS: dict[str, tuple[str, ...]] = {
    "verdict": ("state",),
    "connection_state": ("state",),
    "breaker_state": ("state",),
    "subscriptions": ("state",),
    "ping_rtt_seconds": ("quantile",),
    "feed_lag_seconds": ("quantile",),
    "feed_age_seconds": ("feed",),
    "feed_rate": ("feed",),
    "stream_age_seconds": ("key",),
    "stream_rate": ("key",),
    "stream_lag_seconds": ("key",),
    "limit_used": ("limit",),
    "limit_allowed": ("limit",),
    "dropped": ("policy",),
    "connect_errors": ("cause",),
    "disconnects": ("cause", "code"),
    "gaps": ("cause", "recovered"),
    "venue_errors": ("kind",),
    "audited_minutes": ("result",),
    "callback_seconds": ("handler",),
    "callback_errors": ("handler",),
    "build_info": ("version",),
}

METRICS: dict[str, Described] = {
    name: Described(kind, text, _LABELS.get(name, ()))
    for kind, texts in (
        ("gauge", _GAUGES),
        ("counter", _COUNTERS),
        ("histogram", _HISTOGRAMS),
        ("summary", _SUMMARIES),
    )
    for name, text in texts.items()
}
"""By name, without ``bistoury_`` before it."""

PAPER: dict[str, Described] = {
    "paper_orders": Described("counter", "paper orders that were taken"),
    "paper_rejects": Described("counter", "paper orders that were refused"),
    "paper_fills": Described(
        "counter", "paper fills, by what is known of them", ("quality",)
    ),
    "paper_degraded_seconds": Described(
        "counter",
        "seconds in which a coin's data could not be traded on",
        ("coin", "state"),
    ),
    "paper_open_orders": Described("gauge", "paper orders that may still do something"),
    "paper_equity": Described(
        "gauge", "USDC that a paper account is worth at the marks", ("account",)
    ),
}
"""What comes beside them where an engine trades on paper."""
