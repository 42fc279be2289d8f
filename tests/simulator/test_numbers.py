from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.numbers import decimal, milliseconds, rate


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (15000, 1, "1500.0"),
        (0, 5, "0.0"),
        (42, 2, "0.42"),
        (-42, 2, "-0.42"),
        (7, 0, "7.0"),
        (7, -2, "700.0"),
        (123450, 4, "12.345"),
    ],
)
def test_numbers_are_written_as_the_venue_writes_them(value, places, text):
    assert decimal(value, places) == text


@given(st.integers(-(10**12), 10**12), st.integers(0, 12))
def test_writing_loses_nothing(value, places):
    assert Decimal(decimal(value, places)) == Decimal(value).scaleb(-places)


def test_a_rate_has_ten_decimals_at_most():
    assert rate(0.0000125) == "0.0000125"
    assert rate(-1 / 3) == "-0.3333333333"


@given(st.integers(0, 2 * 10**12))
def test_a_moment_survives_being_a_float(moment):
    assert milliseconds(moment / 1000) == moment
