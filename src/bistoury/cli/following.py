"""
Where the picture of a client comes from: one of our own, or one that is served.

Both give the same document, so that page, terminal and one-time report agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import msgspec

from ..errors import BistouryError, ConfigError, SubscriptionRefusedError

if TYPE_CHECKING:
    from ..config import Config
    from ..hyperliquid.client import HyperLiquidIntegration

USUAL = ("allMids", "l2Book BTC", "trades BTC")
_WITHIN = 5.0


class UnreachableError(BistouryError):
    """Nobody answers where a picture should come from."""


class Picture(Protocol):
    """Shows one client."""

    async def state(self) -> dict[str, Any]:
        """Return everything there is to see now."""
        ...

    async def incident(self, number: int) -> dict[str, Any] | None:
        """Return the whole account of an incident."""
        ...


class Own:
    """A client in this process."""

    def __init__(self, client: HyperLiquidIntegration) -> None:
        self.client = client

    async def state(self) -> dict[str, Any]:
        """Return everything there is to see now."""
        return self.client.get_state()

    async def incident(self, number: int) -> dict[str, Any] | None:
        """Return the whole account of an incident."""
        return self.client.get_incident(number)


class Served:
    """A client in another process, which serves its state."""

    def __init__(self, http: Any, url: str, token: str | None) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def state(self) -> dict[str, Any]:
        """Return everything there is to see now."""
        found = await self._get("/state.json")
        if not isinstance(found, dict) or "verdict" not in found:
            raise UnreachableError(f"{self._url} is not a served client")
        return found

    async def incident(self, number: int) -> dict[str, Any] | None:
        """Return the whole account of an incident."""
        found: dict[str, Any] | None = await self._get(f"/incidents/{number}.json")
        return found

    async def _get(self, path: str) -> Any:
        status, body = await ask(self._http, "GET", self._url + path, self._headers)
        if status == 404:  # noqa: PLR2004
            return None
        if status != 200:  # noqa: PLR2004
            raise UnreachableError(_why(self._url, status))
        return decoded(body, f"{self._url} is not a served client")


async def ask(
    http: Any, method: str, url: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, bytes]:
    """
    Ask a server on this machine; return the status and the body of its answer.

    Raises:
        UnreachableError: it does not answer.
    """
    import aiohttp  # noqa: PLC0415

    try:
        async with http.request(
            method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        where = "/".join(url.split("/")[:3])
        raise UnreachableError(f"{where}: {plainly(error)}") from None


def plainly(error: Exception) -> str:
    """Return why a request got no answer, in the words the client itself uses."""
    import aiohttp  # noqa: PLC0415

    from ..transport.refusals import translate  # noqa: PLC0415

    if isinstance(error, aiohttp.ClientResponseError):
        return "what answers there does not speak HTTP"
    for name in ("os_error", "certificate_error"):
        error = getattr(error, name, error)
    return translate("http", error).detail


def decoded(body: bytes, trouble: str) -> Any:
    """
    Read a JSON document.

    Raises:
        UnreachableError: it is none; says ``trouble``.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise UnreachableError(trouble) from None


def _why(url: str, status: int) -> str:
    if status == 401:  # noqa: PLR2004
        return f"{url} asks for a token: give --token"
    return f"{url} answers with HTTP {status}"


@asynccontextmanager
async def served(url: str, token: str | None) -> AsyncIterator[Served]:
    """Follow a client that is served at ``url``."""
    async with asking(url, "http://127.0.0.1:8766") as http:
        yield Served(http, url, token)


@asynccontextmanager
async def asking(url: str, example: str) -> AsyncIterator[Any]:
    """Open what asks a server at ``url``, once that can be one."""
    import aiohttp  # noqa: PLC0415 -- only who follows another process needs it

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("--at", url, f"a URL such as {example}")
    timeout = aiohttp.ClientTimeout(total=_WITHIN)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield http


@asynccontextmanager
async def own(
    config: Config, wanted: Sequence[dict[str, Any]], patience: float
) -> AsyncIterator[Own]:
    """Connect a client of our own, subscribed to ``wanted``; keep at it."""
    from ..hyperliquid.client import HyperLiquidIntegration  # noqa: PLC0415

    client = HyperLiquidIntegration(config, connect_timeout=patience)
    async with following(client, wanted):
        yield Own(client)


@asynccontextmanager
async def following(
    client: HyperLiquidIntegration, wanted: Sequence[dict[str, Any]]
) -> AsyncIterator[None]:
    """Connect a client and subscribe to ``wanted``; disconnect it in the end."""
    try:
        await client.connect()
        for body in wanted:
            # What is refused is shown as such, with the venue's words.
            with suppress(SubscriptionRefusedError):
                await client.subscribe(body)
        yield
    finally:
        await asyncio.shield(client.disconnect())
