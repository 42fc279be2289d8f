"""
Who may ask: this machine's own pages and tools, or whoever holds the token.

A web page anywhere can make a browser send requests to this machine. It cannot forge
the ``Host`` and ``Origin`` that the browser writes, nor know the token: so the first
two are checked always, and the third wherever the door is open to a network.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from ..errors import ConfigError
from ..observability.addresses import shorten
from ..observability.failures import log_failure

logger = logging.getLogger(__name__)

COOKIE = "bistoury_token"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_LEAST_TOKEN = 16

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request in, or says why not."""

    host: str
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "HEAD")
    """What may be done here at all."""

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < _LEAST_TOKEN:
            allowed = f"at least {_LEAST_TOKEN} characters, or none on loopback"
            raise ConfigError("token", "(hidden)", allowed)
        if self.token is None and not is_loopback(self.host):
            allowed = "127.0.0.1, ::1 or localhost without a token; or give a token"
            raise ConfigError("host", self.host, allowed)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to a request that may not come in."""
        host = _name(request.headers.get("Host", ""))
        if host is None or not self._is_known(host):
            return _no(403, "this Host is not served here; see --allow-host")
        if not _is_own(request):
            return _no(403, "requests from other pages are refused")
        if self.token is not None and not self._is_token(request):
            return _no(401, "a token is needed: Authorization: Bearer …, or /?token=…")
        if request.method not in self.methods:
            allowed = ", ".join(self.methods)
            return _no(405, f"only {allowed} are answered here", Allow=allowed)
        return None

    def _is_known(self, host: str) -> bool:
        known = (*_LOCAL, self.host.lower(), *(it.lower() for it in self.allowed_hosts))
        # An address cannot be rebound to another machine as a name can.
        return host in known or (self.token is not None and _is_address(host))

    def _is_token(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = [request.cookies.get(COOKIE, ""), request.query.get("token", "")]
        if scheme.lower() == "bearer":
            given.append(bearer.strip())
        wanted = (self.token or "").encode()
        matches = [
            hmac.compare_digest(it.encode("utf-8", "surrogateescape"), wanted)
            for it in given
        ]
        return any(matches)


def middleware(
    guard: Guard,
) -> Callable[[web.Request, Handler], Awaitable[web.Response]]:
    """Return what stands before every handler, and behind it."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer: web.StreamResponse | None = guard.refusal(request)
        if answer is None:
            try:
                answer = await handler(request)
            except web.HTTPException as refused:
                answer = _no(refused.status, refused.reason)
            except Exception as error:  # noqa: BLE001 -- logged
                text = f"the page could not answer {shorten(request.path)}"
                log_failure(logger, logging.ERROR, text, error)
                answer = _no(500, "this could not be answered; the log says why")
        if not answer.prepared:
            for name, value in HEADERS.items():
                answer.headers.setdefault(name, value)
        return answer

    return check  # type: ignore[return-value]


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach ``host``."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_own(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        try:
            return urlsplit(origin).netloc.lower() == request.headers["Host"].lower()
        except ValueError:
            return False
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_visit = request.headers.get("Sec-Fetch-Mode") == "navigate"
    return is_visit or site in ("none", "same-origin")


def _name(header: str) -> str | None:
    """Return the host of a ``Host`` header, without its port."""
    try:
        parts = urlsplit(f"//{header}")
        parts.port  # noqa: B018 -- raises for what is no port
    except ValueError:
        return None
    if parts.username is not None or parts.path:
        return None
    return parts.hostname


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _no(status: int, text: str, **headers: str) -> web.Response:
    return web.json_response(
        {"v": 1, "error": text}, status=status, headers={**headers, **HEADERS}
    )
