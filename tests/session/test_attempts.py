from __future__ import annotations

from math import inf
from random import Random

import pytest

from bistoury.session import Backoff, Cause, Policy
from bistoury.session.attempts import Attempts
from bistoury.session.breaker import Breaker
from bistoury.session.budget import Window
from bistoury.session.events import ConnectionLost

STEADY = Policy(backoff=Backoff(jitter=0.0))


def attempts(*, is_gate=False, limit=30, threshold=2) -> Attempts:
    return Attempts(Random(0), Breaker(threshold, 300.0), Window(limit), is_gate)


def delay(it, cause=Cause.NETWORK, retry_after=None, policy=STEADY):
    return it.delay(policy, cause, retry_after)


def test_begins_with_nothing_held_against_it():
    it = Attempts(Random(0), Breaker(), Window(30))

    assert (it.step, it.number, it.failures) == (0, 0, 0)
    assert it.held_until(5.0) == 5.0
    assert not it.is_gate


def test_each_delay_is_a_step_longer_and_a_number_more():
    it = attempts()

    assert [delay(it) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (it.step, it.number) == (8, 8)


def test_what_the_user_asked_for_is_an_attempt_without_a_delay():
    it = attempts()

    assert delay(it, Cause.USER) == 0.0
    assert delay(it, Cause.USER, 20.0) == 0.0
    assert (it.step, it.number) == (0, 2)


def test_being_told_off_skips_two_steps_and_stays_below_the_cap():
    it = attempts()

    assert [delay(it, Cause.RATE_LIMITED) for _ in range(4)] == [4, 32, 60, 60]


def test_being_told_off_is_remembered():
    it = attempts()
    delay(it, Cause.RATE_LIMITED)

    assert delay(it) == 8


def test_how_much_harder_is_a_setting():
    it = attempts()
    policy = Policy(penalty_steps=1, backoff=Backoff(jitter=0.0))

    assert delay(it, Cause.RATE_LIMITED, policy=policy) == 2


@pytest.mark.parametrize("retry_after", [20.0, 0.5, 0.0])
def test_a_time_the_venue_named_replaces_the_penalty(retry_after):
    it = attempts()
    delay(it, Cause.RATE_LIMITED, retry_after)

    assert delay(it) == 2


def test_never_comes_before_the_time_the_venue_named():
    it = attempts()
    policy = Policy()

    waits = [delay(it, Cause.RATE_LIMITED, 20.0, policy) for _ in range(4)]

    assert all(20.0 < wait <= 25.0 for wait in waits)
    assert len(set(waits)) == 4


def test_spreads_a_named_time_over_the_whole_jitter():
    it = attempts()
    policy = Policy(backoff=Backoff(maximum=1.0))

    waits = [delay(it, Cause.REJECTED, 100.0, policy) for _ in range(500)]

    assert 100.0 <= min(waits) < 101.0
    assert 124.0 < max(waits) <= 125.0


def test_a_named_time_is_honoured_within_reason():
    it = attempts()

    assert delay(it, Cause.REJECTED, 1e9) == 900.0
    assert delay(it, Cause.REJECTED, 1e9, Policy(retry_after_limit=70.0)) >= 70.0


def test_the_back_off_counts_where_it_is_longer_than_what_the_venue_named():
    it = attempts()
    it.step = 5

    assert delay(it, Cause.RATE_LIMITED, 20.0) == 32.0


def test_a_time_that_equals_the_back_off_is_not_spread_again():
    wait = delay(attempts(), policy=Policy())  # from the same seed

    assert delay(attempts(), Cause.REJECTED, wait, Policy()) == wait


def test_failures_are_counted_and_told_to_the_breaker():
    it = attempts()
    it.failed(7.0)
    it.failed(8.0)

    assert it.failures == 2
    assert it.breaker.failures == 2
    assert it.breaker.next_allowed_at == 308.0


def test_success_forgives_everything():
    it = attempts()
    it.failed(0.0)
    it.number = 3
    delay(it)
    it.succeeded(1.0)

    assert (it.step, it.number, it.failures, it.breaker.failures) == (0, 0, 0, 0)


def test_forgiving_leaves_the_breaker_alone():
    it = attempts()
    it.failed(0.0)
    it.number = 3
    delay(it)
    it.forgive()

    assert (it.step, it.number, it.failures, it.breaker.failures) == (0, 0, 0, 1)


def test_each_attempt_uses_the_venues_limit_on_connections():
    it = attempts(limit=2)
    it.started(0.0)
    it.started(10.0)

    assert it.held_until(10.0) == 60.0
    assert it.held_until(60.0) == 60.0


def test_a_breaker_that_only_reports_holds_nothing_back():
    it = attempts(is_gate=False)
    for _ in range(5):
        it.failed(0.0)

    assert it.held_until(1.0) == 1.0
    assert it.breaker.state(1.0) == "open"


def test_a_breaker_that_is_the_gate_lets_one_probe_through():
    it = attempts(is_gate=True)
    it.failed(0.0)
    it.failed(0.0)

    assert it.held_until(1.0) == 300.0
    assert it.held_until(300.0) == 300.0
    assert it.held_until(300.0) == inf


def test_a_probe_is_not_wasted_on_a_moment_when_the_venue_would_refuse():
    it = attempts(is_gate=True, limit=1)
    it.failed(0.0)
    it.failed(0.0)
    it.started(290.0)

    assert it.held_until(300.0) == 350.0
    assert it.held_until(350.0) == 350.0


@pytest.mark.parametrize("is_gate", [True, False])
def test_a_closed_breaker_holds_nothing_back(is_gate):
    it = attempts(is_gate=is_gate)
    it.failed(0.0)

    assert it.held_until(0.0) == 0.0


LOSS = ConnectionLost(1, Cause.NETWORK)


def test_the_wait_is_the_longest_of_all_that_hold_an_attempt_back():
    it = attempts(is_gate=True, limit=1)
    assert it.wait(STEADY, LOSS, 5.0) == 1.0

    it.started(5.0)
    assert it.wait(STEADY, LOSS, 6.0) == 59.0
    it.failed(10.0)
    it.failed(10.0)
    assert it.wait(STEADY, LOSS, 10.0) == 300.0


def test_what_nobody_knows_the_end_of_does_not_lengthen_the_wait():
    it = attempts(is_gate=True)
    it.failed(0.0)
    it.failed(0.0)
    it.held_until(300.0)  # lets the probe go, which decides whenever it ends

    assert it.wait(STEADY, LOSS, 300.0) == 1.0
