"""
The venue's frames, read and written: the only module that knows its JSON.

One envelope, then as little as routing needs. Books, mids and contexts stay
undecoded until somebody wants to read them; rows of events are read at once,
because each is known by a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from operator import itemgetter
from typing import Any

import msgspec

from ..errors import ProtocolError
from ..session.model import (
    Acknowledged,
    Complaint,
    Fields,
    Inbound,
    Item,
    Pong,
    PostReply,
    Subscription,
    Update,
    VenueError,
)
from . import post_frames
from .feeds import BY_CHANNEL, FEEDS, Feed, route
from .keys import Row

PING = b'{"method":"ping"}'


class _Envelope(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Coin(msgspec.Struct):
    coin: str
    time: int = 0


class _Book(msgspec.Struct):
    coin: str
    time: int = 0
    spread: Any = None
    fast: Any = None


class _Dex(msgspec.Struct):
    dex: str = ""


class _User(msgspec.Struct):
    user: str
    dex: str = ""
    coin: str = ""


class _WebData(msgspec.Struct):
    user: _User = msgspec.field(name="userState")


_SECONDS = 10**11  # what is below it cannot be milliseconds of this century
_TOO_LATE = 10**15  # what is above it is no moment at all

# UnicodeDecodeError: msgspec raises it for bytes that are no text.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


Locate = Callable[[msgspec.Raw], tuple[str, int]]


def _head(type_: Any, to_route: Callable[[Any], str]) -> Locate:
    """Return what finds the route and the venue time in a frame's data."""
    decode = msgspec.json.Decoder(type_).decode

    def locate(raw: msgspec.Raw) -> tuple[str, int]:
        head = decode(raw)
        return to_route(head), getattr(head, "time", 0)

    return locate


def _book_route(book: _Book) -> str:
    kind = "plain" if book.spread is None else "aggregated"
    return f"l2Book:{book.coin}:{'fast' if book.fast else kind}"


def _by_user(feed: str) -> Locate:
    return _head(_User, lambda head: f"{feed}:{head.user.lower()}")


def _by_user_and_dex(feed: str) -> Locate:
    return _head(_User, lambda head: f"{feed}:{head.user.lower()}:{head.dex}")


def _context_route(head: _Coin) -> str:
    return f"activeAssetCtx:{head.coin}"


# How to find the route of a channel whose frames replace one another. What is not
# here and not made of rows has a single subscription, and its route is its name.
_ROUTES: dict[str, Locate] = {
    "allMids": _head(_Dex, lambda head: f"allMids:{head.dex}"),
    "assetCtxs": _head(_Dex, lambda head: f"assetCtxs:{head.dex}"),
    "l2Book": _head(_Book, _book_route),
    "bbo": _head(_Coin, lambda head: f"bbo:{head.coin}"),
    "activeAssetCtx": _head(_Coin, _context_route),
    "activeSpotAssetCtx": _head(_Coin, _context_route),
    "webData3": _head(_WebData, lambda head: f"webData3:{head.user.user.lower()}"),
    "twapStates": _by_user_and_dex("twapStates"),
    "clearinghouseState": _by_user_and_dex("clearinghouseState"),
    "openOrders": _by_user_and_dex("openOrders"),
    "activeAssetData": _head(
        _User, lambda head: f"activeAssetData:{head.user.lower()}:{head.coin}"
    ),
    "spotState": _by_user("spotState"),
    "allDexsClearinghouseState": _by_user("allDexsClearinghouseState"),
}


def decode(frame: bytes) -> Inbound | Update | PostReply | None:
    """
    Return what ``frame`` says, or ``None`` if it is of no interest.

    Raises:
        ProtocolError: it is not JSON, or not in the shape its channel promises.
    """
    try:
        envelope = _decode_envelope(frame)
    except _UNREADABLE as error:
        raise ProtocolError("", str(error), frame[:200]) from error
    channel, raw = envelope.channel, envelope.data
    try:
        control = _CONTROL.get(channel)
        if control is not None:
            return control(raw)
        feed = BY_CHANNEL.get(channel)
        if channel == "user":
            return _user_event(frame, _decode_any(raw))
        if feed is not None and feed.key is not None:
            return _rows(frame, channel, feed, _decode_any(raw))
        locate = _ROUTES.get(channel)
        if locate is not None:
            name, time = locate(raw)
            return Update(name, frame, time=time)
        return Update(feed.type if feed else channel, frame)
    except (*_UNREADABLE, LookupError, TypeError, ValueError) as error:
        raise ProtocolError(channel, str(error), frame[:200]) from error


