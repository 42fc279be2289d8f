"""What the venue says about our own requests."""

from __future__ import annotations

from typing import Any

from .shape import Wire


class Acknowledgement(Wire, frozen=True):
    """
    The venue did as asked (``subscriptionResponse``).

    The subscription is the venue's own spelling: defaults are added, unknown
    keys are gone, addresses are lower-cased. It is matched by subset.
    """

    method: str
    subscription: dict[str, Any]


class PostAnswer(Wire, frozen=True):
    """
    The inside of a ``post`` reply.

    ``type`` is ``info`` (payload: what was asked, and REST's answer), ``action``
    (payload: REST's answer) or ``error`` (payload: one sentence).
    """

    type: str
    payload: Any


class PostReply(Wire, frozen=True):
    """The answer to the request we numbered ``id`` (``post``)."""

    id: int
    response: PostAnswer
