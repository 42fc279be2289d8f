from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.instruments import instruments
from bistoury.simulator.subscriptions import Unreadable, makes_sense, parse

USER = "0x" + "Ab" * 20
COINS = instruments(("BTC", "xyz:NVDA", "@107"))


@given(st.sampled_from([None, "", "xyz"]), st.booleans())
def test_an_absent_or_null_dex_is_the_same(dex, left_out):
    body = {"type": "openOrders", "user": USER}
    if not (left_out and dex is None):
        body["dex"] = dex

    parsed = parse(body)

    assert parsed.dex == (dex or "")
    assert parsed.user == USER.lower()


def test_equal_text_is_equal_subscription():
    one = parse({"type": "l2Book", "coin": "BTC"})
    other = parse({"type": "l2Book", "mantissa": None, "coin": "BTC", "nSigFigs": None})

    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"type": 3},
        {"type": "webData2", "user": USER},
        {"type": "trades"},
        {"type": "trades", "coin": 3},
        {"type": "userFills", "user": "0x1"},
        {"type": "userFills", "user": USER, "aggregateByTime": 1},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": True},
        {"type": "l2Book", "coin": "BTC", "mantissa": 3},
    ],
)
def test_what_has_a_wrong_type_is_unreadable(body):
    with pytest.raises(Unreadable):
        parse(body)


@pytest.mark.parametrize(
    ("body", "sense"),
    [
        ({"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 2}, True),
        ({"type": "l2Book", "coin": "BTC", "mantissa": 2}, False),
        ({"type": "activeAssetData", "user": USER, "coin": "BTC"}, True),
        ({"type": "activeAssetData", "user": USER, "coin": "@107"}, False),
        ({"type": "bbo", "coin": "btc"}, False),
        ({"type": "allMids", "dex": "xyz"}, True),
        ({"type": "allMids", "dex": "abc"}, False),
    ],
)
def test_what_does_not_exist_makes_no_sense(body, sense):
    assert makes_sense(parse(body), COINS, {"xyz"}) is sense
