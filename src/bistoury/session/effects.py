"""
What a session wants done.

Effects are commands, in the imperative. They are the only way out.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from .model import Subscription
from .notices import Gap, Notice


class OpenConnection(msgspec.Struct, frozen=True):
    """Start opening a connection and report how it goes under this id."""

    connection_id: int


class DropConnection(msgspec.Struct, frozen=True):
    """
    Let a connection go; do not wait for it to agree.

    ``politely`` says goodbye first; a connection that is thought dead is
    dropped without a word.
    """

    connection_id: int
    politely: bool


class SendSubscribe(msgspec.Struct, frozen=True):
    """Ask the venue for a feed."""

    subscription: Subscription


class SendUnsubscribe(msgspec.Struct, frozen=True):
    """Tell the venue a feed is no longer wanted."""

    subscription: Subscription


class SendPing(msgspec.Struct, frozen=True):
    """Ask the venue for a sign of life."""


class Backfill(msgspec.Struct, frozen=True):
    """
    Read the venue's history of a feed from ``since`` (venue milliseconds) on.

    Put what is found into the feed's continuity and report ``BackfillDone`` with
    the same ``number``. ``reading`` counts the reads of one gap, and ``delivered`` is
    the time of the newest row that came before it, 0 if none did, with its ``key``.
    """

    subscription: Subscription
    number: int
    reading: int
    since: int
    delivered: int = 0
    key: Hashable = None


class Release(msgspec.Struct, frozen=True):
    """Deliver what was found, and what waited for it, in order."""

    subscription: Subscription


class CloseGap(msgspec.Struct, frozen=True):
    """
    Announce the end of a gap, with the number of rows that filled it.

    ``recovered_before`` is the feed's count of recovered rows when it opened.
    """

    notice: Gap
    recovered_before: int


class Announce(msgspec.Struct, frozen=True):
    """Tell observers something."""

    notice: Notice


Effect = (
    OpenConnection
    | DropConnection
    | SendSubscribe
    | SendUnsubscribe
    | SendPing
    | Backfill
    | Release
    | CloseGap
    | Announce
)
