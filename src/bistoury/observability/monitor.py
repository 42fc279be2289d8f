"""What happened lately: counted from notices, for whoever asks how things are."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..session import State, Subscription
from ..session import notices as heard
from ..session.notices import Notice

_RECENT = 256
_RATE_OVER = 10.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Monitor:
    """An observer of one session."""

    clock: Callable[[], datetime] = _utc_now
    lost_at: datetime | None = None
    """When being live ended; ``None`` while live, or when the end was asked for."""
    last_disconnect: heard.Disconnected | None = None
    last_disconnect_at: datetime | None = None
    reconnects: int = 0
    """Connections that became ready again after one was lost."""
    rotations: int = 0
    """Connections that were replaced before the venue ended them."""
    attempts: int = 0
    """Attempts in the present outage."""
    handler_errors: int = 0
    slow_calls: int = 0
    """Calls of handlers that took longer than they should."""
    overflowed: int = 0
    unreadable: int = 0
    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """How recent requests, pings and connection attempts went."""
    response_times: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """Seconds that recent REST requests took."""
    gaps: Counter[str] = field(default_factory=Counter)
    """How many gaps were ``recovered`` and how many ``unrecoverable``."""
    open_gaps: dict[Subscription, heard.Gap] = field(default_factory=dict)
    """What was missed over the connection and is not settled."""
    overflows: dict[Subscription, Counter[str]] = field(default_factory=dict)
    """Of each wanted feed, what slow handlers had no room for: how many gaps, by
    status."""
    complaints: dict[str, int] = field(default_factory=dict)
    """What the venue said no to, by kind."""
    _were_ready: set[Hashable] = field(default_factory=set)
    _received: deque[tuple[float, int]] = field(
        default_factory=lambda: deque(maxlen=32)
    )

    def observe(
        self, notice: Notice, line: Hashable = None, whole: State | None = None
    ) -> None:
        """
        Count what happened, on which of several connections at a time.

        ``whole`` is where all of them stand together; there may be but one.
        """
        match notice:
            case heard.Connected():
                self.outcomes.append(True)
            case heard.Ready():
                self.reconnects += line in self._were_ready
                self._were_ready.add(line)
            case heard.StateChanged(new=new):
                has_ended = new is State.CLOSED and notice.because != "gave_up"
                together = whole or new
                if together is State.LIVE or (has_ended and together is State.CLOSED):
                    self.lost_at, self.attempts = None, 0
            case heard.Disconnected():
                self.last_disconnect = notice
                self.last_disconnect_at = self.clock()
                if whole is not State.LIVE:
                    self.lost_at = self.lost_at or self.last_disconnect_at
                if not notice.was_open or notice.cause == "silent":
                    self.outcomes.append(False)
            case heard.Reconnecting():
                self.attempts += 1
            case heard.Gap(subscription=subscription, status="open"):
                self.open_gaps[subscription] = notice
            case heard.Gap(subscription=subscription, status=status):
                self.open_gaps.pop(subscription, None)
                self.gaps[status] += 1
            case heard.VenueComplained(kind):
                self.complaints[kind] = self.complaints.get(kind, 0) + 1
            case _:
                pass

    def lacked_room(self, gap: heard.Gap) -> None:
        """Count what one handler had no room for: an open gap, then its end."""
        counts = self.overflows.setdefault(gap.subscription, Counter())
        counts[gap.status] += 1
        if gap.status != "open":
            counts["open"] -= 1
            self.gaps[gap.status] += 1

    def forget(self, subscription: Subscription) -> None:
        """Forget the counts of a feed that nobody wants any more."""
        if not self.overflows.get(subscription, Counter())["open"]:
            self.overflows.pop(subscription, None)

    def succeeded(self, old: Hashable, new: Hashable) -> None:
        """Hear that one connection took the place of another."""
        self.rotations += 1
        self._were_ready.discard(old)
        self._were_ready.add(new)

    def request_done(self, succeeded: bool, seconds: float) -> None:
        """Count a REST request."""
        self.outcomes.append(succeeded)
        self.response_times.append(seconds)

    def ticked(self, now: float, received: int) -> None:
        """Take a sample of the message count, about once a second."""
        self._received.append((now, received))

    def rate(self, now: float, received: int) -> float:
        """Return messages per second over the last ten seconds."""
        past = [sample for sample in self._received if now - sample[0] <= _RATE_OVER]
        if not past or now - past[0][0] <= 0:
            return 0.0
        since, count = past[0]
        return (received - count) / (now - since)
