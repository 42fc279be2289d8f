"""Plans become as short as they still break something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.faults import Cut
from bistoury.simulator.plan import FaultPlan, Step
from bistoury.testing.shrinking import shortest


def plan_of(count):
    return FaultPlan(tuple(Step(at=float(it), fault=Cut()) for it in range(count)))


def times(plan):
    return {step.at for step in plan.steps}


@given(st.integers(1, 40), st.data())
def test_only_what_is_needed_is_left(count, data):
    needed = data.draw(st.sets(st.integers(0, count - 1).map(float)))
    found = shortest(plan_of(count), lambda it: needed <= times(it))
    assert times(found) == needed


def test_what_needs_everything_stays_as_it_is():
    whole = plan_of(7)
    assert shortest(whole, lambda it: it == whole) == whole


@pytest.mark.parametrize("count", [0, 1])
def test_what_is_broken_without_faults_needs_no_plan(count):
    assert shortest(plan_of(count), lambda it: True) == FaultPlan()


def test_it_does_not_take_for_ever():
    asked = []
    shortest(plan_of(64), lambda it: asked.append(it) or 13.0 in times(it))
    assert len(asked) < 160