def read(update: Update) -> dict[str, Any]:
    """
    Return the whole message as plain dicts and lists, decoded once.

    Raises:
        ProtocolError: a part that routing did not look at cannot be read.
    """
    if update.message is None:
        try:
            update.message = _decode_any(update.frame)
        except _UNREADABLE as error:
            raise ProtocolError(update.route, str(error), update.frame[:200]) from error
    return update.message


def read_raw(update: Update) -> dict[str, Any]:
    """Return the message as the venue sent it, whatever was taken out since."""
    message: dict[str, Any] = _decode_any(update.frame)
    return message


def encode(message: Any) -> bytes:
    """Return a message as the venue's JSON."""
    return _encode(message)


def subscribe(subscription: Subscription) -> bytes:
    """Return the frame that asks for ``subscription``."""
    return _encode({"method": "subscribe", "subscription": subscription.fields})


def unsubscribe(subscription: Subscription) -> bytes:
    """Return the frame that gives ``subscription`` up."""
    return _encode({"method": "unsubscribe", "subscription": subscription.fields})


# Rows


def _rows(frame: bytes, channel: str, feed: Feed, data: Any) -> Update:
    found = data[feed.slot] if feed.slot is not None else data
    if feed.is_single:
        found = [found]
    if not isinstance(found, list):
        raise TypeError("rows expected")
    items = _items(feed, found)
    bad = len(found) - len(items)
    if bad and not items:
        raise ProtocolError(channel, f"{bad} unreadable rows", frame[:200])
    name = _route_of_rows(feed, data, items)
    if name is None:
        return Update(feed.type, frame, is_void=True)
    newest = items[-1][0] if items else 0
    update = Update(
        route=name,
        frame=frame,
        message={"channel": channel, "data": data},
        slot=feed.slot,
        is_single=feed.is_single,
        is_snapshot=isinstance(data, dict) and data.get("isSnapshot") is True,
        # Bars, and rows that count seconds, are history, whose age says nothing.
        time=newest if _is_dated(feed, newest) else 0,
        oldest=items[0][0] if items else 0,
        seen=len(found),
        unreadable=bad,
    )
    update.keep(items)
    return update


def _is_dated(feed: Feed, newest: int) -> bool:
    return _SECONDS < newest < _TOO_LATE and feed.unit == 1 and not feed.is_single


def _route_of_rows(feed: Feed, data: Any, items: list[Item]) -> str | None:
    if "user" in feed.tells:
        return f"{feed.type}:{str(data['user']).lower()}"
    if not feed.tells:
        return feed.type
    if not items:
        return None
    row = items[0][2]
    if feed.is_single:
        return f"{feed.type}:{row['s']}:{row['i']}"
    return f"{feed.type}:{row['coin']}"


def _items(feed: Feed, found: list[Any]) -> list[Item]:
    """Return the rows that can be read, oldest first, with their keys."""
    assert feed.key is not None
    items: list[Item] = []
    path = feed.moment.split(".")
    for row in found:
        try:
            moment: Any = row
            for name in path:
                moment = moment[name]
            key = feed.key(row)
            hash(key)  # a list where a number belongs could not be remembered
            items.append((int(moment) * feed.unit, key, row))
        except (LookupError, TypeError, ValueError, AttributeError):
            continue
    # Replays come newest first, live frames oldest first; ties keep their order.
    items.sort(key=itemgetter(0))
    return items


# HL: a frame of user events has one member; the kinds that are rows are known by
# the same keys as in the feeds of their own.
_USER_EVENTS = {
    "fills": FEEDS["userFills"],
    "twapSliceFills": FEEDS["userTwapSliceFills"],
    "funding": replace(FEEDS["userFundings"], slot="funding", is_single=True),
}


