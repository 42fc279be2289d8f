"""When to speak and when to keep quiet: the settings, from arguments or a file."""

from __future__ import annotations

import re
from datetime import time
from math import isfinite
from pathlib import Path

import msgspec

from ..errors import ConfigError

_HOURS = re.compile(r"(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)")
_MOST = 86_400.0 * 7
_SECRET = ("to", "ping_url")
_TYPES = {
    float: "a number",
    int: "a whole number",
    str: "text",
    tuple[str, ...]: "a list of URLs",
}


class AlertPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How patient the rules are; durations are in seconds.

    Raises:
        ConfigError: a value is not allowed; it is named.
    """

    to: tuple[str, ...] = ()
    """Where to: URLs as Apprise reads them. They hold secrets and are never shown."""
    down_after: float = 60.0
    """How long the connection may be away."""
    stale_after: float = 60.0
    """How long a feed may carry no news, or carry it late."""
    breaker_after: float = 30.0
    """How long the circuit breaker may be open."""
    refused_after: float = 30.0
    """How long a subscription may be refused."""
    settle: float = 15.0
    """How long things must be well again before that is said."""
    floor: float = 900.0
    """The least time between two openings of one rule; recovery does not reset it."""
    flaps: int = 5
    """Losses within ten minutes after which single ones are left to the digest."""
    digest_every: float = 3600.0
    """How often what was held back is summed up, at most."""
    quiet: str = ""
    """Hours of local time for critical messages only, such as ``23:00-07:00``."""
    ping_url: str = ""
    """Asked for regularly while all is well: a switch that speaks when we cannot."""
    ping_every: float = 60.0

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(type(self)):
            name, value = field.name, getattr(self, field.name)
            try:
                msgspec.convert(value, field.type)
            except msgspec.ValidationError:
                shown = "(hidden)" if name in _SECRET else value
                raise ConfigError(name, shown, _TYPES[field.type]) from None
            if not isinstance(value, float | int):
                continue
            least = 1.0 if name in ("ping_every", "flaps", "digest_every") else 0.0
            if not (isfinite(value) and least <= value <= _MOST):
                raise ConfigError(name, value, f"a number from {least:g} to {_MOST:g}")
        quiet_hours(self.quiet)
        if self.ping_url and not self.ping_url.startswith(("http://", "https://")):
            raise ConfigError("ping_url", "(hidden)", "an http:// or https:// URL")

    @classmethod
    def load(cls, path: Path | str) -> AlertPlan:
        """
        Read a plan from a TOML file.

        Raises:
            ConfigError: it cannot be read, or something in it is not allowed.
        """
        try:
            return msgspec.toml.decode(Path(path).read_bytes(), type=cls)
        except OSError as error:
            allowed = f"a file that can be read ({error.strerror})"
            raise ConfigError("alerts", str(path), allowed) from None
        except msgspec.DecodeError as error:
            # Its own words would repeat a value, which may be a secret.
            where = str(error) if isinstance(error, msgspec.ValidationError) else ""
            allowed = (
                f"TOML with the settings of AlertPlan ({where or 'it is no TOML'})"
            )
            raise ConfigError("alerts", str(path), allowed) from None

    def is_quiet(self, now: time) -> bool:
        """Whether only what is critical may be said at this time of day."""
        hours = quiet_hours(self.quiet)
        if hours is None:
            return False
        begin, end = hours
        if begin <= end:
            return begin <= now < end
        return now >= begin or now < end


def quiet_hours(text: str) -> tuple[time, time] | None:
    """Read ``23:00-07:00``."""
    if not text:
        return None
    found = _HOURS.fullmatch(text.strip())
    hours = [int(it) for it in found.groups()] if found else [24, 0, 0, 0]
    try:
        return time(hours[0], hours[1]), time(hours[2], hours[3])
    except ValueError:
        allowed = "hours such as 23:00-07:00, in local time"
        raise ConfigError("quiet", text, allowed) from None
