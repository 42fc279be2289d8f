"""
The session's states and every legal move between them.

This table is the whole life cycle. The documentation's diagram is drawn from
it, and the session refuses any move it does not list.
"""

from __future__ import annotations

from enum import StrEnum, auto


class State(StrEnum):
    """Where a session is in its life."""

    IDLE = auto()
    """Never asked to connect."""
    CONNECTING = auto()
    """A connection is being opened."""
    SYNCING = auto()
    """Connected; something wanted is not acknowledged yet."""
    LIVE = auto()
    """Connected; everything wanted is acknowledged."""
    BACKOFF = auto()
    """Waiting before the next attempt."""
    CLOSING = auto()
    """Asked to end; the connection is going away."""
    CLOSED = auto()
    """Ended, until asked to connect again."""

    @property
    def rank(self) -> int:
        """How far it is from live, live being the highest."""
        return _RANKS.index(self)


_RANKS = (
    State.CLOSED,
    State.IDLE,
    State.CLOSING,
    State.BACKOFF,
    State.CONNECTING,
    State.SYNCING,
    State.LIVE,
)


class Trigger(StrEnum):
    """Why a session moves."""

    CONNECT = auto()
    HELD_BACK = auto()
    CLOSE = auto()
    OPENED = auto()
    LOST = auto()
    GAVE_UP = auto()
    TIMED_OUT = auto()
    SYNCED = auto()
    RETRY_DUE = auto()


TRANSITIONS: dict[State, dict[Trigger, State]] = {
    State.IDLE: {
        Trigger.CONNECT: State.CONNECTING,
        Trigger.HELD_BACK: State.BACKOFF,
        Trigger.CLOSE: State.CLOSED,
    },
    State.CONNECTING: {
        Trigger.OPENED: State.SYNCING,
        Trigger.LOST: State.BACKOFF,
        Trigger.GAVE_UP: State.CLOSED,
        Trigger.CLOSE: State.CLOSING,
    },
    State.SYNCING: {
        Trigger.SYNCED: State.LIVE,
        Trigger.LOST: State.BACKOFF,
        Trigger.GAVE_UP: State.CLOSED,
        Trigger.CLOSE: State.CLOSING,
    },
    State.LIVE: {
        Trigger.LOST: State.BACKOFF,
        Trigger.GAVE_UP: State.CLOSED,
        Trigger.CLOSE: State.CLOSING,
    },
    State.BACKOFF: {
        Trigger.RETRY_DUE: State.CONNECTING,
        Trigger.GAVE_UP: State.CLOSED,
        Trigger.CLOSE: State.CLOSED,
    },
    State.CLOSING: {
        Trigger.LOST: State.CLOSED,
        Trigger.TIMED_OUT: State.CLOSED,
    },
    State.CLOSED: {
        Trigger.CONNECT: State.CONNECTING,
        Trigger.HELD_BACK: State.BACKOFF,
    },
}

CONNECTED = frozenset({State.SYNCING, State.LIVE})
"""States in which the venue can hear us."""

TRYING = frozenset({State.CONNECTING, State.SYNCING, State.BACKOFF})
"""States on the way to live."""
