from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.observability.incidents import Moment
from bistoury.observability.timeline import Timeline


def moment(now, ahead=0.0):
    """Return a moment at which the dates are so many seconds ahead."""
    return Moment(float(now), now + ahead)


def told(timeline, at):
    at = at if isinstance(at, Moment) else moment(at)
    return [(it.kind, it.since, it.until) for it in timeline.stretches(at)]


def test_stretches_meet_and_reach_up_to_now():
    timeline = Timeline()
    for kind, at in (("off", 0), ("ok", 5), ("ok", 9), ("down", 10), ("ok", 14)):
        timeline.note(kind, moment(at))

    assert told(timeline, 20) == [
        ("off", 0, 5),
        ("ok", 5, 10),
        ("down", 10, 14),
        ("ok", 14, 20),
    ]


def test_only_a_change_is_told_as_one():
    timeline = Timeline()

    assert [timeline.note(kind, moment(0)) for kind in ("ok", "ok", "down")] == [
        True,
        False,
        True,
    ]


def test_what_is_older_than_the_horizon_is_cut_off():
    timeline = Timeline(horizon=100)
    timeline.note("ok", moment(0))
    timeline.note("down", moment(50))
    timeline.note("ok", moment(60))

    assert told(timeline, 155) == [("down", 55, 60), ("ok", 60, 155)]


def test_availability_counts_what_was_wanted_only():
    timeline = Timeline()
    for kind, at in (("off", 0), ("ok", 100), ("down", 190), ("off", 200)):
        timeline.note(kind, moment(at))

    assert timeline.availability(moment(300)) == pytest.approx(0.9)
    assert Timeline().availability(moment(0)) == 1.0


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_a_clock_that_is_set_costs_no_outage(ahead):
    timeline = Timeline()
    timeline.note("ok", moment(0))
    timeline.note("down", moment(600, ahead))
    timeline.note("ok", moment(2400, ahead))

    assert timeline.shares(moment(3000, ahead)) == {"ok": 1200.0, "down": 1800.0}
    assert timeline.availability(moment(3000, ahead)) == pytest.approx(0.4)


def test_after_a_clock_was_set_back_what_was_before_is_dated_by_the_new_one():
    timeline = Timeline()
    for kind, at in (("off", moment(0)), ("ok", moment(100)), ("down", moment(200))):
        timeline.note(kind, at)
    timeline.note("ok", moment(300, -3600))

    assert told(timeline, moment(400, -3600)) == [
        ("off", -3600, -3500),
        ("ok", -3500, -3400),
        ("down", -3400, -3300),
        ("ok", -3300, -3200),
    ]


def test_the_night_a_machine_slept_is_no_time_and_moves_no_date():
    timeline, night = Timeline(), 8 * 3600
    for kind, at in (("ok", 0), ("down", 100), ("ok", 200)):
        timeline.note(kind, moment(at))
    awake = moment(400, night)

    assert told(timeline, awake)[:2] == [("ok", 0, 100), ("down", 100, 200)]
    assert told(timeline, awake)[2] == ("ok", 200, night + 400)
    assert timeline.shares(awake) == {"ok": 300.0, "down": 100.0}


@given(st.integers(0, 2**32))
def test_any_number_of_changes_takes_bounded_memory(seed):
    timeline, rng = Timeline(), Random(seed)
    kinds = [rng.choice(["ok", "degraded", "down"]) for _ in range(4000)]
    for at, kind in enumerate(kinds):
        timeline.note(kind, moment(at))

    found = timeline.stretches(moment(len(kinds)))
    assert len(found) <= 2000
    assert found[-1].kind == kinds[-1]
