"""
What can happen to a session.

Events are facts, in the past tense. They are the only way in: a list of
``(now, event)`` pairs replays any run exactly.
"""

from __future__ import annotations

import msgspec

from .causes import Cause
from .model import Inbound, Subscription, Traits
from .policy import Policy


class ConnectRequested(msgspec.Struct, frozen=True, tag=True):
    """The application wants a live session; ``wall`` is the time of day, if known."""

    wall: float = 0.0


class CloseRequested(msgspec.Struct, frozen=True, tag=True):
    """The application wants the session to end."""


class ReconnectRequested(msgspec.Struct, frozen=True, tag=True):
    """The application wants another connection."""

    reason: str


class PolicyChanged(msgspec.Struct, frozen=True, tag=True):
    """The application changed how patient the session is."""

    policy: Policy


class SubscribeRequested(msgspec.Struct, frozen=True, tag=True):
    """The application wants a feed."""

    subscription: Subscription
    traits: Traits


class UnsubscribeRequested(msgspec.Struct, frozen=True, tag=True):
    """The application no longer wants a feed."""

    subscription: Subscription


class ConnectionOpened(msgspec.Struct, frozen=True, tag=True):
    """
    A connection finished its handshake.

    ``server_time`` is when the server said it was, in whole seconds since 1970.
    """

    connection_id: int
    server_time: float | None = None


class ConnectionLost(msgspec.Struct, frozen=True, tag=True):
    """A connection failed to open, or ended."""

    connection_id: int
    cause: Cause
    code: int | None = None
    reason: str = ""
    retry_after: float | None = None


class MessageReceived(msgspec.Struct, frozen=True, tag=True):
    """A connection carried something other than data."""

    connection_id: int
    message: Inbound


class DataStarted(msgspec.Struct, frozen=True, tag=True):
    """
    A connection carried the first data of a subscription.

    ``oldest`` and ``newest`` are venue times of its rows, in milliseconds; 0: unsaid.
    """

    connection_id: int
    subscription: Subscription
    oldest: int = 0
    newest: int = 0
    rows: int = 0


class BackfillDone(msgspec.Struct, frozen=True, tag=True):
    """
    A read of the venue's history ended.

    ``complete`` says that it reached all the way; ``oldest`` and ``newest`` are the
    venue times of what it found, in milliseconds, 0 if it found nothing. ``trails``
    says that even what was delivered before the gap is not in that history yet.
    """

    subscription: Subscription
    number: int
    failed: bool = False
    complete: bool = True
    oldest: int = 0
    newest: int = 0
    trails: bool = False


class LossSuspected(msgspec.Struct, frozen=True, tag=True):
    """
    Something may have been lost on the way, although the connection held.

    It carried what should have been data and was not, or was silent for long.
    ``subscription`` is the feed it is about, and ``since`` (venue milliseconds) what
    came before the loss, if that is known.
    """

    connection_id: int
    cause: Cause = Cause.PROTOCOL_ERROR
    subscription: Subscription | None = None
    since: int = 0


class Carried(msgspec.Struct, frozen=True, tag=True):
    """
    Another connection carried a feed until then, in venue milliseconds.

    What this one misses began no earlier.
    """

    subscription: Subscription
    until: int


class RequestSent(msgspec.Struct, frozen=True, tag=True):
    """The application asked the venue something over the connection."""


class PingRequested(msgspec.Struct, frozen=True, tag=True):
    """The application wants a sign of life from an open connection, now."""


class TimePassed(msgspec.Struct, frozen=True, tag=True):
    """The session's deadline was reached; ``wall`` is the time of day, in seconds."""

    wall: float


Event = (
    ConnectRequested
    | CloseRequested
    | ReconnectRequested
    | PolicyChanged
    | SubscribeRequested
    | UnsubscribeRequested
    | ConnectionOpened
    | ConnectionLost
    | MessageReceived
    | DataStarted
    | BackfillDone
    | LossSuspected
    | Carried
    | RequestSent
    | PingRequested
    | TimePassed
)
