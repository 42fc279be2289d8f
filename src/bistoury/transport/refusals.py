"""
What a failed attempt to connect means, in words an operator can act on.

Translates what the libraries raise into ``ConnectFailedError``. Whatever was
answered is read from the raw bytes, tolerantly: a status that Python has no
name for (Cloudflare's 52x) or HTTP/1.0 is still a refusal with a status.
"""

from __future__ import annotations

import math
import os
import re
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from picows import WSHandshakeError

from ..errors import ConnectFailedError
from .http_date import read_http_date

_BODY_SHOWN = 200

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?:\D|$)")

_SWITCHING = 101

# X509_V_ERR_… of OpenSSL.
_CERTIFICATE = {
    9: "the certificate is not valid yet (or this computer's clock is behind)",
    10: "the certificate has expired (or this computer's clock is ahead)",
    18: "the certificate is signed by an unknown authority (by itself)",
    19: "the certificate is signed by an unknown authority (self-signed root)",
    20: "the certificate is signed by an unknown authority",
    21: "the certificate is signed by an unknown authority",
    62: "the certificate is for another host",
    64: "the certificate is for another host",
}

_NOT_TLS = frozenset(
    {
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)


def translate(phase: str, error: Exception) -> ConnectFailedError:
    """Return what ``error`` means in ``phase``."""
    if isinstance(error, WSHandshakeError) and error.raw_header:
        return _refusal(error)
    detail = _sentence(phase, error)
    timed_out = isinstance(error, TimeoutError | ConnectionAbortedError)
    return ConnectFailedError(phase, detail, timed_out=timed_out)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header: seconds, a date, or nothing we know."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value, now)
    return seconds if math.isfinite(seconds) and seconds >= 0.0 else None


def _seconds_until(value: str, now: datetime) -> float | None:
    moment = read_http_date(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _refusal(error: WSHandshakeError) -> ConnectFailedError:
    head = error.raw_header or b""
    found = _STATUS_LINE.match(head)
    if found is None:
        return ConnectFailedError("upgrade", "the answer is not HTTP")
    status = int(found[1])
    if status == _SWITCHING:
        return ConnectFailedError("upgrade", f"a bad answer: {error}", status=status)
    headers = _headers(head)
    body = (error.raw_body or b"").decode("utf-8", "replace").strip()[:_BODY_SHOWN]
    return ConnectFailedError(
        "upgrade",
        _status_sentence(status, headers.get("location")),
        status=status,
        retry_after=retry_after(headers.get("retry-after"), datetime.now(UTC)),
        body=body,
    )


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _status_sentence(status: int, location: str | None) -> str:
    if location is None:
        return f"refused with HTTP {status}"
    try:
        host = urlsplit(location).hostname
    except ValueError:
        host = None
    where = host or "another path of the same host"
    return f"refused with HTTP {status}: redirected to {where}, not followed"


def _sentence(phase: str, error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = _CERTIFICATE.get(error.verify_code, "the certificate is not valid")
        return f"{said}: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError):
        return _HUNG_UP.get(phase, "connection reset")
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None)
        if reason in _NOT_TLS:
            return "the peer does not speak TLS"
        return f"TLS failed: {reason or error}"
    if isinstance(error, TimeoutError | ConnectionAbortedError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return f"the name was not found: {error.strerror}"
    if isinstance(error, OSError):
        # asyncio puts a sentence of its own in the place of the system's.
        return (os.strerror(error.errno) if error.errno else str(error)).lower()
    return str(error) or type(error).__name__


_HUNG_UP = {
    "proxy": "the proxy closed the connection",
    "tls": "the peer closed the connection in the middle of the TLS handshake",
    "upgrade": "the peer closed the connection before answering the upgrade",
}
