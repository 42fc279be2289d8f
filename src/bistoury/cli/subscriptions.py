"""From what was typed to a subscription, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ..errors import ConfigError


def subscription_of(
    type_: str, given: Mapping[str, str | None], params: list[str]
) -> dict[str, Any]:
    """
    Return the subscription that was asked for.

    ``given`` are the members that have an option of their own, ``params`` the
    others, as ``KEY=VALUE``. A type we do not know is passed on as it is.

    Raises:
        ConfigError: it cannot mean anything to the venue.
    """
    from ..hyperliquid import feeds  # noqa: PLC0415

    body: dict[str, Any] = {"type": type_}
    body |= {name: value for name, value in given.items() if value is not None}
    for param in params:
        name, equals, value = param.partition("=")
        if not (name and equals):
            raise ConfigError("param", param, "KEY=VALUE, such as nSigFigs=5")
        body[name] = _value(value)
    feed = feeds.FEEDS.get(type_)
    if feed is None:
        if near := get_close_matches(type_, feeds.FEEDS, 1):
            allowed = f"a type of subscription (did you mean {near[0]!r}?)"
            raise ConfigError("type", type_, allowed)
    else:
        takes = (*feed.required, *feed.optional)
        for name in (name for name in given if name in body and name not in takes):
            names = f"{', '.join(takes)} alone" if takes else "no parameter"
            raise ConfigError(name, body[name], f"nothing: {type_} takes {names}")
    feeds.canonical(body)
    return body


def parse(text: str) -> dict[str, Any]:
    """
    Read ``TYPE [COIN] [KEY=VALUE …]``, such as ``candle BTC interval=1m``.

    Raises:
        ConfigError: it cannot mean anything to the venue.
    """
    words = text.split()
    if not words:
        raise ConfigError("subscribe", text, "TYPE [COIN], such as 'trades BTC'")
    params = [word for word in words[1:] if "=" in word]
    plain = [word for word in words[1:] if "=" not in word]
    if len(plain) > 1:
        raise ConfigError("subscribe", text, "TYPE [COIN] and KEY=VALUE pairs")
    return subscription_of(words[0], {"coin": plain[0] if plain else None}, params)


def name_of(body: Mapping[str, Any]) -> str:
    """Return a subscription as people say it: ``trades BTC``."""
    return " ".join(str(value) for value in body.values())


def _value(text: str) -> str | int | bool:
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.removeprefix("-").isdecimal() else text
