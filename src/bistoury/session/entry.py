"""One subscription: what is known of it, on its way and granted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum, auto
from math import inf

from .continuity import Continuity
from .gap import OpenGap
from .ladder import Ladder
from .model import Subscription, Traits

# A feed that replays does so right after granting; where it does not replay, the
# first live frame of a sleepy coin comes much later and is no history.
_REPLAY_WITHIN = 2.0

_LEARNING = 0.1  # weight of the newest interval in a feed's usual one
_FORGETTING = 0.01  # ... and in its longest one


class Holding(StrEnum):
    """What this connection's end at the venue is thought to hold."""

    NOTHING = auto()
    ASKED = auto()
    HELD = auto()
    LEAVING = auto()


@dataclass(slots=True, eq=False)
class Entry:
    """One subscription, on its way or granted."""

    subscription: Subscription
    traits: Traits
    is_wanted: bool = True
    holding: Holding = Holding.NOTHING
    asked_at: float = inf
    unanswered: int = 0
    """How many waits for an answer to its request ended without one, in a row."""
    was_granted: bool = False
    """Whether the venue ever granted it to this line."""
    refusal: str = ""
    refused_at: float = inf
    granted_at: float = inf
    is_speaking: bool = False
    """Whether this connection has carried its data."""
    continuity: Continuity = field(default_factory=lambda: Continuity(0))
    sure: int = 0
    """How far the feed had come when this connection was last beyond doubt, in venue
    milliseconds; 0: as far as it is."""
    settled: int = 0
    """Up to when all was delivered, or given up as missed, in venue milliseconds.
    What another line gave up may have been brought by this one."""
    gap: OpenGap | None = None
    """What was missed and is not settled yet."""
    gaps: Counter[str] = field(default_factory=Counter)
    """How many gaps were ``recovered`` and how many ``unrecoverable``."""
    received: int = 0
    looked: int = 0
    """How many it had received when it was last looked at."""
    look_at: float = 0.0
    """When to look again at when its messages come."""
    last_at: float = 0.0
    """When its last data came on this connection; 0 before."""
    interval: float = 0.0
    """Its usual time between messages, in seconds, once learned."""
    longest: float = 0.0
    """Its longest time between messages lately, in seconds: slow to forget."""
    news_at: float = 0.0
    """When something new came on this connection; 0 before."""
    shown: bytes = b""
    """The last frame that was news, where a repetition is none."""
    delay: float = 0.0
    """Session time less venue time of its newest frame, in seconds: lag and offset."""
    ladder: Ladder = field(default_factory=Ladder)
    """What is being done about its staleness."""
    is_renewing: bool = False
    """Whether it is given up only to be asked for again."""
    has_raw_readers: bool = False
    """Whether somebody wants its frames as they come."""
    venue_time: int = 0
    """When its newest data happened at the venue, in milliseconds."""

    def learn(self, seconds: float) -> None:
        """Take one more time between messages into its rhythm."""
        known = self.interval or seconds
        self.interval = known + (seconds - known) * _LEARNING
        longest = self.longest + (seconds - self.longest) * _FORGETTING
        # Not ``max``: this runs for every message.
        self.longest = seconds if seconds > longest else longest  # noqa: FURB136

    @property
    def is_held(self) -> bool:
        """Whether the venue has granted it on this connection."""
        return self.holding == Holding.HELD

    @property
    def is_due(self) -> bool:
        """Whether it stands between the session and being live."""
        return self.is_wanted and not self.refusal and self.holding != Holding.HELD

    @property
    def is_live(self) -> bool:
        """Whether it is granted and, where the venue greets, has spoken."""
        return self.holding == Holding.HELD and (
            self.is_speaking or not self.traits.greets
        )

    def is_replaying(self, now: float) -> bool:
        """Whether a frame that comes now repeats the past, unmarked as it is."""
        return (
            self.traits.replays
            and not self.is_speaking
            and now - self.granted_at <= _REPLAY_WITHIN
        )

    @property
    def may_be_asked(self) -> bool:
        """Whether to ask for it on a new connection."""
        is_known = self.was_granted or self.continuity.was_granted
        return self.is_wanted and (not self.refusal or is_known)
