"""
Which type the ``data`` of each channel has, and how it is read and written.

``decode`` is strict, and fast: one unreadable row fails the message.
``decode_rows`` is what to fall back to then: it keeps the rows that can be read
and counts the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...errors import ProtocolError
from . import account, control, market, orders, user

OutcomeMetaUpdates = list[market.OutcomeUpdate] | market.OutcomeUpdates

DATA_TYPES: dict[str, Any] = {
    "activeAssetCtx": market.ActivePerpContext,
    "activeAssetData": account.ActiveAssetData,
    "activeSpotAssetCtx": market.ActiveSpotContext,
    "allDexsAssetCtxs": market.AllPerpContexts,
    "allDexsClearinghouseState": account.AllClearinghouseStates,
    "allMids": market.AllMids,
    "assetCtxs": market.PerpContexts,
    "bbo": market.Bbo,
    "candle": market.Candle,
    "clearinghouseState": account.ClearinghouseState,
    "error": str,
    "fastAssetCtxs": str,
    "l2Book": market.Book,
    "notification": user.Notification,
    "openOrders": orders.OpenOrders,
    "orderUpdates": list[orders.OrderUpdate],
    "outcomeMetaUpdates": OutcomeMetaUpdates,
    "post": control.PostReply,
    "spotAssetCtxs": list[market.SpotContext],
    "spotState": account.SpotState,
    "subscriptionResponse": control.Acknowledgement,
    "trades": list[market.Trade],
    "twapStates": orders.TwapStates,
    # HL: the data of the subscription ``userEvents`` (docs: subscriptions).
    "user": user.UserEvents,
    "userFills": user.UserFills,
    "userFundings": user.UserFundings,
    "userHistoricalOrders": orders.OrderHistory,
    "userNonFundingLedgerUpdates": user.LedgerUpdates,
    "userTwapHistory": orders.TwapHistory,
    "userTwapSliceFills": user.TwapSliceFills,
    "webData3": account.WebData,
}
"""The type of ``data`` by channel. ``pong`` is not here: it carries none."""

WHOLE = ""
"""Where the rows are when ``data`` itself is the list."""

ROW_TYPES: dict[str, dict[str, Any]] = {
    "allDexsAssetCtxs": {"ctxs": tuple[str, list[market.PerpContext]]},
    "allDexsClearinghouseState": {
        "clearinghouseStates": tuple[str, account.AccountState]
    },
    # HL: an object on the wire; the docs write a list of them.
    "candle": {WHOLE: market.Candle},
    "openOrders": {"orders": orders.DetailedOrder},
    "orderUpdates": {WHOLE: orders.OrderUpdate},
    "outcomeMetaUpdates": {
        WHOLE: market.OutcomeUpdate,
        "updates": market.OutcomeUpdate,
    },
    "spotAssetCtxs": {WHOLE: market.SpotContext},
    "trades": {WHOLE: market.Trade},
    "twapStates": {"states": tuple[int, orders.TwapState]},
    "user": {
        "fills": user.Fill,
        "funding": user.Funding,
        "liquidation": user.Liquidation,
        "nonUserCancel": user.NonUserCancel,
        "twapHistory": orders.TwapRecord,
        "twapSliceFills": user.TwapSliceFill,
    },
    "userFills": {"fills": user.Fill},
    "userFundings": {"fundings": user.Funding},
    "userHistoricalOrders": {"orderHistory": orders.OrderRecord},
    "userNonFundingLedgerUpdates": {"nonFundingLedgerUpdates": user.LedgerUpdate},
    "userTwapHistory": {"history": orders.TwapRecord},
    "userTwapSliceFills": {"twapSliceFills": user.TwapSliceFill},
}
"""Where the rows of a channel are, and their type. Contexts that are known by
their position in a list (``assetCtxs``) are not rows: dropping one would rename
all that follow."""

# ValueError: msgspec raises UnicodeDecodeError for bytes that are no text.
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)

_decoders = {
    channel: msgspec.json.Decoder(type_) for channel, type_ in DATA_TYPES.items()
}
_anything = msgspec.json.Decoder()
_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_row_decoders = {
    channel: {where: msgspec.json.Decoder(type_) for where, type_ in places.items()}
    for channel, places in ROW_TYPES.items()
}
_encoder = msgspec.json.Encoder()


def decode(channel: str, raw: bytes | msgspec.Raw) -> object:
    """
    Read the ``data`` of a message; that of an unknown channel as plain values.

    Raises:
        ProtocolError: it is no JSON, or not of the channel's type.
    """
    try:
        return _decoders.get(channel, _anything).decode(raw)
    except UNREADABLE as error:
        raise _unreadable(channel, error, raw) from error


def decode_rows(channel: str, raw: bytes | msgspec.Raw) -> tuple[list[Any], int]:
    """
    Read what can be read of a list: the good rows, and how many were bad.

    Raises:
        ProtocolError: there are no rows to be found at all.
    """
    places = _row_decoders.get(channel)
    if places is None:
        raise ProtocolError(channel, "this channel carries no rows", _beginning(raw))
    try:
        found = _find_rows(raw, places)
    except UNREADABLE as error:
        raise _unreadable(channel, error, raw) from error
    if found is None:
        raise ProtocolError(channel, "no rows in it", _beginning(raw))
    decoder, rows = found
    good: list[Any] = []
    for row in rows:
        try:
            good.append(decoder.decode(row))
        except UNREADABLE:
            continue
    return good, len(rows) - len(good)


def encode(message: object) -> bytes:
    """Write a message's ``data`` as the venue would."""
    return _encoder.encode(message)


def _find_rows(
    raw: bytes | msgspec.Raw, places: Mapping[str, msgspec.json.Decoder[Any]]
) -> tuple[msgspec.json.Decoder[Any], list[msgspec.Raw]] | None:
    """Return the undecoded rows with the decoder for them, wherever they are."""
    if WHOLE in places and _is_list(raw):
        return places[WHOLE], _list.decode(raw)
    members = _object.decode(raw)
    for where, decoder in places.items():
        if where in members:
            rows = members[where]
            return decoder, _list.decode(rows) if _is_list(rows) else [rows]
    return (places[WHOLE], [msgspec.Raw(raw)]) if WHOLE in places else None


def _is_list(raw: bytes | msgspec.Raw) -> bool:
    return bytes(raw[:64] if isinstance(raw, bytes) else raw).lstrip()[:1] == b"["


def _unreadable(
    channel: str, error: Exception, raw: bytes | msgspec.Raw
) -> ProtocolError:
    return ProtocolError(channel, str(error), _beginning(raw))


def _beginning(raw: bytes | msgspec.Raw) -> bytes:
    return bytes(raw)[:200]
