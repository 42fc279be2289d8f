"""
Actions as the venue's ``/exchange`` takes them, read into what we act on.

HL: ``{"a","b","p","s","r","t","c"}`` and the actions of docs "exchange endpoint".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from .events import Order
from .numbers import ZERO, decimal
from .universe import Instrument, Universe

UNREADABLE = "Failed to deserialize the JSON body into the target type"
_CLOID = re.compile(r"0x[0-9a-f]{32}\Z")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}\Z")
_TIFS = ("Gtc", "Ioc", "Alo", "FrontendMarket")
_MOST = 1 << 63
_ORDERED = "normalTpsl"
GROUPINGS = ("na", _ORDERED, "positionTpsl")

Action = Mapping[str, Any]


class UnreadableError(ValueError):
    """An action is not of the venue's shape; the text says where."""


def digest(action: Any) -> str:
    """Return a few bytes that tell actions apart."""
    encoded = msgspec.json.encode(action, order="deterministic", enc_hook=str)
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def address(name: str, value: Any) -> str:
    """Read an address. HL: 20 bytes in hex, in any case."""
    if not isinstance(value, str) or not _ADDRESS.match(value.lower()):
        raise UnreadableError(f"{name}: {value!r} is not 0x and 40 hex digits")
    return value.lower()


def asset(universe: Universe, number: Any) -> Instrument:
    """Return the instrument of an asset number."""
    found = universe.by_asset.get(whole("a", number))
    if found is None:
        raise UnreadableError(
            f"a: asset {number} is not known; spot and other dexes are not simulated"
        )
    return found


def whole(name: str, value: Any) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableError(f"{name}: {value!r} is no whole number")
    if not -_MOST <= value < _MOST:
        raise UnreadableError(f"{name}: the number does not fit in 64 bits")
    return value


def flag(name: str, value: Any) -> bool:
    """Read a truth."""
    if not isinstance(value, bool):
        raise UnreadableError(f"{name}: {value!r} is neither true nor false")
    return value


def number(name: str, value: Any) -> Decimal:
    """Read a decimal number. HL: text on the wire."""
    try:
        return decimal(value)
    except ValueError as error:
        raise UnreadableError(f"{name}: {error}") from None


def cloid(value: Any) -> str:
    """Read a client's order id. HL: 16 bytes in hex."""
    if not isinstance(value, str) or not _CLOID.match(value.lower()):
        raise UnreadableError(f"c: {value!r} is not 0x and 32 hex digits")
    return value.lower()


def rows(action: Action, name: str) -> list[Mapping[str, Any]]:
    """Read a list of objects with something in it."""
    found = action.get(name)
    if (
        not isinstance(found, list)
        or not found
        or not all(isinstance(it, Mapping) for it in found)
    ):
        raise UnreadableError(f"{name}: a list of objects is needed")
    return found


def order(
    universe: Universe, row: Mapping[str, Any], account: str, *, builder: int = 0
) -> Order:
    """Read an order; it has no number yet."""
    kinds = row.get("t")
    if not isinstance(kinds, Mapping) or len(kinds) != 1:
        raise UnreadableError("t: either limit or trigger")
    instrument = asset(universe, row.get("a"))
    given = row.get("c")
    sz = number("s", row.get("s"))
    made = Order(
        oid=0,
        account=account,
        coin=instrument.coin,
        asset=instrument.asset,
        is_buy=flag("b", row.get("b")),
        px=number("p", row.get("p")),
        sz=sz,
        orig_sz=sz,
        tif="",
        reduce_only=flag("r", row.get("r", False)),
        cloid=cloid(given) if given is not None else None,
        builder_fee=builder,
    )
    match kinds:
        case {"limit": {"tif": tif}} if tif in _TIFS:
            made.tif = tif
        case {
            "trigger": {
                "isMarket": bool(is_market),
                "triggerPx": trigger_px,
                "tpsl": ("tp" | "sl") as tpsl,
            }
        }:
            made.is_market = is_market
            made.trigger_px = number("triggerPx", trigger_px)
            made.tpsl = tpsl
            if made.trigger_px <= ZERO:
                raise UnreadableError("triggerPx: a price above zero is needed")
        case _:
            raise UnreadableError(f"t: {dict(kinds)!r} is neither limit nor trigger")
    return made


def builder_of(action: Action) -> int:
    """Return what a builder gets, in tenths of a basis point. HL: at most 0.1 %."""
    builder = action.get("builder")
    if builder is None:
        return 0
    if not isinstance(builder, Mapping):
        raise UnreadableError("builder: an object with b and f is needed")
    tenths = whole("f", builder.get("f"))
    if not 0 <= tenths <= 100:  # noqa: PLR2004
        raise UnreadableError("f: a builder gets at most 100 tenths of a basis point")
    return tenths
