"""Where does a URL lead? Checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from ..errors import ConfigError

_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443, "socks5": 1080}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host to dial, and how to talk to it."""

    scheme: str
    host: str
    port: int
    url: str = field(repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def is_secure(self) -> bool:
        """Whether the talk is encrypted from the first byte."""
        return self.scheme in {"wss", "https"}

    def __str__(self) -> str:
        """Return host and port, and nothing that is secret."""
        return f"{self.host}:{self.port}"


def parse_target(url: str) -> Endpoint:
    """
    Read the URL of a WebSocket.

    Raises:
        ConfigError: it is not ``ws://`` or ``wss://`` with a host, or it carries
            a password (which would be sent, in clear, with every upgrade).
    """
    endpoint = _parse("url", url, ("ws", "wss"))
    if endpoint.password is not None or "@" in urlsplit(url).netloc:
        raise ConfigError("url", _redacted(urlsplit(url)), "a URL without a user")
    return endpoint


def parse_proxy(url: str) -> Endpoint:
    """
    Read the URL of a proxy.

    Raises:
        ConfigError: it is not ``http://``, ``https://`` or ``socks5://``.
    """
    return _parse("proxy", url, ("http", "https", "socks5"))


def _parse(field: str, url: str, schemes: tuple[str, ...]) -> Endpoint:
    allowed = f"{' or '.join(f'{scheme}://' for scheme in schemes)} and a host"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(field, "(unreadable)", allowed) from None
    host = parts.hostname
    if parts.scheme not in schemes or not host or parts.fragment:
        raise ConfigError(field, _redacted(parts), allowed)
    if port == 0 or any(ord(character) <= ord(" ") for character in url):
        raise ConfigError(field, _redacted(parts), allowed)
    port = port or _PORTS[parts.scheme]
    if parts.scheme == "socks5" and parts.port is None:
        # python-socks knows no default port.
        url = parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{port}").geturl()
    return Endpoint(parts.scheme, host, port, url, parts.password)


def _redacted(parts: SplitResult) -> str:
    user, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"***@{host}" if at and user else host).geturl()
