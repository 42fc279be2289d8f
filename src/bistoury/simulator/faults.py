"""
What can be wrong with the venue, as data.

A fault is a value: it can be written in a TOML plan, sent as JSON to a running
venue, or drawn from a seed. Nothing here acts; ``conduct`` and ``link`` read it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

How = Literal["rst", "eof", "close"]
What = Literal["data", "pong", "ack", "error", "post"]
EVERYTHING: tuple[What, ...] = ("data", "pong", "ack", "error", "post")


class Fault(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="fault",
    forbid_unknown_fields=True,
):
    """The base of all faults. ``connection`` narrows it to one; None is all."""

    connection: int | None = None


class Refuse(Fault, frozen=True, kw_only=True, tag="refuse"):
    """
    Let nobody connect.

    ``tcp`` stops listening, ``close`` and ``rst`` accept and hang up, ``hang``
    never answers the upgrade, ``http`` answers it with ``status``.
    """

    how: Literal["tcp", "close", "rst", "hang", "http"] = "http"
    status: int = 503
    retry_after: float | None = None
    body: str = ""
    content_type: str = "text/html"


class Cut(Fault, frozen=True, kw_only=True, tag="cut"):
    """End the open connections, once."""

    how: How = "rst"
    code: int = 1000
    reason: str = ""


class Flap(Fault, frozen=True, kw_only=True, tag="flap"):
    """End every connection ``after`` seconds of life."""

    after: float = 0.0
    how: How = "eof"
    code: int = 1000
    reason: str = ""


class _OnFrames(Fault, frozen=True, kw_only=True):
    """A fault of some frames: of these kinds, of this type, of this coin."""

    what: tuple[What, ...] = EVERYTHING
    type: str | None = None
    coin: str | None = None


class Silent(_OnFrames, frozen=True, kw_only=True, tag="silent"):
    """
    Say nothing (``out``), hear nothing (``in``), or both: half-open.

    Swallowed frames are lost, or with ``hold`` delivered late. A connection the
    venue closed meanwhile is reset when the silence ends, as a kernel would.
    """

    direction: Literal["both", "out", "in"] = "both"
    hold: bool = False


class Delay(_OnFrames, frozen=True, kw_only=True, tag="delay"):
    """Deliver later; what is delayed delays what follows it."""

    seconds: float = 1.0
    jitter: float = 0.0


class Drip(_OnFrames, frozen=True, kw_only=True, tag="drip"):
    """Send the bytes of a frame slowly."""

    bytes_per_second: float = 1.0


class Lose(_OnFrames, frozen=True, kw_only=True, tag="lose"):
    """Lose frames with a probability."""

    probability: float = 0.05
    what: tuple[What, ...] = ("data",)


class Repeat(_OnFrames, frozen=True, kw_only=True, tag="repeat"):
    """Send frames again with a probability."""

    probability: float = 0.05
    times: int = 1
    what: tuple[What, ...] = ("data",)


class Stuck(_OnFrames, frozen=True, kw_only=True, tag="stuck"):
    """Send the last frame of a feed for ever instead of new ones."""

    what: tuple[What, ...] = ("data",)


Spoiling = Literal[
    "truncated", "utf8", "binary", "empty", "channel", "text", "field", "list"
]
SPOILINGS: tuple[Spoiling, ...] = (
    "truncated",
    "utf8",
    "binary",
    "empty",
    "channel",
    "text",
    "field",
    "list",
)


class Garble(_OnFrames, frozen=True, kw_only=True, tag="garble"):
    """
    Spoil frames with a probability, in one of these ways.

    ``empty`` is ``{}``, ``channel`` an unknown channel, ``text`` the greeting,
    ``field`` adds an unknown field, ``list`` an empty ``trades`` list.
    """

    probability: float = 0.05
    how: tuple[Spoiling, ...] = SPOILINGS
    what: tuple[What, ...] = ("data",)


class DropAcks(Fault, frozen=True, kw_only=True, tag="drop_acks"):
    """Subscribe, but leave out every ``every``-th acknowledgement."""

    every: int = 1
    type: str | None = None
    method: Literal["subscribe", "unsubscribe"] | None = None


class RefuseSubscriptions(Fault, frozen=True, kw_only=True, tag="refuse_subscriptions"):
    """Answer a subscribe with an error; ``{subscription}`` is its canonical JSON."""

    text: str = "Invalid subscription {subscription}"
    type: str | None = None
    coin: str | None = None
    every: int = 1


class Lag(Fault, frozen=True, kw_only=True, tag="lag"):
    """Deliver at this fraction of the speed at which data is produced."""

    fraction: float = 0.8


class Freeze(Fault, frozen=True, kw_only=True, tag="freeze"):
    """Go on, but with a venue time that stands still."""


class RateLimit(Fault, frozen=True, kw_only=True, tag="rate_limit"):
    """Call every message one too many: by an error frame or by a close."""

    how: Literal["error", "close"] = "error"
    text: str = "Cannot send more than 2000 messages per minute."
    code: int = 1008
    reason: str = "Too many requests"


class OneConnection(Fault, frozen=True, kw_only=True, tag="one_connection"):
    """Allow an address one connection: drop the older or refuse the newer."""

    policy: Literal["drop_old", "refuse_new"] = "drop_old"
    code: int = 1008
    reason: str = "Duplicate connection"


class Rest(Fault, frozen=True, kw_only=True, tag="rest"):
    """Answer ``/info`` badly; an empty ``types`` means every request."""

    status: int = 500
    body: str = ""
    content_type: str = "text/html"
    retry_after: float | None = None
    types: tuple[str, ...] = ()


AnyFault = (
    Refuse
    | Cut
    | Flap
    | Silent
    | Delay
    | Drip
    | Lose
    | Repeat
    | Stuck
    | Garble
    | DropAcks
    | RefuseSubscriptions
    | Lag
    | Freeze
    | RateLimit
    | OneConnection
    | Rest
)

LinkFault = Silent | Delay | Drip | Lose | Repeat | Stuck | Garble | DropAcks | Lag


def concerns(fault: Fault, connection: int) -> bool:
    """Tell whether a fault is about this connection."""
    return fault.connection is None or fault.connection == connection
