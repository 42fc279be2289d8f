from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.session.backoff import Backoff


class Loaded(Random):
    """A die that always falls on the same side of the spread."""

    def __init__(self, share):
        super().__init__(0)
        self.share = share

    def uniform(self, a, b):
        return a + (b - a) * self.share


def test_doubles_from_one_second_to_a_minute():
    backoff = Backoff()

    nominal = [backoff.nominal(step) for step in range(9)]

    assert nominal == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize("step", [0, 1, 5, 6, 100])
@pytest.mark.parametrize(("share", "factor"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
def test_spreads_each_delay_by_a_quarter_also_at_the_cap(step, share, factor):
    backoff = Backoff()

    delay = backoff.delay(step, Loaded(share))

    assert delay == pytest.approx(backoff.nominal(step) * factor, rel=1e-12)


def test_every_delay_is_drawn_anew():
    rng = Random(1)

    delays = {Backoff().delay(50, rng) for _ in range(1000)}

    assert len(delays) == 1000
    assert min(delays) < 46
    assert max(delays) > 74


@pytest.mark.parametrize("step", [1_023, 1_024, 10_000, 10**9])
def test_never_overflows_after_thousands_of_failures(step):
    assert Backoff().nominal(step) == 60.0


@pytest.mark.parametrize("step", [0, 1, 10, 10**6])
def test_a_factor_of_one_keeps_the_first_delay(step):
    assert Backoff(initial=3.0, factor=1.0).nominal(step) == 3.0


@pytest.mark.parametrize("initial", [60.0, 61.0, 600.0])
@pytest.mark.parametrize("step", [0, 1, 10**6])
def test_the_cap_wins_over_a_first_delay_beyond_it(initial, step):
    assert Backoff(initial=initial).nominal(step) == 60.0
    assert Backoff(initial=initial, factor=1.0).nominal(step) == 60.0


def test_reaches_a_cap_that_is_a_power_exactly_when_it_should():
    backoff = Backoff(initial=1.0, maximum=8.0)

    assert [backoff.nominal(step) for step in range(5)] == [1, 2, 4, 8, 8]


def test_a_factor_just_above_one_still_grows():
    backoff = Backoff(initial=1.0, maximum=2.0, factor=1.5)

    assert [backoff.nominal(step) for step in range(3)] == [1.0, 1.5, 2.0]


@pytest.mark.parametrize(
    ("initial", "maximum", "factor", "expected"),
    [
        (2.0, 120.0, 2.0, [2, 4, 8, 16, 32, 64, 120]),
        (0.5, 30.0, 1.5, [0.5, 0.75, 1.125, 1.6875, 2.53125]),
        (5.0, 300.0, 3.0, [5, 15, 45, 135, 300]),
    ],
)
def test_follows_the_settings_of_the_specification(initial, maximum, factor, expected):
    backoff = Backoff(initial, maximum, factor)

    assert [backoff.nominal(step) for step in range(len(expected))] == expected


@given(
    st.floats(0.001, 86_400),
    st.floats(0.001, 86_400),
    st.floats(1.0, 1_000.0),
    st.integers(0, 10**6),
    st.integers(0, 100),
)
def test_never_exceeds_the_cap_by_more_than_the_jitter(
    initial, maximum, factor, step, seed
):
    backoff = Backoff(initial, maximum, factor)

    delay = backoff.delay(step, Random(seed))

    assert 0.75 * min(initial, maximum) <= delay * (1 + 1e-12)
    assert delay <= 1.25 * maximum * (1 + 1e-12)
    assert backoff.nominal(step) <= backoff.nominal(step + 1)
