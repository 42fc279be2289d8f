"""
What a frame is decoded into: what its readers want, and once.

The frames of the market come in one layout, so their channel is known by their first
bytes. Where handlers read a feed at once, the whole frame is decoded straight into
what they want, and its route is taken from there; where nobody does, it is left to
``wire``, which decodes no more than routing needs. A frame in any other layout, or
with anything odd in it, goes to ``wire`` too: it decides what is readable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import UNSET

from ..session.model import Inbound, Item, PostReply, Subscription, Update, Version
from . import wire
from .messages import typed as types
from .messages.typed import Message

Decode = Callable[[bytes], Update]

_HEAD = 29
"""Bytes that tell the layouts below apart, and that no other frame begins with."""

_EARLIEST, _LATEST = 10**11, 10**15
"""What is not between these is not a moment of this century, in milliseconds."""

# What a frame in another layout makes of the functions below.
_ODD = (
    *(msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError),
    RecursionError,
)

_TIME = itemgetter(0)
_decode = msgspec.json.Decoder().decode


class OddError(ValueError):
    """A frame is not in the usual layout."""


# Into plain values. Each function runs for every message of its feed: what would be
# a call for everybody's sake is written out, and Updates are made by position.


def _trades(frame: bytes) -> Update:
    message = _decode(frame)
    rows = message["data"]
    coin = rows[0]["coin"]
    items = [
        (time := row["time"], time << 64 | row["tid"], row)
        for row in rows
        if row["coin"] == coin
    ]
    if len(items) < len(rows):
        raise OddError
    return _of_trades("trades:" + coin, frame, items, message, None)


def _book(frame: bytes) -> Update:
    message = _decode(frame)
    data = message["data"]
    coin, time = data["coin"], data["time"]
    if (
        coin.__class__ is not str
        or time.__class__ is not int
        or not _EARLIEST < time < _LATEST
        or "spread" in data
        or "fast" in data
    ):
        raise OddError
    return Update(f"l2Book:{coin}:plain", frame, message, None, None, time)


def _bbo(frame: bytes) -> Update:
    message = _decode(frame)
    data = message["data"]
    coin, time = data["coin"], data["time"]
    if (
        coin.__class__ is not str
        or time.__class__ is not int
        or not _EARLIEST < time < _LATEST
    ):
        raise OddError
    return Update("bbo:" + coin, frame, message, None, None, time)


def _mids(frame: bytes) -> Update:
    message = _decode(frame)
    dex = message["data"].get("dex", "")
    if dex.__class__ is not str:
        raise OddError
    return Update("allMids:" + dex, frame, message)


def _candle(frame: bytes) -> Update:
    message = _decode(frame)
    row = message["data"]
    begin, number, coin = row["t"], row["n"], row["s"]
    if (
        coin.__class__ is not str
        or begin.__class__ is not int
        or number.__class__ is not int
    ):
        raise OddError
    content = (row["o"], row["h"], row["l"], row["c"], row["v"])
    route = f"candle:{coin}:{row['i']}"
    update = _bar(route, frame, begin, (begin, number, content), row)
    update.message = message
    return update


def _context(frame: bytes) -> Update:
    message = _decode(frame)
    data = message["data"]
    coin = data["coin"]
    if coin.__class__ is not str or "time" in data:
        raise OddError
    return Update("activeAssetCtx:" + coin, frame, message)


# Into Structs, whose types are checked as they are made


def _typed_trades(frame: bytes) -> Update:
    message = _read_trades(frame)
    rows = message.data
    coin = rows[0].coin
    items = [
        (time := row.time, time << 64 | row.trade_id, row)
        for row in rows
        if row.coin == coin
    ]
    if len(items) < len(rows):
        raise OddError
    return _of_trades("trades:" + coin, frame, items, None, message)


def _typed_book(frame: bytes) -> Update:
    message = _read_book(frame)
    book = message.data
    time = book.time
    if (
        not _EARLIEST < time < _LATEST
        or book.spread is not UNSET
        or book.fast is not UNSET
    ):
        raise OddError
    return Update(f"l2Book:{book.coin}:plain", frame, None, None, message, time)


def _typed_bbo(frame: bytes) -> Update:
    message = _read_bbo(frame)
    quotes = message.data
    time = quotes.time
    if not _EARLIEST < time < _LATEST:
        raise OddError
    return Update("bbo:" + quotes.coin, frame, None, None, message, time)


def _typed_mids(frame: bytes) -> Update:
    message = _read_mids(frame)
    return Update("allMids:" + (message.data.dex or ""), frame, None, None, message)


def _typed_candle(frame: bytes) -> Update:
    message = _read_candle(frame)
    row = message.data
    begin = row.open_time
    content = (row.open, row.high, row.low, row.close, row.volume)
    route = f"candle:{row.coin}:{row.interval}"
    update = _bar(route, frame, begin, (begin, row.trades, content), row)
    update.typed = message
    return update


def _typed_context(frame: bytes) -> Update:
    message = _read_context(frame)
    return Update("activeAssetCtx:" + message.data.coin, frame, None, None, message)


def _of_trades(
    route: str,
    frame: bytes,
    items: list[Item],
    message: dict[str, Any] | None,
    typed: Message[Any] | None,
) -> Update:
    oldest, newest = items[0][0], items[-1][0]
    if not _EARLIEST < oldest <= newest < _LATEST:
        raise OddError
    if len(items) > 2 and sorted(items, key=_TIME) != items:  # noqa: PLR2004 -- see above
        raise OddError
    return Update(route, frame, message, items, typed, newest, oldest, len(items))


def _bar(
    route: str, frame: bytes, begin: int, version: tuple[Hashable, ...], row: Any
) -> Update:
    key: Version = tuple.__new__(Version, version)
    hash(key)  # a list where a number belongs could not be remembered
    update = Update(route, frame, None, [(begin, key, row)])
    # Without a time: bars are history that is rewritten, and their age says nothing.
    update.oldest, update.seen, update.is_single = begin, 1, True
    return update


_read_trades = types.decoder("trades")
_read_book = types.decoder("l2Book")
_read_bbo = types.decoder("bbo")
_read_mids = types.decoder("allMids")
_read_candle = types.decoder("candle")
_read_context = types.decoder("activeAssetCtx")

_LAYOUTS: dict[str, tuple[bytes, Decode, Decode]] = {
    "trades": (b'{"channel":"trades","data":[{"coin":"', _trades, _typed_trades),
    "l2Book": (b'{"channel":"l2Book","data":{"coin":"', _book, _typed_book),
    "bbo": (b'{"channel":"bbo","data":{"coin":"', _bbo, _typed_bbo),
    "allMids": (b'{"channel":"allMids","data":{"mids":{', _mids, _typed_mids),
    "candle": (b'{"channel":"candle","data":{"t":', _candle, _typed_candle),
    "activeAssetCtx": (
        b'{"channel":"activeAssetCtx","data":',
        _context,
        _typed_context,
    ),
}
"""How the frames of a feed begin, and what decodes them: plain, and typed."""


class Reading:
    """The venue's codec for one client: ``wire``, and who reads what."""

    PING = wire.PING

    def __init__(self) -> None:
        self._readers: Counter[tuple[str, bool]] = Counter()
        self._short_cuts: dict[bytes, Decode] = {}

    def decode(self, frame: bytes) -> Inbound | Update | PostReply | None:
        """
        Return what ``frame`` says, or ``None`` if it is of no interest.

        Raises:
            ProtocolError: it is not JSON, or not in the shape its channel promises.
        """
        short_cut = self._short_cuts.get(frame[:_HEAD])
        if short_cut is not None:
            try:
                return short_cut(frame)
            except _ODD:
                pass
        return wire.decode(frame)

    def subscribe(self, subscription: Subscription) -> bytes:
        """Return the frame that asks for ``subscription``."""
        return wire.subscribe(subscription)

    def unsubscribe(self, subscription: Subscription) -> bytes:
        """Return the frame that gives ``subscription`` up."""
        return wire.unsubscribe(subscription)

    def came(self, feed: str, *, typed: bool) -> None:
        """Hear of one more direct reader of a type of feed."""
        self._readers[feed, typed] += 1
        self._choose(feed)

    def went(self, feed: str, *, typed: bool) -> None:
        """Hear of one less."""
        self._readers[feed, typed] -= 1
        self._choose(feed)

    def _choose(self, feed: str) -> None:
        if feed not in _LAYOUTS:
            return
        begins, plain, typed = _LAYOUTS[feed]
        self._short_cuts.pop(begins[:_HEAD], None)
        # Rows are remembered by what they were decoded into, and plain values keep
        # members that no Struct knows: where both are wanted, plain comes first.
        if self._readers[feed, False]:
            self._short_cuts[begins[:_HEAD]] = plain
        elif self._readers[feed, True]:
            self._short_cuts[begins[:_HEAD]] = typed


def read_typed(update: Update) -> Message[Any]:
    """
    Return the whole message as a Struct, made once.

    Raises:
        ProtocolError: it is not of its channel's type.
    """
    if update.typed is None:
        if update.items is None and update.frame:
            update.typed = types.from_frame(update.frame)
        else:
            update.typed = types.from_plain(wire.read(update))
    typed: Message[Any] = update.typed
    return typed


def read(update: Update) -> dict[str, Any]:
    """
    Return the whole message as plain dicts and lists, made once.

    Raises:
        ProtocolError: a part that routing did not look at cannot be read.
    """
    if update.message is not None:
        return update.message
    if update.items is not None and update.typed is not None:
        update.message = types.to_plain(update.typed)
    return wire.read(update)