def _user_event(frame: bytes, data: Any) -> Update:
    for name, feed in _USER_EVENTS.items():
        if name in data:
            like = replace(feed, type="userEvents", tells=(), slot=name)
            return _rows(frame, "user", like, data)
    return Update("userEvents", frame, message={"channel": "user", "data": data})


def recovered(subscription: Subscription, kind: str, rows: list[Any]) -> Update:
    """Return rows from a history as if they had come on ``subscription``."""
    feed = FEEDS[subscription.feed]
    channel = (feed.channels or (feed.type,))[0]
    data: Any = rows
    if subscription.feed == "userEvents":
        feed = replace(_USER_EVENTS[kind], slot=kind)
        data = {kind: rows}
    elif feed.slot is not None:
        data = {"user": str(subscription.get("user")), feed.slot: rows}
    items = _items(feed, rows)
    return Update(
        route=route(subscription),
        frame=b"",
        message={"channel": channel, "data": data},
        items=items,
        slot=feed.slot,
        is_single=feed.is_single,
        time=items[-1][0] if items else 0,
        oldest=items[0][0] if items else 0,
        seen=len(rows),
        unreadable=len(rows) - len(items),
    )


# Everything that is not data


class _Answer(msgspec.Struct):
    method: str
    subscription: dict[str, Any]


_decode_answer = msgspec.json.Decoder(_Answer).decode
_decode_text = msgspec.json.Decoder(str).decode


def _acknowledged(raw: msgspec.Raw) -> Acknowledged:
    answer = _decode_answer(raw)
    if answer.method not in ("subscribe", "unsubscribe"):
        raise ValueError("neither subscribe nor unsubscribe")
    return Acknowledged(answer.method == "subscribe", _fields(answer.subscription))


def _fields(body: Row) -> Fields:
    """Return a subscription as the venue writes it, in the spelling of ours."""
    fields: Fields = {}
    for name, value in body.items():
        if value is False or value == "" or not isinstance(value, str | int):
            continue
        if name == "user" and isinstance(value, str):
            fields[name] = value.lower()
        else:
            fields[name] = value
    return fields


_LIMITS = (
    (re.compile(r"Cannot track more than (\d+) total users"), Complaint.USERS),
    (re.compile(r"Cannot subscribe to more than (\d+) "), Complaint.SUBSCRIPTIONS),
    (re.compile(r"Cannot send more than (\d+) messages"), Complaint.MESSAGES),
)
_POST_ID = re.compile(r"id=(\d+)\s*$")


def _error(raw: msgspec.Raw) -> Acknowledged | VenueError:
    """
    Find out what an error frame is about.

    HL: free text without id or code; the rules of correlation are those of
    protocol.md 1.9, gathered from issue threads and other clients.
    """
    text = _decode_text(raw)
    if found := _POST_ID.search(text):
        return VenueError(Complaint.POSTS, text, post_id=int(found[1]))
    for pattern, kind in _LIMITS:
        if found := pattern.search(text):
            return VenueError(kind, text, limit=int(found[1]))
    body = _embedded(text)
    if body is None:
        return VenueError(Complaint.OTHER, text)
    subscribed = body.get("method", "subscribe") == "subscribe"
    if isinstance(number := body.get("id"), int):
        return VenueError(Complaint.POSTS, text, post_id=number)
    inner = body.get("subscription", body)
    if not isinstance(inner, dict) or "type" not in inner:
        return VenueError(Complaint.OTHER, text)
    if text.startswith("Already subscribed"):
        return Acknowledged(True, _fields(inner))
    if text.startswith("Already unsubscribed"):
        return Acknowledged(False, _fields(inner))
    return VenueError(Complaint.REFUSED, text, _fields(inner), subscribed)


def _embedded(text: str) -> dict[str, Any] | None:
    """Return the first JSON object in ``text``, if there is one."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        body = _decode_any(text[start : text.rfind("}") + 1].encode())
    except (msgspec.MsgspecError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


_CONTROL: dict[str, Callable[[msgspec.Raw], Inbound | PostReply]] = {
    "pong": lambda _: Pong(),
    "subscriptionResponse": _acknowledged,
    "error": _error,
    "post": post_frames.decode,
}
