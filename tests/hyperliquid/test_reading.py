"""A short cut reads what ``wire`` reads, into whatever its readers want."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ProtocolError
from bistoury.hyperliquid import wire
from bistoury.hyperliquid.messages.market import Candle, Trade
from bistoury.hyperliquid.messages.typed import LazyBook, LazyMids, Message
from bistoury.hyperliquid.reading import Reading, read, read_typed
from bistoury.session import Subscription
from bistoury.session.continuity import Continuity

NOW = 1_790_000_000_000
LEVEL = {"px": "1.5", "sz": "2.0", "n": 3}


def trade(at=NOW, tid=7, **more):
    body = {"coin": "BTC", "side": "B", "px": "1.5", "sz": "2.0", "time": at}
    users = ["0x" + "a" * 40, "0x" + "b" * 40]
    return {**body, "hash": "0x0", "tid": tid, "users": users, **more}


BAR = {
    "t": NOW,
    "T": NOW + 59_999,
    "s": "BTC",
    "i": "1m",
    **dict.fromkeys("ochlv", "1.5"),
    "n": 3,
}
CONTEXT = {
    "funding": "0.1",
    "openInterest": "1",
    "prevDayPx": "1",
    "dayNtlVlm": "1",
    "premium": None,
    "oraclePx": "1",
    "markPx": "2",
    "midPx": "3",
}
DATA = {
    "trades": [trade(), trade(NOW, 5), trade(NOW + 1, 6)],
    "l2Book": {"coin": "BTC", "time": NOW, "levels": [[LEVEL] * 2, [LEVEL]]},
    "bbo": {"coin": "BTC", "time": NOW, "bbo": [LEVEL, None]},
    "allMids": {"mids": {"BTC": "1.5", "@1": "2"}},
    "candle": BAR,
    "activeAssetCtx": {"coin": "BTC", "ctx": CONTEXT},
}
ODD = [
    ("trades", []),
    ("trades", [trade(), trade(coin="ETH")]),
    ("trades", [trade(NOW + 1), trade(NOW)]),
    ("trades", [trade(NOW), trade(NOW + 2), trade(NOW + 1), trade(NOW + 3)]),
    ("trades", [trade("soon")]),
    ("trades", [trade(5)]),
    ("trades", [trade(tid=None), trade()]),
    ("trades", [trade(coin=None)]),
    ("trades", {"coin": "BTC"}),
    ("l2Book", {**DATA["l2Book"], "spread": "0.1"}),
    ("l2Book", {**DATA["l2Book"], "fast": True}),
    ("l2Book", {**DATA["l2Book"], "time": 5}),
    ("l2Book", {**DATA["l2Book"], "coin": None}),
    ("l2Book", {"coin": "BTC"}),
    ("bbo", {**DATA["bbo"], "time": None}),
    ("bbo", {"coin": "BTC"}),
    ("allMids", {"mids": {"BTC": "1"}, "dex": "xyz"}),
    ("allMids", {"mids": {"BTC": "1"}, "dex": 5}),
    ("candle", {**BAR, "o": []}),
    ("candle", {**BAR, "n": "many"}),
    ("candle", {**BAR, "s": None}),
    ("activeAssetCtx", {"coin": 5, "ctx": CONTEXT}),
]


def frame(channel, data):
    return json.dumps(
        {"channel": channel, "data": data}, separators=(",", ":")
    ).encode()


def reading(*feeds, typed=False):
    it = Reading()
    for feed in feeds or DATA:
        it.came(feed, typed=typed)
    return it


def said(decode, data):
    """Return what matters of what a frame was decoded to, or that it could not be."""
    try:
        update = decode(data)
    except ProtocolError as error:
        return error.channel
    rows = [(time, key) for time, key, _ in update.items or ()]
    facts = update.route, rows, update.time, update.oldest, update.seen
    return (*facts, update.is_single, update.is_void, update.unreadable, read(update))


@pytest.mark.parametrize("channel", DATA)
def test_plain_values_are_those_of_the_careful_way(channel):
    data = frame(channel, DATA[channel])

    assert said(reading().decode, data) == said(wire.decode, data)


@pytest.mark.parametrize(("channel", "data"), ODD)
@pytest.mark.parametrize("typed", [False, True])
def test_what_is_odd_goes_the_careful_way(channel, data, typed):
    data = frame(channel, data)

    assert said(reading(typed=typed).decode, data) == said(wire.decode, data)


def test_a_context_that_has_a_time_keeps_it():
    data = frame("activeAssetCtx", {"coin": "BTC", "ctx": CONTEXT, "time": NOW})

    assert reading().decode(data).time == NOW


@pytest.mark.parametrize("channel", DATA)
def test_what_is_typed_has_the_same_route_and_rows(channel):
    data = frame(channel, DATA[channel])
    update = reading(typed=True).decode(data)
    careful = said(wire.decode, data)

    assert isinstance(update.typed, Message)
    assert update.message is None
    assert said(lambda _: update, data)[:-1] == careful[:-1]
    assert read(update) == careful[-1]


@pytest.mark.parametrize("channel", DATA)
def test_a_feed_that_nobody_reads_at_once_is_left_to_the_careful_way(channel):
    it = reading()
    it.went(channel, typed=False)
    update = it.decode(frame(channel, DATA[channel]))

    assert update.message is None or update.items is not None
    assert update.typed is None


def test_where_both_are_wanted_plain_values_come_first():
    it = reading("l2Book", typed=True)
    it.came("l2Book", typed=False)
    update = it.decode(frame("l2Book", DATA["l2Book"]))

    assert (update.typed, update.message["data"]["coin"]) == (None, "BTC")
    assert read_typed(update).data.coin == "BTC"

    it.went("l2Book", typed=False)
    assert it.decode(frame("l2Book", DATA["l2Book"])).message is None


def test_a_feed_without_a_short_cut_has_none():
    it = reading("userFills")
    body = {"user": "0x" + "a" * 40, "fills": []}

    assert it.decode(frame("userFills", body)).route.startswith("userFills:0xaaa")


def test_other_layouts_of_the_same_message_are_read_too():
    data = json.dumps({"data": DATA["bbo"], "channel": "bbo"}, indent=1).encode()

    assert reading().decode(data).route == "bbo:BTC"


def test_requests_are_those_of_the_wire():
    bbo = Subscription("bbo", (("coin", "BTC"),))

    assert Reading.PING == wire.PING
    assert Reading().subscribe(bbo) == wire.subscribe(bbo)
    assert Reading().unsubscribe(bbo) == wire.unsubscribe(bbo)


@given(
    st.sampled_from(sorted(DATA)),
    st.data(),
    st.sampled_from([b"", b"0", b'"', b"}", b"null", b"\xc3\xa9", b"-"]),
    st.booleans(),
)
def test_a_damaged_frame_is_judged_as_by_the_careful_way(channel, data, junk, typed):
    whole = frame(channel, DATA[channel])
    at = data.draw(st.integers(0, len(whole) - 1))
    until = data.draw(st.integers(at, min(at + 4, len(whole))))
    damaged = whole[:at] + junk + whole[until:]

    try:
        careful = said(wire.decode, damaged)
    except AttributeError:
        return  # not data any more
    found = said(reading(typed=typed).decode, damaged)
    if typed and isinstance(found, tuple) and isinstance(careful, tuple):
        # Members that no Struct knows are not in what is typed.
        found, careful = found[:-1], careful[:-1]
    assert found == careful


# Rows that are taken out


def admitted(continuity, data, **how):
    update = reading(typed=True).decode(data)
    continuity.admit(update, 1, 0.0, **how)
    return update


def test_what_was_delivered_before_is_taken_out_of_typed_rows():
    continuity = Continuity(100)
    admitted(continuity, frame("trades", [trade(tid=1)]))
    update = admitted(continuity, frame("trades", [trade(tid=1), trade(tid=2)]))

    assert [row.trade_id for row in update.typed.data] == [2]
    assert [row["tid"] for row in read(update)["data"]] == [2]
    assert not update.is_void


def test_history_is_marked_on_typed_messages():
    update = admitted(Continuity(100), frame("trades", [trade()]), is_replay=True)

    assert (update.typed.snapshot, update.typed.recovered) == (True, False)
    assert read(update)["snapshot"] is True


def test_typed_rows_that_waited_come_out_typed_and_apart_from_plain_ones():
    continuity = Continuity(100)
    continuity.hold()
    admitted(continuity, frame("trades", [trade(NOW + 2, 3)]))
    found = reading().decode(frame("trades", [trade(NOW, 1), trade(NOW + 1, 2)]))
    continuity.found.append(found)
    released = continuity.release()

    assert [len(it.items) for it in released] == [2, 1]
    assert [read_typed(it).recovered for it in released] == [True, False]
    assert [type(it.items[0][2]) for it in released] == [dict, Trade]
    assert [row.trade_id for it in released for row in read_typed(it).data] == [1, 2, 3]


def test_a_typed_bar_stays_a_single_row():
    continuity = Continuity(100)
    update = admitted(continuity, frame("candle", BAR))
    again = admitted(continuity, frame("candle", BAR))

    assert isinstance(update.typed.data, Candle)
    assert again.is_void
    assert msgspec.to_builtins(update.part(update.items).typed.data) == BAR


def test_a_typed_message_that_is_not_of_its_type_says_so():
    update = wire.decode(frame("bbo", {"coin": "BTC", "time": NOW, "bbo": 5}))

    with pytest.raises(ProtocolError, match="bbo"):
        read_typed(update)


def test_typed_messages_of_unknown_channels_are_plain_inside():
    update = wire.decode(frame("tomorrow", {"a": 1}))

    assert read_typed(update) == Message("tomorrow", {"a": 1})


def test_books_and_mids_come_undecoded():
    it = reading(typed=True)

    assert isinstance(it.decode(frame("l2Book", DATA["l2Book"])).typed.data, LazyBook)
    assert isinstance(it.decode(frame("allMids", DATA["allMids"])).typed.data, LazyMids)
