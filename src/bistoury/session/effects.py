"""
What a session wants done.

Effects are commands, in the imperative. They are the only way out.
"""

from __future__ import annotations

import msgspec

from .model import Subscription
from .notices import Notice


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


class Announce(msgspec.Struct, frozen=True):
    """Tell observers something."""

    notice: Notice


Effect = (
    OpenConnection
    | DropConnection
    | SendSubscribe
    | SendUnsubscribe
    | SendPing
    | Announce
)
