"""
Which subscriptions exist, and how the venue writes one down.

HL: a subscription is parsed into a typed value and written back from it, so keys
come in the venue's order, defaults appear, unknown keys vanish and addresses are
lower-cased (protocol §1.8).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from .bars import INTERVALS
from .instruments import Instrument

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")

# HL: the fields of each type in the order of its acknowledgement (§1.8, §2).
# A trailing "?" is left out when absent, "=" appears with its default.
_TYPES: dict[str, tuple[str, ...]] = {
    "allMids": ("dex?",),
    "notification": ("user",),
    "webData3": ("user",),
    "twapStates": ("user", "dex?"),
    "clearinghouseState": ("user", "dex?"),
    "openOrders": ("user", "dex?"),
    "candle": ("interval", "coin"),
    "l2Book": ("coin", "nSigFigs=", "mantissa=", "fast?"),
    "trades": ("coin",),
    "orderUpdates": ("user",),
    "userEvents": ("user",),
    "userFills": ("user", "aggregateByTime="),
    "userFundings": ("user",),
    "userNonFundingLedgerUpdates": ("user",),
    "activeAssetCtx": ("coin",),
    "activeAssetData": ("user", "coin"),
    "userTwapSliceFills": ("user",),
    "userTwapHistory": ("user",),
    "userHistoricalOrders": ("user",),
    "bbo": ("coin",),
    # HL: docs and nktkas name the flag differently (§2.21).
    "spotState": ("user", "isPortfolioMargin?", "ignorePortfolioMargin?"),
    "allDexsClearinghouseState": ("user",),
    "allDexsAssetCtxs": (),
    "assetCtxs": ("dex?",),
    "spotAssetCtxs": (),
    "fastAssetCtxs": (),
    "outcomeMetaUpdates": (),
}

_DEFAULTS: dict[str, Any] = {
    "nSigFigs": None,
    "mantissa": None,
    "aggregateByTime": False,
}


class Unreadable(Exception):  # noqa: N818 - a fact about the frame, not a failure here
    """The frame is not a request the venue knows."""


@dataclass(frozen=True)
class Subscription:
    """One subscription in canonical form; equal text is equal subscription."""

    type: str
    fields: tuple[tuple[str, Any], ...] = field(default=())

    @cached_property
    def text(self) -> str:
        """The canonical JSON."""
        return msgspec.json.encode({"type": self.type, **dict(self.fields)}).decode()

    def __hash__(self) -> int:
        return hash(self.text)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field."""
        return self._by_name.get(name, default)

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        return dict(self.fields)

    @cached_property
    def coin(self) -> str:
        """The coin, or an empty string."""
        return str(self.get("coin", ""))

    @cached_property
    def user(self) -> str:
        """The lower-cased user, or an empty string."""
        return str(self.get("user", ""))

    @cached_property
    def dex(self) -> str:
        """The dex; empty is the main one."""
        return str(self.get("dex") or "")


def parse(body: object) -> Subscription:
    """Return the subscription a client means, or raise ``Unreadable``."""
    if not isinstance(body, dict):
        raise Unreadable
    kind = body.get("type")
    fields = _TYPES.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise Unreadable
    found: list[tuple[str, Any]] = []
    for declared in fields:
        name = declared.rstrip("?=")
        if name in body:
            value = body[name]
            # HL: "fast":null is a parse error, an absent dex may be null (§2.8).
            if value is None and declared.endswith("?") and name == "dex":
                continue
            found.append((name, _checked(name, value)))
        elif declared.endswith("="):
            found.append((name, _DEFAULTS[name]))
        elif not declared.endswith("?"):
            raise Unreadable
    return Subscription(str(kind), tuple(found))


def _checked(name: str, value: Any) -> Any:
    good = False
    match name:
        case "user":
            good = isinstance(value, str) and bool(_ADDRESS.match(value))
            value = value.lower() if good else value
        case "coin" | "dex":
            good = isinstance(value, str)
        case "interval":
            good = isinstance(value, str) and value in INTERVALS
        case "nSigFigs":
            good = value is None or (type(value) is int and value in {2, 3, 4, 5})
        case "mantissa":
            good = value is None or (type(value) is int and value in {1, 2, 5})
        case _:
            good = isinstance(value, bool)
    if not good:
        raise Unreadable
    return value


def makes_sense(
    subscription: Subscription, coins: dict[str, Instrument], dexs: set[str]
) -> bool:
    """
    Tell whether a well-formed subscription names things that exist.

    HL: an unknown coin or dex, or a mantissa without nSigFigs 5, is an "Invalid
    subscription" and not a parse error (§1.9, §2.8).
    """
    coin = subscription.get("coin")
    if coin is not None and coin not in coins:
        return False
    if subscription.dex and subscription.dex not in dexs:
        return False
    if subscription.type == "activeAssetData" and coins[str(coin)].is_spot:
        return False
    mantissa = subscription.get("mantissa")
    return mantissa is None or subscription.get("nSigFigs") == 5  # noqa: PLR2004
