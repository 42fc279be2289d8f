from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ProtocolError
from bistoury.hyperliquid.messages import DATA_TYPES, ROW_TYPES
from bistoury.hyperliquid.messages.codec import decode, decode_rows, encode
from bistoury.hyperliquid.messages.market import Candle, Trade

TRADE = {
    "coin": "ETH",
    "side": "B",
    "px": "2550.5",
    "sz": "0.6",
    "time": 1,
    "hash": "0x0",
    "tid": 7,
}
ORDER = {"coin": "ETH", "oid": 5}


def raw(value):
    return json.dumps(value).encode()


def test_the_data_of_an_unknown_channel_comes_as_plain_values():
    assert decode("tomorrow", b'{"a":[1,null]}') == {"a": [1, None]}


def test_raw_members_of_an_envelope_are_read_like_bytes():
    assert decode("trades", msgspec.Raw(raw([TRADE])))[0].trade_id == 7


def test_unknown_fields_are_skipped():
    [trade] = decode("trades", raw([{**TRADE, "new": {"deep": [1]}}]))

    assert json.loads(encode([trade])) == [TRADE]


def test_unknown_words_stay_as_they_are():
    assert decode("trades", raw([{**TRADE, "side": "?"}]))[0].side == "?"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[", id="cut off"),
        pytest.param(b"{}", id="an object instead of a list"),
        pytest.param(b'[{"coin":"\xff"}]', id="no UTF-8"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(raw([{**TRADE, "px": 2550.5}]), id="a price that is a number"),
    ],
)
def test_what_cannot_be_read_is_a_protocol_error(data):
    with pytest.raises(ProtocolError) as caught:
        decode("trades", data)

    assert caught.value.channel == "trades"
    assert caught.value.frame == data[:200]


def test_a_bad_row_does_not_cost_the_batch():
    rows, bad = decode_rows("trades", raw([{"coin": 1}, TRADE, None, TRADE]))

    assert rows == [msgspec.convert(TRADE, Trade)] * 2
    assert bad == 2


def test_a_row_that_is_no_text_does_not_cost_the_batch():
    spoiled = raw(TRADE).replace(b"ETH", b"\xff")

    rows, bad = decode_rows("trades", b"[" + spoiled + b"," + raw(TRADE) + b"]")

    assert (len(rows), bad) == (1, 1)


def test_rows_inside_an_object_are_found():
    cancels = {"nonUserCancel": [ORDER, {"coin": "ETH"}, {**ORDER, "oid": "x"}]}

    rows, bad = decode_rows("user", raw(cancels))

    assert [row.order_id for row in rows] == [5]
    assert bad == 2


def test_an_event_that_is_no_list_is_one_row():
    rows, bad = decode_rows("user", b'{"funding":{"time":"soon"}}')

    assert (rows, bad) == ([], 1)


@pytest.mark.parametrize("wrap", [lambda bar: bar, lambda bar: [bar]])
def test_candles_are_read_alone_and_in_a_list(wrap):
    bar = {"t": 1, "T": 2, "s": "ETH", "i": "1m", "n": 3}
    bar |= dict.fromkeys("oclhv", "1.0")

    rows, bad = decode_rows("candle", b" " + raw(wrap(bar)))

    assert isinstance(rows[0], Candle)
    assert bad == 0


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        pytest.param("l2Book", b"{}", id="a channel without rows"),
        pytest.param("userFills", b'{"user":"0x0"}', id="an object without its list"),
        pytest.param("userFills", b'"fills"', id="neither list nor object"),
    ],
)
def test_rows_that_are_not_there_are_a_protocol_error(channel, data):
    with pytest.raises(ProtocolError, match=channel):
        decode_rows(channel, data)


@given(st.sampled_from(sorted(DATA_TYPES)), st.binary(max_size=60))
def test_no_bytes_raise_anything_but_a_protocol_error(channel, data):
    for read in (decode, decode_rows):
        with contextlib.suppress(ProtocolError):
            read(channel, data)


def test_only_known_channels_have_rows():
    assert set(ROW_TYPES) <= set(DATA_TYPES)
