"""
Every feed the venue offers, as a table.

A row says what a subscription takes, on which channel its frames come, what
tells them apart, how the feed speaks, and by what its rows are known. Adding a
feed is a row here, a Struct in ``messages`` and a golden frame.

HL: docs "websocket/subscriptions"; what is undocumented is marked. Where the
frames of two subscriptions look alike they share a route, and the client
refuses the second instead of mixing them up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeGuard

from ..errors import ConfigError
from ..session.model import Heals, Promise, Scalar, Subscription, Traits
from . import keys, validate
from .keys import BITS, Row

USER_MEMORY = 20_000
COIN_MEMORY = 5_000

_PERIODIC, _EVENT, _SPARSE = Promise.PERIODIC, Promise.EVENT, Promise.SPARSE
_REQUEST = Heals.REQUEST


@dataclass(frozen=True, slots=True)
class Feed:
    """One row of the table."""

    type: str
    promise: Promise
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """Where its frames come; the type's own name unless said."""
    tells: tuple[str, ...] = ()
    """Parameters that the frames carry, and so can be told apart by."""
    greets: bool = False
    """Whether a frame follows the acknowledgement at once."""
    replays: bool = False
    """Whether that frame repeats the past without a mark."""
    key: Callable[[Row], Hashable] | None = None
    """What a row is known by; ``None`` where each frame replaces the last."""
    moment: str = "time"
    """The member of a row that orders it."""
    unit: int = 1
    """How many milliseconds one of that member is."""
    is_lossless: bool = False
    """Whether each message counts although its rows have no key."""
    is_single: bool = False
    """Whether a frame is one row without a list around it."""
    heals: Heals = Heals.ITSELF
    """How what was missed comes back (protocol.md 5)."""
    note: str = ""
    """What stays unknown of a gap although it was recovered."""
    is_restless: bool = False
    """Whether two frames without a time are never the same while the market lives."""
    unsure: tuple[str, ...] = ()
    """Those of ``optional`` that the venue may spell in another way."""
    slot: str | None = None
    """Where in the data the rows are; ``None``: the data is the list of rows."""


