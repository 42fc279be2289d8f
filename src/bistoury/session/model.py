"""Values that cross the session's boundary."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum, auto
from typing import Any, NamedTuple

import msgspec

Scalar = str | int | bool
Fields = dict[str, Scalar]


class Subscription(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """One feed with its parameters. Compared by value; used as a key everywhere."""

    feed: str
    params: tuple[tuple[str, Scalar], ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(f"{name}={value}" for name, value in self.params)
        return f"{self.feed}({inner})" if inner else self.feed

    @property
    def fields(self) -> Fields:
        """The subscription as the venue's object, without absent members."""
        return {"type": self.feed, **dict(self.params)}

    def get(self, name: str, default: Scalar = "") -> Scalar:
        """Return one parameter."""
        return dict(self.params).get(name, default)


class Promise(StrEnum):
    """How a feed speaks, which decides what its silence means."""

    PERIODIC = auto()
    """At intervals, whatever happens: silence is a fault."""
    EVENT = auto()
    """When something happens in the market: silence may be a quiet market."""
    SPARSE = auto()
    """When something happens to a user: silence is the rule."""


class Heals(StrEnum):
    """How what a feed missed comes back."""

    ITSELF = auto()
    """The next frame replaces everything before it."""
    REPLAY = auto()
    """The first frame repeats the latest rows; they must reach back far enough."""
    REQUEST = auto()
    """The venue keeps a history that can be asked for."""
    RESYNC = auto()
    """Frames are changes; the first one after a grant is the whole."""
    NEVER = auto()
    """It does not: what was missed can only be reported."""

    @property
    def at_once(self) -> bool:
        """Whether one frame after a grant is all there is to know."""
        return self in (Heals.ITSELF, Heals.RESYNC)


class Traits(msgspec.Struct, frozen=True):
    """What a session needs to know about a feed without knowing the feed."""

    route: str
    """What its frames are told apart by; unique on one connection."""
    promise: Promise = Promise.EVENT
    greets: bool = False
    """Whether the venue sends a frame at once after granting it."""
    user: str = ""
    """The address it counts against the venue's limit of users, if any."""
    replays: bool = False
    """Whether its first frame repeats the past without saying so."""
    is_lossless: bool = False
    """Whether each message counts, and not just the newest."""
    heals: Heals = Heals.NEVER
    """How what it missed comes back."""
    note: str = ""
    """What stays unknown of a gap although it was recovered, in words."""
    memory: int = 0
    """How many row keys to remember so that none is delivered twice."""
    is_restless: bool = False
    """Whether a frame that repeats the last one is no news, although it has no time."""
    extras: tuple[str, ...] = ()
    """Parameters that the venue may not know, and then leaves out of its answer."""


class Pong(msgspec.Struct, frozen=True, tag=True):
    """The venue answered a ping."""


class Acknowledged(msgspec.Struct, frozen=True, tag=True):
    """The venue granted (or gave up) the subscription with these fields."""

    subscribed: bool
    fields: Fields


class Complaint(StrEnum):
    """What kind of no the venue said."""

    REFUSED = auto()
    """This subscription, for a reason of its own."""
    SUBSCRIPTIONS = auto()
    """Too many subscriptions; the text names no request."""
    USERS = auto()
    """Too many users; the text names no request."""
    MESSAGES = auto()
    """Too many messages per minute; the text names no request."""
    POSTS = auto()
    """Too many requests in flight."""
    OTHER = auto()
    """Something we have no rule for."""


class VenueError(msgspec.Struct, frozen=True, tag=True):
    """
    The venue said no.

    ``fields`` is the subscription it names, if any, and ``subscribed`` whether
    the refused request was to subscribe. ``limit`` is the number in the text.
    """

    kind: Complaint
    text: str
    fields: Fields | None = None
    subscribed: bool = True
    limit: int | None = None
    post_id: int | None = None


class PostReply(msgspec.Struct, frozen=True):
    """
    The answer to a question over the socket; no session decides on it.

    ``kind`` is ``info`` or ``error``, ``payload`` whatever came.
    """

    id: int
    kind: str
    payload: Any = None


Inbound = Pong | Acknowledged | VenueError


class Version(NamedTuple):
    """A key of which only greater numbers are news: a bar, and how often it traded."""

    item: Hashable
    number: int
    content: Hashable = None
    """What tells two versions with one number apart."""


Item = tuple[int, Hashable, Any]
"""A row of events: its venue time in milliseconds, its key, and the row."""


class Update(msgspec.Struct, gc=False):
    """
    One frame of data.

    Feeds of events carry ``items``, oldest first; in feeds of states every frame
    replaces the last one, so there are none, and ``message`` stays ``None`` until
    somebody wants to read it. What was decoded into a type of its own is in
    ``typed``, and then ``message`` is made when somebody wants plain values.
    """

    route: str
    frame: bytes
    message: dict[str, Any] | None = None
    """``{"channel": ..., "data": ...}`` in the venue's shape."""
    items: list[Item] | None = None
    typed: Any = None
    """The message as a Struct with ``data``, ``snapshot`` and ``recovered``."""
    time: int = 0
    """When the newest of it happened at the venue, in milliseconds; 0: unsaid."""
    oldest: int = 0
    """When the oldest of it happened at the venue, in milliseconds; 0: unsaid."""
    seen: int = 0
    """How many rows came, those already delivered included."""
    slot: str | None = None
    """Where in ``message["data"]`` the rows are; ``None``: they are the data."""
    is_single: bool = False
    """Whether there is one row, and it stands without a list around it."""
    is_snapshot: bool = False
    """Whether the venue marked it as history."""
    is_void: bool = False
    """Whether there is nothing to deliver: nothing is new, or it is held back."""
    unreadable: int = 0
    """How many rows could not be read, and were left out."""

    def keep(self, items: list[Item]) -> None:
        """Replace the rows, here and in the message."""
        self.items = items
        rows = [row for _, _, row in items]
        if self.is_single and not rows:
            return
        value = rows[0] if self.is_single else rows
        if self.typed is not None:
            data = value if self.is_single else tuple(rows)
            self.typed = msgspec.structs.replace(self.typed, data=data)
        if self.message is None:
            return
        if self.slot is None:
            self.message["data"] = value
        else:
            self.message["data"] = {**self.message["data"], self.slot: value}

    def mark(self, flag: str) -> None:
        """Say in the message what kind of delivery this is."""
        if self.message is not None:
            self.message[flag] = True
        if self.typed is not None:
            self.typed = msgspec.structs.replace(self.typed, **{flag: True})

    def part(self, items: list[Item]) -> Update:
        """Return a message of its own with some of the rows."""
        message = dict(self.message or {}) if self.typed is None else None
        copy = msgspec.structs.replace(self, message=message, is_snapshot=False)
        copy.keep(items)
        copy.time = items[-1][0] if items else 0
        return copy
