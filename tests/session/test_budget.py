from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.session.budget import Window


def test_counts_a_minute_unless_told_otherwise():
    window = Window(30)
    window.take(0.0)

    assert window.seconds == 60.0
    assert window.used(59.999) == 1
    assert window.used(60.0) == 0


def test_a_new_window_has_room_for_all():
    window = Window(3)

    assert (window.used(0.0), window.room(0.0), window.frees_at(0.0)) == (0, 3, 0.0)


def test_takes_one_unit_unless_told_otherwise():
    window = Window(5)
    window.take(1.0)
    window.take(1.0, 2)

    assert window.used(1.0) == 3
    assert window.room(1.0) == 2


def test_a_grant_leaves_the_window_as_a_whole():
    window = Window(5, seconds=10.0)
    window.take(0.0, 2)
    window.take(4.0, 3)

    assert [window.used(at) for at in (9.9, 10.0, 13.9, 14.0)] == [5, 3, 3, 0]


def test_the_reserve_is_not_for_everybody():
    window = Window(10)
    window.take(0.0, 6)

    assert window.room(0.0, reserve=3) == 1
    assert window.room(0.0, reserve=4) == 0
    assert window.room(0.0, reserve=5) == 0


def test_room_is_never_negative_when_more_was_sent_than_allowed():
    window = Window(2)
    window.take(0.0, 5)

    assert window.used(0.0) == 5
    assert window.room(0.0) == 0


def test_frees_when_the_oldest_grants_that_are_in_the_way_leave():
    window = Window(3, seconds=10.0)
    for at in (1.0, 2.0, 3.0):
        window.take(at)

    assert window.frees_at(3.0) == 11.0
    assert window.frees_at(3.0, units=2) == 12.0
    assert window.frees_at(3.0, units=3) == 13.0
    assert window.frees_at(3.0, units=1, reserve=1) == 12.0


def test_frees_now_while_there_is_exactly_room():
    window = Window(3)
    window.take(5.0, 2)

    assert window.frees_at(6.0) == 6.0
    assert window.frees_at(6.0, units=2) == 65.0


def test_what_can_never_fit_frees_never():
    window = Window(3)
    window.take(0.0)

    assert window.frees_at(0.0, units=4) == inf
    assert Window(3).frees_at(0.0, units=2, reserve=2) == inf
    assert Window(0).frees_at(0.0) == inf


def test_a_window_the_venue_calls_full_is_full_for_its_length():
    window = Window(10)
    window.take(0.0, 4)
    window.fill(5.0)

    assert window.room(5.0) == 0
    assert window.frees_at(5.0) == 60.0
    assert window.room(60.0) == 4
    assert window.room(65.0) == 10


def test_filling_a_full_window_adds_nothing():
    window = Window(2)
    window.take(0.0, 2)
    window.fill(30.0)

    assert window.used(30.0) == 2
    assert window.room(60.0) == 2


@pytest.mark.parametrize("limit", [1, 2, 30])
def test_a_limit_that_changes_counts_at_once(limit):
    window = Window(0)
    window.limit = limit

    assert window.room(0.0) == limit


def test_remembers_its_latest_grants_in_order():
    window = Window(9)
    for moment in (1.0, 2.0, 3.0):
        window.take(moment, 2)

    assert window.grants == 3
    assert window.latest(2) == [(2.0, 2), (3.0, 2)]
    assert window.latest(0) == []
    assert window.latest(7) == [(1.0, 2), (2.0, 2), (3.0, 2)]


@given(
    st.integers(1, 10),
    st.lists(st.floats(0.0, 40.0, allow_subnormal=False), max_size=60),
)
def test_whoever_waits_for_room_never_exceeds_the_limit_in_any_window(limit, pauses):
    window, now, sent = Window(limit), 0.0, []
    for pause in pauses:
        now = window.frees_at(now + pause)
        assert window.room(now) >= 1
        window.take(now)
        sent.append(now)

    for at in sent:
        # The window is half open: what was sent exactly a minute ago has left it.
        assert sum(at <= other and at + 60.0 > other for other in sent) <= limit
