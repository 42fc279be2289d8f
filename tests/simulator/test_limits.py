from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.limits import Window


def test_a_window_slides():
    window = Window(2, 60.0)

    assert [window.spend(at) for at in (0, 30_000, 59_999, 60_000, 60_001)] == [
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_charge_may_exceed_the_limit_and_is_felt_afterwards():
    window = Window(10, 60.0)
    window.charge(0, 15)

    assert window.used(0) == 15
    assert not window.spend(59_999)
    assert window.spend(60_000)


@given(st.lists(st.integers(0, 30_000), max_size=60))
def test_no_window_ever_holds_more_than_the_limit(steps):
    window, now, spent = Window(5, 60.0), 0, []
    for step in steps:
        now += step
        if window.spend(now):
            spent.append(now)

        assert sum(now - 60_000 < at <= now for at in spent) <= 5
