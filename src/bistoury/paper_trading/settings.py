"""Every assumption of paper trading, in one place: live, replayed and in reports."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import ConfigError
from .fees import FeeSettings
from .latency import Latency
from .numbers import decimal
from .queueing import queue_model

OnGap = Literal["freeze", "replay_backfill", "pessimistic"]
Restart = Literal["cancel", "keep"]
Number = str | int | Decimal
_MOST = 1 << 63
_SHORTEST, _LONGEST = 0.001, 3600
_CHOICES = {
    "on_gap": ("freeze", "replay_backfill", "pessimistic"),
    "restart": ("cancel", "keep"),
}


class PaperConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How paper trading is done. Durations are in seconds, amounts in USDC."""

    accounts: dict[str, Decimal] = msgspec.field(
        default_factory=lambda: {"main": Decimal(10_000)}
    )
    """Names, and what each begins with."""
    seed: int = 0
    """Where chance comes from; the same seed and recording give the same fills."""
    entry_latency: str = "constant(0.2)"
    """From a decision to the venue, on top of how old the data was."""
    cancel_latency: str = "constant(0.2)"
    response_latency: str = "constant(0.05)"
    """From the venue's doing to the answer."""
    queue: str = "risk_averse"
    on_gap: OnGap = "freeze"
    max_data_age: float = 5.0
    """Data older than this is not traded on; an order waits this long for newer."""
    max_level_age: float = 12.0
    """Deeper levels come more seldom: how old one may be."""
    live_within: float = 1.0
    """A fill on a level that is younger is ``live``, on an older one ``stale_book``."""
    fees: FeeSettings = FeeSettings()
    restart: Restart = "cancel"
    """What becomes of resting orders when the engine starts again."""
    value_every: float = 60.0
    """How often the equity of accounts with positions is written down."""
    block: float = 0.1
    """HL: how long a block takes; within one, cancels come before takers."""

    def checked(self) -> PaperConfig:
        """
        Return this, if all of it is allowed.

        Raises:
            ConfigError: a value is not; names it.
        """
        queue_model(self.queue)
        for name in ("entry_latency", "cancel_latency", "response_latency"):
            Latency(getattr(self, name), "", name)
        for name in (
            "max_data_age",
            "max_level_age",
            "live_within",
            "value_every",
            "block",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not _SHORTEST <= value <= _LONGEST:
                allowed = f"seconds from {_SHORTEST} to {_LONGEST}"
                raise ConfigError(name, value, allowed)
        self.fees.check()
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(name, getattr(self, name), " or ".join(choices))
        if not self.accounts:
            raise ConfigError("accounts", {}, "at least one name with its cash")
        for name, cash in self.accounts.items():
            check_name(name)
            if not isinstance(cash, Decimal) or not cash.is_finite() or cash <= 0:
                raise ConfigError(f"accounts[{name}]", cash, "an amount above zero")
        return self

    def assumptions(self) -> dict[str, Any]:
        """Return all of it as plain members, for reports."""
        # As they are read again: whole numbers of seconds are no others.
        read = msgspec.convert(msgspec.to_builtins(self), PaperConfig)
        members: dict[str, Any] = msgspec.to_builtins(read)
        return members


def check_name(name: Any) -> None:
    """
    Check the name of an account.

    Raises:
        ConfigError: nobody could read it.
    """
    if not isinstance(name, str) or not name or not name.isprintable():
        raise ConfigError("accounts", name, "names that can be printed")


def check_place(field: str, path: str | os.PathLike[str] | None) -> None:
    """
    Check that a file can be made at ``path``, and that nothing is lost by that.

    Raises:
        ConfigError: its folder is missing, it is a folder itself, or a file that has
            something in it.
    """
    if path is None:
        return
    place = Path(path)
    if not place.parent.is_dir() or place.is_dir():
        raise ConfigError(field, str(path), "a file in a folder that exists")
    if place.is_file() and place.stat().st_size:
        raise ConfigError(field, str(path), "a new file: none is written over")


def check_whole(**values: Any) -> None:
    """
    Check that numbers, where there are any, fit in a journal.

    Raises:
        ConfigError: one does not.
    """
    for field, value in values.items():
        is_one = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (is_one and abs(value) < _MOST):
            raise ConfigError(field, value, "a whole number of at most 63 bits")


def milliseconds(seconds: float) -> int:
    """Return a duration in ms."""
    return round(seconds * 1000)


def configured(
    paper: PaperConfig | None, cash: str | Decimal | None, max_data_age: float | None
) -> PaperConfig:
    """Return the assumptions meant; two of them have arguments of their own."""
    made = paper or PaperConfig()
    if cash is not None:
        accounts = {**made.accounts, "main": amount("cash", cash)}
        made = msgspec.structs.replace(made, accounts=accounts)
    if max_data_age is not None:
        made = msgspec.structs.replace(made, max_data_age=max_data_age)
    return made.checked()


def amount(field: str, value: Number) -> Decimal:
    """
    Read an amount.

    Raises:
        ConfigError: it is not above zero.
    """
    read = number(field, value)
    if read <= 0:
        raise ConfigError(field, value, "an amount above zero, as text or Decimal")
    return read


def number(field: str, value: Any) -> Decimal:
    """
    Read a number.

    Raises:
        ConfigError: it is none.
    """
    try:
        return decimal(value)
    except ValueError:
        allowed = "an amount above zero, as text or Decimal"
        raise ConfigError(field, value, allowed) from None
