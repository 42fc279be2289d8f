"""The options every command takes, and the configuration they make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..config import Config

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
Network = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NAME",
        help="mainnet, testnet or local; by default BISTOURY_NETWORK, or mainnet.",
    ),
]
ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api-url",
        metavar="URL",
        help="http(s)://host[:port] of the venue; by default the network's.",
    ),
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def config_from(network: str | None, api_url: str | None) -> Config:
    """
    Return the configuration; what was said here beats the environment.

    A network or a URL given here settles the whole way there: an address left in
    the environment would lead elsewhere.
    """
    from ..config import API_URLS, Config  # noqa: PLC0415 -- pydantic is behind it

    url = api_url
    if url is None and network is not None:
        url = API_URLS.get(network)
    ws_url = None if url is None else f"ws{url.rstrip('/').removeprefix('http')}/ws"
    return Config(network=network, api_url=url, ws_url=ws_url)


def seconds_from(field: str, text: str) -> float:
    """
    Read a duration such as ``90``, ``60s``, ``5m`` or ``1h``.

    Raises:
        ConfigError: it is none, or zero.
    """
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if seconds <= 0:
        raise ConfigError(field, text, "a duration such as 30s, 5m or 1h")
    return seconds


def require(is_fine: bool, field: str, value: object, allowed: str) -> None:
    """
    Refuse what was typed, unless it is fine.

    Raises:
        ConfigError: it is not.
    """
    if not is_fine:
        raise ConfigError(field, value, allowed)
