"""
What a session tells whoever watches it: the closed list.

Users get these objects from ``client.on(name, handler)``; logs, metrics and
health are made of them. The session itself never logs.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from .causes import Cause
from .model import Complaint, Subscription
from .state import State, Trigger


class StateChanged(msgspec.Struct, frozen=True, tag=True):
    """The session moved in its life cycle."""

    old: State
    new: State
    because: Trigger

    def __str__(self) -> str:
        return f"{self.old} -> {self.new} ({self.because})"


class Connected(msgspec.Struct, frozen=True, tag=True):
    """The socket is open."""

    connection_id: int

    def __str__(self) -> str:
        return f"connection {self.connection_id} open"


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Everything wanted is acknowledged and the connection is proven to work."""

    connection_id: int
    restored: int
    downtime_seconds: float

    def __str__(self) -> str:
        plural = "" if self.restored == 1 else "s"
        return (
            f"connection {self.connection_id} ready: {self.restored}"
            f" subscription{plural} after {self.downtime_seconds:.1f} s"
        )


class Stable(msgspec.Struct, frozen=True, tag=True):
    """A ready connection has lasted: earlier failures are forgiven."""

    connection_id: int

    def __str__(self) -> str:
        return f"connection {self.connection_id} stable"


class Disconnected(msgspec.Struct, frozen=True, tag=True):
    """The connection is gone, or could not be opened (uptime 0)."""

    cause: Cause
    code: int | None
    reason: str
    connection_id: int
    uptime_seconds: float
    was_open: bool = True

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        if not self.was_open:
            return f"connection {self.connection_id} not opened: {self.cause}{why}"
        code = f", close {self.code}" if self.code is not None else ""
        return (
            f"connection {self.connection_id} lost after {self.uptime_seconds:.1f} s:"
            f" {self.cause}{code}{why}"
        )


class Reconnecting(msgspec.Struct, frozen=True, tag=True):
    """An attempt is scheduled."""

    attempt: int
    delay_seconds: float
    cause: Cause

    def __str__(self) -> str:
        return (
            f"reconnection attempt #{self.attempt} in {self.delay_seconds:.1f} s"
            f" ({self.cause})"
        )


class Granted(msgspec.Struct, frozen=True, tag=True):
    """The venue acknowledged a subscription."""

    subscription: Subscription

    def __str__(self) -> str:
        return f"{self.subscription} acknowledged"


class Started(msgspec.Struct, frozen=True, tag=True):
    """A subscription's first data came over this connection."""

    subscription: Subscription

    def __str__(self) -> str:
        return f"{self.subscription} carries data"


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The venue refused a subscription; ``will_retry`` if it had granted it before."""

    subscription: Subscription
    reason: str
    will_retry: bool

    def __str__(self) -> str:
        return f"{self.subscription} refused: {self.reason}"


class AskedAgain(msgspec.Struct, frozen=True, tag=True):
    """A request stayed unacknowledged and was sent again."""

    subscription: Subscription

    def __str__(self) -> str:
        return f"{self.subscription} not acknowledged, asking again"


class Stale(msgspec.Struct, frozen=True, tag=True):
    """One subscription stopped carrying news, or carries old news."""

    subscription: Subscription
    age_seconds: float
    """Since the last news; of a late feed, how far it is behind its best."""
    rung: str
    """What is done about it: ``warn``, ``resubscribe`` or ``reconnect``."""
    is_late: bool = False
    """Whether news comes, and comes late."""

    def __str__(self) -> str:
        age = f"{self.age_seconds:.1f} s"
        how = f"is {age} behind" if self.is_late else f"has carried no news for {age}"
        return f"{self.subscription} {how} ({self.rung})"


class Gap(msgspec.Struct, frozen=True, tag=True):
    """A stretch of a feed was missed; ``since`` and ``until`` in venue milliseconds."""

    subscription: Subscription
    since: int | None
    until: int | None
    status: str
    """``open``, ``recovered`` or ``unrecoverable``."""
    recovered_count: int
    cause: Cause
    note: str = ""
    """What stays unknown although the rest was recovered."""
    missed_count: int | None = None
    """How much is missing, where that is known."""

    def __str__(self) -> str:
        stretch = f"{self.since or '?'} to {self.until or '?'}"
        found = f", {self.recovered_count} rows" if self.recovered_count else ""
        return (
            f"{self.subscription}: gap from {stretch} {self.status}{found}"
            f" ({self.cause})"
        )


class Degraded(msgspec.Struct, frozen=True, tag=True):
    """Live, but something wanted is not well."""

    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "degraded: " + "; ".join(self.reasons)


class Down(msgspec.Struct, frozen=True, tag=True):
    """Not live for a while, and still trying."""

    since: datetime
    attempts: int
    last_error: str

    def __str__(self) -> str:
        return (
            f"down since {self.since:%H:%M:%S} UTC after {self.attempts} attempts:"
            f" {self.last_error}"
        )


class BreakerChanged(msgspec.Struct, frozen=True, tag=True):
    """The circuit breaker changed state."""

    state: str
    failures: int

    def __str__(self) -> str:
        return f"circuit breaker {self.state} after {self.failures} failures"


class Probing(msgspec.Struct, frozen=True, tag=True):
    """The clocks suggest that the process slept; asking for a sign of life."""

    late_seconds: float
    jump_seconds: float

    def __str__(self) -> str:
        return (
            f"tick {self.late_seconds:.1f} s late, clocks {self.jump_seconds:.1f} s"
            " apart: probing the connection"
        )


class NoMessages(msgspec.Struct, frozen=True, tag=True):
    """A connection that promised data carried none for the message timeout."""

    connection_id: int
    seconds: float

    def __str__(self) -> str:
        return f"no messages received for {self.seconds:g} s, connection appears dead"


class VenueComplained(msgspec.Struct, frozen=True, tag=True):
    """The venue sent an error frame."""

    kind: Complaint
    text: str
    limit: int | None = None

    def __str__(self) -> str:
        return f"the venue says: {self.text}"


Notice = (
    StateChanged
    | Connected
    | Ready
    | Stable
    | Disconnected
    | Reconnecting
    | Granted
    | Started
    | Refused
    | AskedAgain
    | Stale
    | Gap
    | Degraded
    | Down
    | BreakerChanged
    | Probing
    | NoMessages
    | VenueComplained
)