_ROWS = (
    Feed(
        "allMids",
        _PERIODIC,
        optional=("dex",),
        tells=("dex",),
        greets=True,
        is_restless=True,
    ),
    Feed("l2Book", _PERIODIC, ("coin",), ("nSigFigs", "mantissa", "fast"), greets=True),
    Feed("bbo", _EVENT, ("coin",), tells=("coin",)),
    Feed(
        "trades",
        _EVENT,
        ("coin",),
        tells=("coin",),
        replays=True,
        heals=Heals.REPLAY,
        key=keys.of_trade,
    ),
    Feed(
        "candle",
        _EVENT,
        ("coin", "interval"),
        tells=("coin", "interval"),
        heals=_REQUEST,
        note="versions of a bar in between",
        key=keys.of_bar,
        moment="t",
        is_single=True,
    ),
    Feed(
        "activeAssetCtx",
        _PERIODIC,
        ("coin",),
        channels=("activeAssetCtx", "activeSpotAssetCtx"),
        tells=("coin",),
        greets=True,
    ),
    Feed("allDexsAssetCtxs", _PERIODIC, greets=True),
    Feed("assetCtxs", _PERIODIC, optional=("dex",), tells=("dex",)),  # undocumented
    Feed("spotAssetCtxs", _PERIODIC),  # undocumented
    Feed(
        "fastAssetCtxs",
        _PERIODIC,
        greets=True,
        # HL: frames are changes to be merged; the first is the whole (docs).
        is_lossless=True,
        heals=Heals.RESYNC,
        note="changes in between",
    ),
    Feed("outcomeMetaUpdates", _SPARSE, heals=Heals.NEVER, is_lossless=True),
    Feed("notification", _SPARSE, ("user",), heals=Heals.NEVER, is_lossless=True),
    Feed("webData3", _PERIODIC, ("user",), tells=("user",), greets=True),
    Feed(
        "twapStates", _SPARSE, ("user",), ("dex",), tells=("user", "dex"), greets=True
    ),
    Feed(
        "clearinghouseState",
        _SPARSE,
        ("user",),
        ("dex",),
        tells=("user", "dex"),
        greets=True,
    ),
    Feed(
        "openOrders", _SPARSE, ("user",), ("dex",), tells=("user", "dex"), greets=True
    ),
    Feed(
        "orderUpdates",
        _SPARSE,
        ("user",),
        heals=_REQUEST,
        note="transitions before an order's last one",
        key=keys.of_order,
        moment="statusTimestamp",
    ),
    Feed(
        "userEvents",
        _SPARSE,
        ("user",),
        channels=("user",),
        heals=_REQUEST,
        note="liquidations, cancels by the system and TWAP statuses",
        is_lossless=True,
    ),
    Feed(
        "userFills",
        _SPARSE,
        ("user",),
        ("aggregateByTime",),
        tells=("user",),
        greets=True,
        heals=_REQUEST,
        key=keys.of_fill,
        slot="fills",
    ),
    Feed(
        "userFundings",
        _SPARSE,
        ("user",),
        tells=("user",),
        greets=True,
        heals=_REQUEST,
        key=keys.of_funding,
        slot="fundings",
    ),
    Feed(
        "userNonFundingLedgerUpdates",
        _SPARSE,
        ("user",),
        tells=("user",),
        greets=True,
        heals=_REQUEST,
        key=keys.of_change,
        slot="nonFundingLedgerUpdates",
    ),
    Feed(
        "userTwapSliceFills",
        _SPARSE,
        ("user",),
        tells=("user",),
        greets=True,
        heals=_REQUEST,
        key=keys.of_slice,
        moment="fill.time",
        slot="twapSliceFills",
    ),
    Feed(
        "userTwapHistory",
        _SPARSE,
        ("user",),
        tells=("user",),
        greets=True,
        heals=_REQUEST,
        key=keys.of_twap,
        unit=1000,  # HL: these rows count seconds (recorded frames)
        slot="history",
    ),
    Feed(  # undocumented
        "userHistoricalOrders",
        _SPARSE,
        ("user",),
        tells=("user",),
        greets=True,
        heals=_REQUEST,
        key=keys.of_order,
        moment="statusTimestamp",
        slot="orderHistory",
    ),
    Feed(
        "activeAssetData",
        _SPARSE,
        ("user", "coin"),
        tells=("user", "coin"),
        greets=True,
    ),
    Feed(
        "spotState",
        _SPARSE,
        ("user",),
        ("isPortfolioMargin", "ignorePortfolioMargin"),
        unsure=("isPortfolioMargin", "ignorePortfolioMargin"),
        tells=("user",),
        greets=True,
    ),
    Feed("allDexsClearinghouseState", _SPARSE, ("user",), tells=("user",), greets=True),
)

FEEDS: dict[str, Feed] = {feed.type: feed for feed in _ROWS}

BY_CHANNEL: dict[str, Feed] = {
    channel: feed for feed in _ROWS for channel in (feed.channels or (feed.type,))
}

_CHECKS: dict[str, Callable[[Any], Any]] = {
    "coin": validate.coin,
    "user": validate.address,
    "interval": validate.interval,
    "dex": validate.dex,
    "nSigFigs": lambda value: value,  # with the mantissa, below
    "mantissa": lambda value: value,
}


_DEFAULTS = dict.fromkeys(_CHECKS) | {"dex": ""}
"""What leaves a parameter as it is; of those not here it is ``False``."""


