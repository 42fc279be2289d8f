"""
Whether an argument can mean anything to the venue.

Everything here is refused before it is sent, with a sentence that names it. The
checks are about form: whether a coin exists only the venue knows.
"""

from __future__ import annotations

import re
from datetime import datetime
from difflib import get_close_matches
from math import inf

from ..errors import ConfigError

# HL: docs: websocket/subscriptions. "1M" is a month, "1m" a minute.
INTERVALS = (
    *("1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "8h", "12h"),
    *("1d", "3d", "1w", "1M"),
)

# HL: a month or a week counts as one day short, for estimates that err high.
INTERVAL_MS = {
    interval: int(interval[:-1])
    * {
        "m": 60_000,
        "h": 3_600_000,
        "d": 86_400_000,
        "w": 7 * 86_400_000,
        "M": 28 * 86_400_000,
    }[interval[-1]]
    for interval in INTERVALS
}

_COIN = re.compile(r"[!#-&(-\[\]-_a-~]{1,64}")
_DEX = re.compile(r"[!#-&(-9;-\[\]-_a-~]{1,64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_CLIENT_ORDER_ID = re.compile(r"0x[0-9a-f]{32}")

_FINEST = 5
"""The most significant figures a book can be aggregated to."""

_NOT_YET = 100_000_000_000
"""Milliseconds until March 1973; what lies below it, but not near 0, is seconds."""

_TOO_LATE = 253_402_300_800_000
"""The year 10000, in milliseconds."""


def coin(value: object, field: str = "coin") -> str:
    """Return ``value`` if it can be a coin; case counts (``kPEPE``, ``xyz:NVDA``)."""
    if isinstance(value, str) and _COIN.fullmatch(value):
        return value
    allowed = (
        "1 to 64 printable ASCII characters without spaces, quotes and backslashes, "
        "such as 'BTC', '@107' or 'xyz:NVDA'"
    )
    raise ConfigError(field, value, allowed)


def interval(value: object, field: str = "interval") -> str:
    """Return ``value`` if the venue has candles of this length."""
    if isinstance(value, str) and value in INTERVALS:
        return value
    near = get_close_matches(str(value), INTERVALS, 1) if value else []
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ConfigError(field, value, f"one of {' '.join(INTERVALS)}{hint}")


def address(value: object, field: str = "user") -> str:
    """Return ``value``, lower-cased as the venue does, if it is an address."""
    if isinstance(value, str) and _ADDRESS.fullmatch(value.lower()):
        return value.lower()
    raise ConfigError(field, value, "an address: 0x and 40 hexadecimal digits")


def dex(value: object, field: str = "dex") -> str:
    """Return ``value`` if it can name a dex; the main one has no name."""
    # HL: the empty name is the main dex (docs: info endpoint).
    if value is None or value == "":
        return ""
    if isinstance(value, str) and _DEX.fullmatch(value):
        return value
    allowed = "the name of a perpetuals dex, such as 'xyz', or None for the main one"
    raise ConfigError(field, value, allowed)


def order_id(value: object, field: str = "oid") -> int | str:
    """Return ``value`` if it is the venue's order id, or our own (``cloid``)."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _CLIENT_ORDER_ID.fullmatch(value.lower()):
        return value.lower()
    raise ConfigError(
        field, value, "an order id, or a cloid: 0x and 32 hexadecimal digits"
    )


def one_of(field: str, value: object, allowed: tuple[int, ...]) -> int:
    """Return ``value`` if it is one of these whole numbers: not ``True``, not 2.0."""
    if type(value) is int and value in allowed:
        return value
    raise ConfigError(field, value, f"one of {', '.join(map(str, allowed))}")


def book_precision(n_sig_figs: object, mantissa: object) -> dict[str, int]:
    """Return the fields that aggregate a book, if they can go together."""
    asked: dict[str, int] = {}
    # HL: 2 to 5 digits; a mantissa only with 5 of them (docs: info/l2Book).
    if n_sig_figs is not None:
        asked["nSigFigs"] = one_of("n_sig_figs", n_sig_figs, (2, 3, 4, 5))
    if mantissa is not None:
        if n_sig_figs != _FINEST:
            raise ConfigError("mantissa", mantissa, "n_sig_figs=5 beside it, or None")
        asked["mantissa"] = one_of("mantissa", mantissa, (1, 2, 5))
    return asked


def milliseconds(value: object, field: str) -> int:
    """Return a moment as the venue counts it, from milliseconds or a datetime."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ConfigError(field, value, "a datetime with a time zone")
        value = round(value.timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(field, value, "milliseconds since 1970, or a datetime")
    if not 0 <= value < _TOO_LATE or _NOT_YET // 1000 < value < _NOT_YET:
        allowed = "milliseconds since 1970 (this is none, or seconds)"
        raise ConfigError(field, value, allowed)
    return value


def count(value: object, field: str) -> int:
    """Return ``value`` if it is a whole number from 1."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ConfigError(field, value, "a whole number from 1")


def seconds(value: object, field: str) -> float:
    """Return ``value`` if it is a duration in seconds: not below 0, and an end."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and 0 <= float(value) < inf:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    raise ConfigError(field, value, "a number of seconds from 0")


def kind(value: object, field: str, of: type) -> None:
    """Refuse ``value`` if it is neither None nor of the type it should be."""
    if value is not None and not isinstance(value, of):
        raise ConfigError(field, value, f"a {of.__name__}, or nothing")


def choice(value: object, field: str) -> bool | None:
    """Return ``value`` if it says yes, no, or nothing."""
    if value is None or isinstance(value, bool):
        return value
    raise ConfigError(field, value, "True, False or None")


def time_range(start: object, end: object) -> dict[str, int]:
    """Return the fields that ask for a stretch of time; either may be open."""
    asked = {"startTime": start, "endTime": end}
    times = {
        name: milliseconds(value, name.removesuffix("Time"))
        for name, value in asked.items()
        if value is not None
    }
    if len(times) == len(asked) and times["startTime"] > times["endTime"]:
        raise ConfigError("start", start, f"a moment before the end, {end!r}")
    return times
