"""The numbers a session lives by, each with its unit and its reason."""

from __future__ import annotations

import msgspec

from .backoff import Backoff


class Policy(msgspec.Struct, frozen=True):
    """How patient a session is. All durations are in seconds."""

    open_timeout: float = 10.0
    """How long an attempt may take, whatever hangs."""
    close_timeout: float = 1.0
    """How long to wait for the peer when we say goodbye."""
    ping_interval: float = 14.0
    """How often to ping. HL: silent connections are closed after 60 s (docs)."""
    pong_timeout: float = 10.0
    """How long a ping may stay unanswered; with ``ping_interval``, 24 s in all."""
    probe_timeout: float = 3.0
    """How long a probe may stay unanswered after a suspected suspend."""
    late_after: float = 5.0
    """How late a tick, or how far a jump of the wall clock, is suspicious."""
    tick: float = 1.0
    """How often to look at the clocks while connected."""
    message_timeout: float = 30.0
    """Silence after which a connection that promised data is dead."""
    message_intervals: float = 3.0
    """... but never less than this many intervals of the fastest promising feed."""
    watchdog_cap: int = 6
    """Reconnects per hour that missing data alone may cause."""
    stale_intervals: float = 4.0
    """A feed is stale after this many of its longest intervals ..."""
    stale_floor: float = 10.0
    """... but never sooner than this ..."""
    stale_ceiling: float = 120.0
    """... nor later than this."""
    stale_unlearned: float = 30.0
    """... and after this before it has shown any rhythm."""
    first_data_timeout: float = 10.0
    """How long a feed whose venue greets may be granted and mute."""
    resubscribe_after: float = 5.0
    """How long after the warning a stale feed is asked for again."""
    ladder_cooldown: float = 30.0
    """How long to wait between the further rungs."""
    resubscribe_tries: int = 2
    """How often to ask for a stale feed again before a new connection."""
    lag_warning: float = 3.0
    """How far a feed may fall behind its best before it is said."""
    lag_frames: int = 3
    """... and so often in a row, a second apart or more ..."""
    lag_limit: float = 10.0
    """... and before another connection is tried."""
    hush_least: float = 5.0
    """Silence on a chatty connection after which something may have been lost."""
    hush_intervals: float = 5.0
    """... but never less than this many intervals of the fastest promising feed."""
    ack_timeout: float = 5.0
    """How long a request may stay unacknowledged before it is sent again."""
    refused_retry: float = 60.0
    """How often to ask again for what was granted once and is refused now."""
    stable_after: float = 5.0
    """How long a ready connection must last to forgive earlier failures."""
    down_after: float = 60.0
    """How long to be away before saying so, and how often to say it again."""
    penalty_steps: int = 2
    """Steps added to the back-off when the venue says we ask too much."""
    retry_after_limit: float = 900.0
    """The longest Retry-After that is honoured."""
    message_reserve: float = 0.1
    """Share of the message budget kept for pings and unsubscribes."""
    hold_timeout: float = 2.0
    """How long live rows wait for the first read of what was missed."""
    replay_timeout: float = 2.0
    """How long to wait for a feed's replay before asking for it."""
    second_read_after: float = 5.0
    """When to read history again: it trails the stream (issue threads: 5 s)."""
    recovery_overlap: float = 5.0
    """How much before the last thing seen a read begins."""
    recovery_backoff: Backoff = msgspec.field(
        default_factory=lambda: Backoff(2.0, 60.0, 2.0)
    )
    """How long to wait after a read that failed."""
    auto_reconnect: bool = True
    """Whether a loss leads to a new attempt."""
    backoff: Backoff = msgspec.field(default_factory=Backoff)
    """How long to wait between attempts."""
