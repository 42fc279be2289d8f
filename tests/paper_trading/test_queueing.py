"""Where a resting order stands, by each model."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ConfigError
from bistoury.paper_trading.queueing import Place, queue_model

CAUTIOUS = queue_model("risk_averse")


def placed(shown, model=CAUTIOUS):
    place = Place()
    place.shown(model, Decimal(shown), 1)
    return place


def test_all_that_is_shown_on_arrival_is_ahead():
    assert placed("10").ahead == 10


def test_trades_take_from_the_front_and_what_goes_past_is_ours():
    place = placed("10")
    assert place.traded(Decimal(4), 2) == 0
    assert place.ahead == 6
    assert place.traded(Decimal(7), 3) == 1
    assert place.ahead == 0


def test_cancels_are_behind_as_long_as_they_can_be():
    place = placed("10")
    place.shown(CAUTIOUS, Decimal(30), 2)
    place.shown(CAUTIOUS, Decimal(12), 3)
    assert place.ahead == 10
    place.shown(CAUTIOUS, Decimal(8), 4)
    assert place.ahead == 8


def test_what_comes_later_is_behind():
    place = placed("10")
    place.shown(CAUTIOUS, Decimal(500), 2)
    assert place.ahead == 10


def test_a_trade_counts_once_although_the_book_of_its_block_came_first():
    place = placed("10")
    place.shown(CAUTIOUS, Decimal(6), 2)  # after the trade of 4, in the same block
    assert place.traded(Decimal(4), 2) == 0
    assert place.ahead == 6


def test_a_trade_counts_once_although_the_book_of_its_block_came_after():
    power = queue_model("power(2)")
    place = placed("10", power)
    place.shown(power, Decimal(20), 2)
    place.traded(Decimal(4), 3)
    place.shown(power, Decimal(16), 3)  # the trade, and no cancel
    assert place.ahead == 6


def test_a_level_never_shown_is_waited_for():
    place = Place()
    assert place.traded(Decimal(100), 1) == 0
    place.shown(CAUTIOUS, Decimal(7), 2)
    assert place.ahead == 7


def test_power_and_log_split_cancels_by_where_the_order_stands():
    for name in ("power(1)", "log"):
        model = queue_model(name)
        place = placed("10", model)
        place.shown(model, Decimal(30), 2)
        place.shown(model, Decimal(20), 3)
        assert 0 < place.ahead < 10, name
    power = queue_model("power(1)")
    place = placed("10", power)
    place.shown(power, Decimal(30), 2)
    place.shown(power, Decimal(20), 3)
    # 20 of 30 are behind, so two thirds of the 10 that went are.
    assert place.ahead.quantize(Decimal("0.001")) == Decimal("6.667")


steps = st.lists(
    st.one_of(
        st.tuples(st.just("shown"), st.integers(0, 60)),
        st.tuples(st.just("traded"), st.integers(1, 30)),
        st.tuples(st.just("shown in the same block"), st.integers(0, 60)),
    ),
    max_size=30,
)


def played(model, story):
    """Return how much went past the order after each step."""
    place, time, passed, sums = placed("20", model), 1, Decimal(0), []
    for kind, size in story:
        time += kind != "shown in the same block"
        if kind == "traded":
            passed += place.traded(Decimal(size), time)
        else:
            place.shown(model, Decimal(size), time)
        assert place.ahead >= 0
        sums.append(passed)
    return sums


@pytest.mark.parametrize("name", ["power(0.5)", "power(1)", "power(3)", "log"])
@given(story=steps)
def test_the_cautious_model_never_fills_earlier_than_another(name, story):
    cautious = played(CAUTIOUS, story)
    other = played(queue_model(name), story)
    assert all(a <= b for a, b in zip(cautious, other, strict=True))


@given(story=steps)
def test_no_more_goes_past_than_was_traded(story):
    traded = sum(size for kind, size in story if kind == "traded")
    assert all(it <= traded for it in played(CAUTIOUS, story))


@pytest.mark.parametrize("name", ["", "power", "power(0)", "log(2)", "fifo", None])
def test_what_is_no_model_is_refused(name):
    with pytest.raises(ConfigError, match="risk_averse"):
        queue_model(name)
