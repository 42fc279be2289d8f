from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ProtocolError
from bistoury.hyperliquid.messages.market import Level
from bistoury.hyperliquid.messages.typed import (
    TYPED,
    Message,
    decoder,
    from_frame,
    from_plain,
    to_plain,
)

GOLDEN = Path(__file__).parents[2] / "golden"
LEVELS = st.lists(
    st.fixed_dictionaries(
        {
            "px": st.text('0123456789.]}[{,"\\é', max_size=6),
            "sz": st.text("0123456789.", max_size=4),
            "n": st.integers(0, 99),
        }
    ),
    max_size=3,
)


def book(bids, asks, **how):
    data = {"coin": "BTC", "time": 1, "levels": [bids, asks]}
    how = how or {"separators": (",", ":")}
    text = json.dumps({"channel": "l2Book", "data": data}, **how)
    return decoder("l2Book")(text.encode()).data


def mids(prices, **how):
    how = how or {"separators": (",", ":")}
    text = json.dumps({"channel": "allMids", "data": {"mids": prices}}, **how)
    return decoder("allMids")(text.encode()).data


def level(price):
    return {"px": price, "sz": "1", "n": 2}


@given(LEVELS, LEVELS, st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}]))
def test_the_best_of_a_book_is_the_first_of_each_side(bids, asks, how):
    it = book(bids, asks, **how)
    every_bid, every_ask = it.levels()

    assert [json.loads(json.dumps(one)) for one in bids] == [
        {"px": one.price, "sz": one.size, "n": one.orders} for one in every_bid
    ]
    assert it.best() == (
        every_bid[0] if bids else None,
        every_ask[0] if asks else None,
    )


def test_the_best_of_a_book_is_made_without_the_rest():
    it = book([level("2"), {"px": 0}], [level("3"), {"px": 0}])

    assert it.best() == (Level("2", "1", 2), Level("3", "1", 2))
    with pytest.raises(ProtocolError, match="l2Book"):
        it.levels()


def test_a_book_that_is_none_says_so():
    with pytest.raises(ProtocolError, match="l2Book"):
        book("x", []).best()


@given(
    st.dictionaries(
        st.text('AB@1:"\\é', max_size=3), st.text('12."\\é', max_size=4), max_size=4
    ),
    st.text('AB@1:"\\é', max_size=3),
    st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}]),
)
def test_one_mid_is_what_the_whole_map_says(prices, coin, how):
    it = mids(prices, **how)

    assert it.all() == prices
    for name in (*prices, coin):
        assert it.price(name) == prices.get(name)


def test_mids_that_are_none_say_so():
    with pytest.raises(ProtocolError, match="allMids"):
        mids([]).price("BTC")


@pytest.mark.parametrize("channel", sorted(TYPED))
def test_a_golden_frame_of_every_channel_is_the_same_typed_and_plain(channel):
    frame = (GOLDEN / f"{channel}.json").read_bytes()
    plain = json.loads(frame)
    typed = decoder(channel)(frame)

    assert isinstance(typed, Message)
    assert from_frame(frame) == typed
    if channel not in ("l2Book", "allMids"):  # which are no rows
        assert from_plain(plain) == typed
        assert to_plain(typed)["channel"] == channel


def test_a_frame_that_is_none_says_so():
    for frame in (b"{", b"[]", b'{"channel":"bbo","data":5}'):
        with pytest.raises(ProtocolError):
            from_frame(frame)


def test_what_kind_of_delivery_it_is_survives_both_ways():
    plain = {"channel": "notification", "data": {"notification": "hi"}}
    history = from_plain({**plain, "recovered": True})

    assert (history.snapshot, history.recovered) == (False, True)
    assert to_plain(history) == {**plain, "recovered": True}


def test_the_garbage_collector_walks_no_market_message():
    kept = []
    for channel in ("trades", "bbo", "l2Book", "allMids", "candle"):
        frame = (GOLDEN / f"{channel}.json").read_bytes()
        kept += [decoder(channel)(frame) for _ in range(5)]
    gc.collect()
    gc.collect()

    for message in kept:
        assert not gc.is_tracked(message)
        assert not gc.is_tracked(message.data)
        parts = message.data if isinstance(message.data, tuple) else [message.data]
        for part in parts:
            for name in part.__struct_fields__:
                assert not gc.is_tracked(getattr(part, name)), (message.channel, name)
