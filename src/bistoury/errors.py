"""
Every exception bistoury raises.

* ``BistouryError``
    * ``ConfigError`` (also a ``ValueError``)
    * ``SessionClosedError``
    * ``StaleDataError``
    * ``WrongLoopError`` (also a ``RuntimeError``)
    * ``TransportError``
        * ``ConnectFailedError``
        * ``ConnectionLostError``
    * ``ConnectionLimitError``
    * ``SubscriptionError``
        * ``SubscriptionRefusedError``
        * ``SubscriptionLimitError``
    * ``ProtocolError``
    * ``RequestError``
        * ``RateLimitedError``
        * ``NotSentError``
        * ``OutcomeUnknownError``

Each class takes its facts as fields and composes its own sentence, so that a
test compares fields and a log line cannot drift from them.
"""

from __future__ import annotations

from typing import Any


class BistouryError(Exception):
    """Base class: catch this to catch all that bistoury raises on purpose."""


class ConfigError(BistouryError, ValueError):
    """A setting or an argument is not allowed; nothing was started or sent."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(field, value, allowed)
        self.field = field
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.field}: {self.value!r} is not allowed; expected {self.allowed}"


class SessionClosedError(BistouryError):
    """The client was disconnected while, or before, this was asked of it."""


class StaleDataError(BistouryError):
    """
    The data is older than what was asked for, or missing.

    ``age`` and ``max_age`` are in seconds; ``age`` is ``None`` without any data.
    """

    def __init__(self, what: Any, age: float | None, max_age: float) -> None:
        super().__init__(what, age, max_age)
        self.what = what
        self.age = age
        self.max_age = max_age

    def __str__(self) -> str:
        if self.age is None:
            return f"{self.what}: no data to go by"
        if self.age > self.max_age:
            return (
                f"{self.what}: the newest data is {self.age:.1f} s old, and at most"
                f" {self.max_age:g} s is allowed"
            )
        return f"{self.what}: not live, or something was missed and is not settled"


class WrongLoopError(BistouryError, RuntimeError):
    """A call came from a thread or an event loop the client does not live on."""


class TransportError(BistouryError):
    """A connection could not be opened, or was lost. The session retries."""


class ConnectFailedError(TransportError):
    """
    A connection could not be opened.

    ``phase`` is one of ``dns``, ``tcp``, ``proxy``, ``tls``, ``upgrade``.
    ``timed_out`` says that the phase's deadline passed. ``status`` is the HTTP
    status of a refused upgrade, ``retry_after`` what it asked for, in seconds,
    and ``body`` the beginning of what it said.
    """

    def __init__(
        self,
        phase: str,
        detail: str,
        *,
        timed_out: bool = False,
        status: int | None = None,
        retry_after: float | None = None,
        body: str = "",
    ) -> None:
        super().__init__(phase, detail)
        self.phase = phase
        self.detail = detail
        self.timed_out = timed_out
        self.status = status
        self.retry_after = retry_after
        self.body = body

    def __str__(self) -> str:
        return f"{self.phase}: {self.detail}"


class ConnectionLostError(TransportError):
    """
    An open connection ended.

    ``code`` and ``reason`` are those of the peer's close frame, or ``code`` is what
    we closed with (1002, 1007, 1009) because the peer broke the protocol. It is
    ``None`` when the connection ended without one (a reset, an end of file).
    """

    def __init__(
        self, detail: str, *, code: int | None = None, reason: str = ""
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        if self.code is None:
            return self.detail
        said = f" {self.reason!r}" if self.reason else ""
        return f"{self.detail} (close {self.code}{said})"


class ConnectionLimitError(BistouryError):
    """Another connection would exceed what the venue allows one address."""

    def __init__(self, allowed: int) -> None:
        super().__init__(allowed)
        self.allowed = allowed

    def __str__(self) -> str:
        return f"at most {self.allowed} connections are allowed at once"


class SubscriptionError(BistouryError):
    """Something about one subscription."""

    def __init__(self, subscription: Any) -> None:
        super().__init__(subscription)
        self.subscription = subscription


class SubscriptionRefusedError(SubscriptionError):
    """The venue said no; ``reason`` is its text."""

    def __init__(self, subscription: Any, reason: str) -> None:
        super().__init__(subscription)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.subscription} was refused by the venue: {self.reason}"


class SubscriptionLimitError(SubscriptionError):
    """Asking would exceed what the venue allows; nothing was sent."""

    def __init__(self, subscription: Any, limit: str) -> None:
        super().__init__(subscription)
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.subscription} was not sent: {self.limit}"


class ProtocolError(BistouryError):
    """The venue said something we cannot read; ``frame`` is its beginning."""

    def __init__(self, channel: str, detail: str, frame: bytes = b"") -> None:
        super().__init__(channel, detail)
        self.channel = channel
        self.detail = detail
        self.frame = frame

    def __str__(self) -> str:
        return f"unreadable {self.channel or 'frame'}: {self.detail}"


class RequestError(BistouryError):
    """
    A request failed for good.

    ``status`` is the HTTP status, or ``None`` if no answer came.
    """

    def __init__(self, request: str, detail: str, status: int | None = None) -> None:
        super().__init__(request, detail)
        self.request = request
        self.detail = detail
        self.status = status

    def __str__(self) -> str:
        code = f"HTTP {self.status}: " if self.status is not None else ""
        return f"{self.request}: {code}{self.detail}"


class RateLimitedError(RequestError):
    """The venue asked us to slow down; ``retry_after`` is in seconds, if it said."""

    def __init__(self, request: str, retry_after: float | None = None) -> None:
        super().__init__(request, "too many requests", 429)
        self.retry_after = retry_after


class NotSentError(RequestError):
    """The request did not leave this process; it may be made again."""


class OutcomeUnknownError(RequestError):
    """The request left, and whether the venue has seen it is not known."""