def canonical(body: Mapping[str, Any]) -> Subscription:
    """
    Return the one spelling of a subscription that the venue is asked for.

    Absent, null and default members are the same thing; addresses are lower-cased,
    coins are not. A type we do not know is passed on as it is.

    Raises:
        ConfigError: a member is missing, malformed or not known to the type.
    """
    if not isinstance(body, Mapping):
        raise ConfigError("subscription", body, 'a mapping: {"type": ..., ...}')
    type_ = body.get("type")
    if not _is_text(type_) or not type_:
        raise ConfigError("type", type_, "the venue's name of a feed, as text")
    given = {k: v for k, v in body.items() if k != "type" and v is not None}
    for name, value in given.items():
        if not _is_text(name):
            raise ConfigError("subscription", name, "names of parameters as text")
        if not _is_text(value) and not _is_number(value):
            raise ConfigError(name, value, "text, a whole number or true/false")
    feed = FEEDS.get(type_)
    if feed is not None:
        given = _checked(feed, given)
    elif isinstance(given.get("user"), str):
        # HL: acknowledgements have it in lower case, whatever was sent.
        given["user"] = given["user"].lower()
    return Subscription(type_, tuple(sorted(given.items())))


def _is_text(value: object) -> TypeGuard[str]:
    # Half a surrogate pair cannot be written as JSON; it is not printable either.
    return isinstance(value, str) and value.isprintable()


def _is_number(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() < BITS


def _checked(feed: Feed, given: dict[str, Any]) -> dict[str, Scalar]:
    allowed = (*feed.required, *feed.optional)
    for name in feed.required:
        if name not in given:
            raise ConfigError(name, None, f"a value: {feed.type} needs it")
    checked: dict[str, Scalar] = {}
    for name, value in given.items():
        if name not in allowed:
            # The venue grows parameters without notice, so a new one is passed on;
            # what looks like a slip of the keyboard is not.
            if meant := get_close_matches(name, allowed, 1):
                raise ConfigError(name, value, f"perhaps {meant[0]!r} for {feed.type}")
            checked[name] = value
            continue
        check = _CHECKS.get(name)
        if check is None and not isinstance(value, bool):
            raise ConfigError(name, value, "true or false")
        # HL: a default is the same as nothing, and acknowledgements may leave it out.
        if value != _DEFAULTS.get(name, False):
            checked[name] = check(value) if check else value
    validate.book_precision(checked.get("nSigFigs"), checked.get("mantissa"))
    return checked


def route(subscription: Subscription) -> str:
    """Return what the frames of ``subscription`` are told apart by."""
    feed = FEEDS.get(subscription.feed)
    if feed is None:
        return subscription.feed
    if feed.type == "l2Book":
        # HL: frames carry no parameters; the presence of two members tells three
        # classes apart, and nothing tells two of one class apart (nktkas, live).
        kind = "aggregated" if subscription.get("nSigFigs") else "plain"
        kind = "fast" if subscription.get("fast") else kind
        return f"l2Book:{subscription.get('coin')}:{kind}"
    return ":".join([feed.type, *(str(subscription.get(name)) for name in feed.tells)])


def traits(
    subscription: Subscription,
    user_memory: int = USER_MEMORY,
    coin_memory: int = COIN_MEMORY,
) -> Traits:
    """Return what the session needs to know about ``subscription``."""
    feed = FEEDS.get(subscription.feed)
    names = [name for name, _ in subscription.params]
    if feed is None:
        user = str(subscription.get("user"))
        return Traits(
            route(subscription), user=user, is_lossless=True, extras=tuple(names)
        )
    known = {*feed.required, *feed.optional} - {*feed.unsure}
    extras = tuple(name for name in names if name not in known)
    user = str(subscription.get("user")) if "user" in feed.required else ""
    memory = user_memory if user else coin_memory
    return Traits(
        route=route(subscription),
        promise=feed.promise,
        greets=feed.greets,
        user=user,
        replays=feed.replays,
        is_lossless=feed.is_lossless or feed.key is not None,
        heals=feed.heals,
        note=feed.note,
        memory=memory if feed.is_lossless or feed.key is not None else 0,
        # The mids of one builder's coins may well stand still.
        is_restless=feed.is_restless and not subscription.get("dex"),
        extras=extras,
    )
