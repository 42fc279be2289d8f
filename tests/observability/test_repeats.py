from __future__ import annotations

import pytest

from bistoury.observability.repeats import Repeats


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_the_first_occurrence_is_reported(clock):
    it = Repeats(clock=clock)
    assert not it.has("a")

    assert it.occurred("a") == 1
    assert it.has("a")


def test_repetitions_within_a_minute_are_kept_quiet(clock):
    it = Repeats(clock=clock)
    it.occurred("a")
    for clock.now in (0.0, 1.0, 59.9):
        assert it.occurred("a") == 0


def test_after_a_minute_the_number_since_the_last_report_is_reported(clock):
    it = Repeats(clock=clock)
    it.occurred("a")
    for clock.now in (1.0, 2.0):
        it.occurred("a")
    clock.now = 60.0
    assert it.occurred("a") == 3
    clock.now = 61.0
    assert it.occurred("a") == 0
    clock.now = 120.0
    assert it.occurred("a") == 2


def test_the_minute_is_counted_from_the_report_and_not_from_the_last_repetition(clock):
    it = Repeats(clock=clock)
    it.occurred("a")
    reports = []
    for clock.now in range(1, 181):
        if it.occurred("a"):
            reports.append(clock.now)

    assert reports == [60, 120, 180]


def test_each_key_is_counted_by_itself(clock):
    it = Repeats(clock=clock)

    assert [it.occurred(key) for key in ("a", "b", "a", ("b", 1))] == [1, 1, 0, 1]


def test_how_often_is_a_setting(clock):
    it = Repeats(every=5.0, clock=clock)
    it.occurred("a")
    clock.now = 5.0

    assert it.occurred("a") == 1


def test_remembers_a_thousand_keys_and_never_more(clock):
    it = Repeats(clock=clock)
    for key in range(1_000):
        it.occurred(key)
    assert it.occurred(0) == 0

    assert it.occurred("one too many") == 1
    assert it.occurred(0) == 1
    assert len(it._said) == 2
