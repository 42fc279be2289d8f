"""
What a typed handler gets: the venue's envelope around the channel's own Struct.

Books and mids come undecoded: a reader mostly wants the best prices or one coin, and
those are found without making an object of everything else. Whatever looks odd is
decoded as a whole, so a short cut is never an answer of its own.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, field

from ...errors import ProtocolError
from .codec import DATA_TYPES, UNREADABLE
from .market import Level, Trade
from .shape import Maybe, Wire

Data = TypeVar("Data")


class Message(msgspec.Struct, Generic[Data], frozen=True, gc=False):
    """One message: shared between handlers, so read-only."""

    channel: str
    data: Data
    snapshot: bool = False
    """Whether it is history that came with a first subscription."""
    recovered: bool = False
    """Whether it fills a gap."""


_is_plain = re.compile(r"[\w@:/.-]+", re.ASCII).fullmatch
"""Whether a name is spelled the same in JSON."""

Side = tuple[Level, ...]

_level = msgspec.json.Decoder(Level).decode
_levels = msgspec.json.Decoder(tuple[Side, Side]).decode
_mids = msgspec.json.Decoder(dict[str, str]).decode


class LazyBook(Wire, frozen=True):
    """The resting orders of one coin (``l2Book``), decoded when asked for."""

    coin: str
    time: int
    raw: msgspec.Raw = field(name="levels")
    spread: Maybe = UNSET
    fast: bool | UnsetType = UNSET

    def best(self) -> tuple[Level | None, Level | None]:
        """Return the best bid and the best ask; ``None`` for an empty side."""
        text = bytes(self.raw)
        # [[{best bid},{...}],[{best ask},{...}]]
        first = text.find(b"}") + 1
        second = text.find(b"]", first) + 3
        if text[:3] == b"[[{" and text[second - 3 : second + 1] == b"],[{":
            try:
                bid = _level(text[2:first])
                return bid, _level(text[second : text.find(b"}", second) + 1])
            except UNREADABLE:
                pass  # a bracket inside a text, perhaps
        bids, asks = self.levels()
        return bids[0] if bids else None, asks[0] if asks else None

    def levels(self) -> tuple[Side, Side]:
        """
        Return all bids and all asks, best first; decoded at each call.

        Raises:
            ProtocolError: they are not what the venue promises.
        """
        try:
            return _levels(self.raw)
        except UNREADABLE as error:
            raise _unreadable("l2Book", error, self.raw) from error


class LazyMids(Wire, frozen=True):
    """The middle price of every coin (``allMids``), decoded when asked for."""

    raw: msgspec.Raw = field(name="mids")
    dex: Maybe = UNSET

    def price(self, coin: str) -> str | None:
        """Return the mid of one coin; ``None`` if it has none."""
        text = bytes(self.raw)
        at = text.find(b'"%b":"' % coin.encode())
        # Only a key is followed by a colon, and a quote inside one has a backslash
        # before it; whatever is spelled otherwise is decoded.
        if at > 0 and _is_plain(coin) and text[at - 1] in b"{,":
            begin = at + len(coin) + 4
            price = text[begin : text.find(b'"', begin)]
            if price.isascii() and b"\\" not in price:
                return price.decode()
        return self.all().get(coin)

    def all(self) -> dict[str, str]:
        """
        Return the mid of every coin; decoded at each call.

        Raises:
            ProtocolError: they are not what the venue promises.
        """
        try:
            return _mids(self.raw)
        except UNREADABLE as error:
            raise _unreadable("allMids", error, self.raw) from error


def _unreadable(channel: str, error: Exception, raw: msgspec.Raw) -> ProtocolError:
    return ProtocolError(channel, str(error), bytes(raw)[:200])


TYPED: dict[str, Any] = {
    **DATA_TYPES,
    "allMids": LazyMids,
    "l2Book": LazyBook,
    "trades": tuple[Trade, ...],
}
"""The type of ``Message.data`` by channel; of others it is plain values."""

_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    channel: msgspec.json.Decoder(Message[type_])  # type: ignore[valid-type]
    for channel, type_ in TYPED.items()
}
_plain = msgspec.json.Decoder(Message[Any])
_anything = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Envelope(msgspec.Struct):
    channel: str


_envelope = msgspec.json.Decoder(_Envelope).decode


def decoder(channel: str) -> Any:
    """Return what reads a whole frame of a channel into a :class:`Message`."""
    return _decoders.get(channel, _plain).decode


def from_frame(frame: bytes) -> Message[Any]:
    """
    Return a whole frame as a Struct.

    Raises:
        ProtocolError: it is not of its channel's type.
    """
    channel = ""
    try:
        channel = _envelope(frame).channel
        message: Message[Any] = decoder(channel)(frame)
    except UNREADABLE as error:
        raise ProtocolError(channel, str(error), frame[:200]) from error
    return message


def from_plain(message: dict[str, Any]) -> Message[Any]:
    """
    Return a message of rows, as plain values, as a Struct.

    Raises:
        ProtocolError: it is not of the channel's type.
    """
    channel = message["channel"]
    try:
        data = msgspec.convert(message["data"], TYPED.get(channel, Any))
    except UNREADABLE as error:
        raise ProtocolError(channel, str(error)) from error
    flags = {name: True for name in ("snapshot", "recovered") if message.get(name)}
    return Message(channel, data, **flags)


def to_plain(message: Message[Any]) -> dict[str, Any]:
    """Return a Struct as the plain values the venue would send."""
    plain: dict[str, Any] = {
        "channel": message.channel,
        "data": _anything(_encode(message.data)),
    }
    for name in ("snapshot", "recovered"):
        if getattr(message, name):
            plain[name] = True
    return plain
