"""Values that cross the session's boundary."""

from __future__ import annotations

from collections.abc import Hashable
from enum import StrEnum, auto
from typing import Any

import msgspec

Scalar = str | int | bool
Fields = dict[str, Scalar]


class Subscription(msgspec.Struct, frozen=True, order=True):
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
    memory: int = 0
    """How many row keys to remember so that none is delivered twice."""


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


Inbound = Pong | Acknowledged | VenueError


class Update(msgspec.Struct):
    """
    One frame of data.

    Feeds of events carry ``rows``, oldest first, with a key each; in feeds of
    states every frame replaces the last one, so there are none, and ``message``
    stays ``None`` until somebody wants to read it.
    """

    route: str
    frame: bytes
    message: dict[str, Any] | None = None
    """``{"channel": ..., "data": ...}`` in the venue's shape."""
    rows: list[Any] | None = None
    keys: list[Hashable] | None = None
    slot: str | None = None
    """Where in ``message["data"]`` the rows are; ``None``: they are the data."""
    is_snapshot: bool = False
    """Whether the venue marked it as history."""
    is_void: bool = False
    """Whether nothing in it is new, so that there is nothing to deliver."""
    time: int = 0
    """When the newest of it happened at the venue, in milliseconds; 0: unsaid."""
    unreadable: int = 0
    """How many rows could not be read, and were left out."""

    def keep(self, rows: list[Any]) -> None:
        """Replace the rows, here and in the message."""
        self.rows = rows
        if self.message is not None:
            if self.slot is None:
                self.message["data"] = rows
            else:
                self.message["data"][self.slot] = rows
