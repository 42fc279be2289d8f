from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.observability.timeline import Timeline


def told(timeline, now):
    return [(it.kind, it.since, it.until) for it in timeline.stretches(now)]


def test_stretches_meet_and_reach_up_to_now():
    timeline = Timeline()
    for kind, at in (("off", 0), ("ok", 5), ("ok", 9), ("down", 10), ("ok", 14)):
        timeline.note(kind, at)

    assert told(timeline, 20) == [
        ("off", 0, 5),
        ("ok", 5, 10),
        ("down", 10, 14),
        ("ok", 14, 20),
    ]


def test_only_a_change_is_told_as_one():
    timeline = Timeline()

    assert [timeline.note(kind, 0) for kind in ("ok", "ok", "down")] == [
        True,
        False,
        True,
    ]


def test_what_is_older_than_the_horizon_is_cut_off():
    timeline = Timeline(horizon=100)
    timeline.note("ok", 0)
    timeline.note("down", 50)
    timeline.note("ok", 60)

    assert told(timeline, 155) == [("down", 55, 60), ("ok", 60, 155)]


def test_availability_counts_what_was_wanted_only():
    timeline = Timeline()
    for kind, at in (("off", 0), ("ok", 100), ("down", 190), ("off", 200)):
        timeline.note(kind, at)

    assert timeline.availability(300) == pytest.approx(0.9)
    assert Timeline().availability(0) == 1.0


def test_a_clock_set_back_turns_nothing_around():
    timeline = Timeline()
    for kind, at in (("ok", 100), ("down", 50), ("ok", 60)):
        timeline.note(kind, at)

    assert all(since <= until for _, since, until in told(timeline, 70))


@given(st.integers(0, 2**32))
def test_any_number_of_changes_takes_bounded_memory(seed):
    timeline, rng = Timeline(), Random(seed)
    kinds = [rng.choice(["ok", "degraded", "down"]) for _ in range(4000)]
    for at, kind in enumerate(kinds):
        timeline.note(kind, at)

    found = timeline.stretches(len(kinds))
    assert len(found) <= 2000
    assert found[-1].kind == kinds[-1]
