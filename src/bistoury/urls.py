"""
Which URLs we dare to follow.

A URL is refused when it could lead elsewhere than it seems to, carries a
password that would travel with every request, or leaves this machine in clear.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from .errors import ConfigError

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def checked_url(
    field: str,
    url: str,
    schemes: tuple[str, ...],
    *,
    may_have_path: bool = False,
    may_have_user: bool = False,
) -> str:
    """
    Return ``url`` without a slash at its end.

    Raises:
        ConfigError: it is not one of ``schemes``, a host, perhaps a port, and
            what else may be there. It names ``field``, and no password.
    """
    tail = "[/path]" if may_have_path else ""
    allowed = " or ".join(f"{scheme}://host[:port]{tail}" for scheme in schemes)
    refusal = ConfigError(field, without_password(url), allowed)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refusal from None
    user, _, place = parts.netloc.rpartition("@")
    well_formed = (
        parts.scheme in schemes
        and _HOST.fullmatch(re.sub(r":\d+$", "", place))
        and port != 0
        # Before anything else reads it: urlsplit drops tabs and newlines.
        and all("!" <= character <= "~" for character in url)
        and not (parts.query or parts.fragment)
        and (may_have_user or not user)
        and (may_have_path or parts.path in ("", "/"))
    )
    if not well_formed:
        raise refusal
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def leaves_in_clear(url: str) -> bool:
    """Return whether ``url`` goes beyond this machine without encryption."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "ws"} and not is_this_machine(parts.hostname or "")


def without_password(value: object) -> object:
    """Return ``value`` as it may be shown."""
    return re.sub(r"//[^/]*@", "//***@", value) if isinstance(value, str) else value


def is_this_machine(host: str) -> bool:
    """Return whether ``host`` leads no further than loopback."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
