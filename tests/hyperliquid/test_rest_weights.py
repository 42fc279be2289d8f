from __future__ import annotations

import pytest

from bistoury.hyperliquid.rest_weights import (
    most_weight_after,
    weight_after,
    weight_before,
)


@pytest.mark.parametrize(
    ("type_", "weight"),
    [("l2Book", 2), ("allMids", 2), ("userRole", 60), ("meta", 20), ("tomorrow", 20)],
)
def test_each_request_has_its_weight(type_, weight):
    assert weight_before({"type": type_}) == weight


@pytest.mark.parametrize(
    ("type_", "rows", "weight"),
    [
        ("candleSnapshot", 5000, 84),
        ("candleSnapshot", 0, 0),
        ("userFills", 2000, 100),
        ("userFills", 1, 1),
        ("fundingHistory", 500, 25),
        ("meta", 500, 0),
    ],
)
def test_rows_cost_extra_where_the_venue_says_so(type_, rows, weight):
    assert weight_after({"type": type_}, rows) == weight


def candles(interval="1m", **more):
    return {"type": "candleSnapshot", "req": {"interval": interval, **more}}


def test_the_worst_case_of_candles_follows_from_the_stretch():
    hour = {"startTime": 0, "endTime": 3_600_000}

    assert most_weight_after(candles(**hour)) == 2
    assert most_weight_after(candles("1h", **hour)) == 1
    assert most_weight_after(candles(startTime=0, endTime=10**12)) == 84
    assert most_weight_after(candles(startTime=0)) == 84


def test_the_worst_case_of_the_others_is_a_full_page():
    assert most_weight_after({"type": "userFillsByTime"}) == 100
    assert most_weight_after({"type": "userFunding"}) == 25
    assert most_weight_after({"type": "allMids"}) == 0
