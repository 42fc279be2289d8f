"""
One REST exchange: a body goes out, and an answer or a named failure comes back.

Failures that may pass by themselves are ``TransientError``; a 400 or a 422 never is.
"""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from ..errors import RateLimitedError, RequestError
from ..transport.refusals import retry_after
from ..transport.resolver import Resolver
from ..urls import without_password

MOST_BYTES = 64 * 1024 * 1024
"""No answer is this long; one that is would fill the memory."""

_SHOWN = 200
_OK, _BAD_REQUEST, _TIMEOUT, _UNPROCESSABLE, _TOO_MANY = 200, 400, 408, 422, 429
_SERVER_ERRORS = 500


class TransientError(RequestError):
    """An attempt failed, and the next may not."""


class Way(NamedTuple):
    """How requests travel: where to, how patiently, through what."""

    url: str
    timeout: float
    proxy: str | None = None
    ssl_context: ssl.SSLContext | None = None
    most_bytes: int = MOST_BYTES


class DaemonResolver(AbstractResolver):
    """
    Resolves names where the socket's transport does: in a daemon thread.

    The loop's default executor fills up with look-ups that hang, and then
    delays the interpreter's exit.
    """

    def __init__(self) -> None:
        self._resolver = Resolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``."""
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for found, _, protocol, _, address in await self._resolver.resolve(
                host, port, family
            )
        ]

    async def close(self) -> None:
        """Do nothing: the thread ends by itself."""


def open_session(*, trust_env: bool = False) -> aiohttp.ClientSession:
    """Open a session that keeps connections, and no cookies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=DaemonResolver()),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=trust_env,
    )


async def post(
    session: aiohttp.ClientSession, way: Way, body: dict[str, Any], what: str
) -> Any:
    """
    Post ``body`` once and return the decoded answer.

    Raises:
        TransientError: no answer came, or one that may change.
        RateLimitedError: the venue asked us to slow down.
        RequestError: the venue will not answer this, however often it is asked.
    """
    try:
        async with session.post(
            way.url,
            data=msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=way.timeout),
            # A redirect would send the question to somebody else.
            allow_redirects=False,
            proxy=way.proxy,
            ssl=way.ssl_context or True,
        ) as response:
            content = await _read(response, way.most_bytes, what)
    except TimeoutError as error:
        raise TransientError(what, f"no answer in {way.timeout:g} s") from error
    # ValueError: aiohttp's word for a proxy it cannot use.
    except (aiohttp.ClientError, OSError, ValueError) as error:
        detail = f"{type(error).__name__}: {without_password(str(error))}"
        raise TransientError(what, detail) from error
    return _judge(response.status, response.headers, content, what)


async def _read(response: aiohttp.ClientResponse, most_bytes: int, what: str) -> bytes:
    """Read the body, decompressed, up to a bound."""
    content = bytearray()
    async for part in response.content.iter_any():
        content += part
        if len(content) > most_bytes:
            detail = f"the answer is longer than {most_bytes} bytes"
            raise RequestError(what, detail, response.status)
    return bytes(content)


def _judge(status: int, headers: Any, content: bytes, what: str) -> Any:
    """Return the answer, or say what its absence means."""
    is_page = content.lstrip()[:1] == b"<"
    if status == _TOO_MANY:
        # HL: the body is null or HTML, and the header often missing (seen).
        wait = retry_after(headers.get("Retry-After"), datetime.now(UTC))
        raise RateLimitedError(what, wait)
    if status == _OK:
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            # HL: the edge answers with pages of its own now and then (seen).
            detail = "an HTML page" if is_page else "no JSON"
            raise TransientError(what, f"{detail} instead of an answer", 200) from error
    if is_page:
        detail = "an HTML page"
    elif content.strip() == b"null":
        # HL: candles and funding of a coin that does not exist (seen).
        detail = "null, as for a coin the venue does not know"
    else:
        detail = content[:_SHOWN].decode(errors="replace").strip() or "no reason given"
    may_pass = status >= _SERVER_ERRORS or status == _TIMEOUT or is_page
    if may_pass and status not in (_BAD_REQUEST, _UNPROCESSABLE):
        raise TransientError(what, detail, status)
    raise RequestError(what, detail, status)
