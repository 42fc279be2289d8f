from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.positions import Holding, Position, truncated


@pytest.mark.parametrize(
    ("fills", "direction", "realised", "size", "cost"),
    [
        ([(10, 5, True)], "Open Long", 0, 5, 50),
        ([(10, 5, False)], "Open Short", 0, -5, 50),
        ([(10, 5, True), (20, 5, True)], "Open Long", 0, 10, 150),
        ([(10, 4, True), (12, 2, False)], "Close Long", 4, 2, 20),
        ([(10, 4, False), (12, 4, True)], "Close Short", -8, 0, 0),
        ([(10, 4, True), (12, 6, False)], "Long > Short", 8, -2, 24),
        ([(10, 4, False), (9, 5, True)], "Short > Long", 4, 1, 9),
    ],
)
def test_a_fill_opens_closes_or_flips(fills, direction, realised, size, cost):
    position = Position()
    for ticks, lots, buys in fills:
        outcome = position.trade(ticks, lots, buys=buys)

    assert outcome == (direction, realised)
    assert (position.size, position.cost) == (size, cost)


@given(
    st.lists(
        st.tuples(st.integers(1, 100), st.integers(1, 50), st.booleans()), max_size=30
    )
)
def test_money_is_neither_made_nor_lost_by_the_books(fills):
    position, realised, paid = Position(), 0, 0
    for ticks, lots, buys in fills:
        realised += position.trade(ticks, lots, buys=buys)[1]
        paid += ticks * lots if buys else -ticks * lots

    held = position.cost if position.size > 0 else -position.cost
    assert realised == held - paid


def test_a_spot_fee_is_taken_from_what_was_bought():
    holding = Holding()
    holding.buy(10, 1000, 7)
    realised = holding.sell(11, 993)

    assert holding.amount == 0
    assert holding.cost == 0
    assert realised == 11 * 993 - 10 * 1000


@pytest.mark.parametrize(
    ("value", "places", "wanted", "result"),
    [(1239, 3, 2, 123), (-1239, 3, 2, -123), (5, 1, 3, 500)],
)
def test_values_are_cut_not_rounded(value, places, wanted, result):
    assert truncated(value, places, wanted) == result
