"""Why a connection ended, in the few words that users, metrics and alerts share."""

from __future__ import annotations

from enum import StrEnum, auto

INACTIVE = "Inactive"
"""HL: the reason in the close frame of an idle connection (issue threads)."""

_TOO_MANY_REQUESTS = 429


class Cause(StrEnum):
    """Why a connection ended or an attempt failed. The set may grow."""

    SERVER_ROTATION = auto()
    IDLE_TIMEOUT = auto()
    RATE_LIMITED = auto()
    SERVER_ERROR = auto()
    PROTOCOL_ERROR = auto()
    NETWORK = auto()
    DNS = auto()
    TLS = auto()
    CONNECT_TIMEOUT = auto()
    SILENT = auto()
    STALE = auto()
    SUSPENDED = auto()
    REJECTED = auto()
    OVERFLOW = auto()
    USER = auto()


_BY_CODE = {
    1000: Cause.SERVER_ROTATION,
    1001: Cause.SERVER_ROTATION,
    1002: Cause.PROTOCOL_ERROR,
    1003: Cause.PROTOCOL_ERROR,
    1007: Cause.PROTOCOL_ERROR,
    1008: Cause.RATE_LIMITED,
    1009: Cause.PROTOCOL_ERROR,
    1010: Cause.PROTOCOL_ERROR,
    1011: Cause.SERVER_ERROR,
    1012: Cause.SERVER_ROTATION,
    1013: Cause.SERVER_ERROR,
    1014: Cause.SERVER_ERROR,
}


def of_loss(code: int | None, reason: str) -> Cause:
    """Return why an open connection ended, from its close frame if there was one."""
    if code == 1000 and reason == INACTIVE:  # noqa: PLR2004
        return Cause.IDLE_TIMEOUT
    if code is None:
        return Cause.NETWORK
    return _BY_CODE.get(code, Cause.NETWORK)


def of_failure(phase: str, status: int | None, *, timed_out: bool) -> Cause:
    """Return why an attempt failed, from the phase it was in."""
    if status == _TOO_MANY_REQUESTS:
        return Cause.RATE_LIMITED
    if status is not None:
        return Cause.REJECTED
    if phase == "dns":
        return Cause.DNS
    if phase == "tls":
        return Cause.TLS
    return Cause.CONNECT_TIMEOUT if timed_out else Cause.NETWORK
