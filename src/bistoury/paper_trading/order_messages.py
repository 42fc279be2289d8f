"""
What whoever shows every order sends: looked at before anything takes it.

A recording with a message in it that cannot be read could not be played again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from ..errors import ConfigError

ORDERS, ORDERS_LOST = "l4Book", "paper:orders_lost"

_Number = Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)?$")]


class _Order(msgspec.Struct, rename="camel"):
    oid: int
    limit_px: _Number
    sz: _Number


class _Snapshot(msgspec.Struct):
    coin: str
    time: int
    levels: list[list[_Order]]


class _Size(msgspec.Struct):
    sz: _Number


class _NewSize(msgspec.Struct, rename="camel"):
    new_sz: _Number


class _Change(msgspec.Struct):
    new: _Size | None = None
    update: _NewSize | None = None

    def __post_init__(self) -> None:
        if (self.new is None) is (self.update is None):
            raise ValueError("either new or update")


class _Diff(msgspec.Struct):
    coin: str
    oid: int
    px: _Number
    raw_book_diff: Literal["remove"] | _Change


class _Updates(msgspec.Struct):
    time: int
    book_diffs: list[_Diff]


class _Data(msgspec.Struct, rename="pascal"):
    snapshot: _Snapshot | None = None
    updates: _Updates | None = None

    def __post_init__(self) -> None:
        if (self.snapshot is None) is (self.updates is None):
            raise ValueError("either Snapshot or Updates")


class _Lost(msgspec.Struct):
    coin: str


_KINDS: dict[Any, type[_Data | _Lost]] = {ORDERS: _Data, ORDERS_LOST: _Lost}


def check(message: Mapping[str, Any]) -> None:
    """
    Check that a message tells of everybody's orders, or that nobody does any more.

    Raises:
        ConfigError: it is neither, or cannot be read; says where.
    """
    channel = message.get("channel")
    kind = _KINDS.get(channel) if isinstance(channel, str) else None
    if kind is None:
        raise ConfigError("channel", channel, f"{ORDERS} or {ORDERS_LOST}")
    try:
        msgspec.convert(message.get("data"), kind)
    except msgspec.ValidationError as error:
        raise ConfigError("data", f"{channel}: {error}", "what it is made of") from None
