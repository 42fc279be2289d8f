from __future__ import annotations

import logging
from datetime import datetime, timedelta
from math import nan

import pytest

from bistoury.errors import ConfigError
from bistoury.resilience import ConnectionCircuitBreaker, MessageSequenceTracker


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def opened(clock):
    breaker = ConnectionCircuitBreaker(2, 10.0, clock=clock)
    breaker.record_failure()
    breaker.record_failure()
    return breaker


def test_the_defaults_are_those_of_the_specification():
    breaker = ConnectionCircuitBreaker()

    assert (breaker.failure_threshold, breaker.timeout) == (5, 300)
    assert (breaker.failure_count, breaker.last_failure) == (0, None)
    assert breaker.state == "closed"
    assert breaker.should_attempt_reconnection()


def test_five_failures_hold_reconnection_back():
    breaker = ConnectionCircuitBreaker()
    for _ in range(5):
        assert breaker.should_attempt_reconnection()
        breaker.record_failure()

    assert breaker.failure_count == 5
    assert breaker.state == "open"
    assert not breaker.should_attempt_reconnection()


def test_one_attempt_is_allowed_per_timeout(clock):
    breaker = opened(clock)
    clock.now += 10.0

    assert breaker.state == "half_open"
    assert breaker.should_attempt_reconnection()
    assert not breaker.should_attempt_reconnection()

    breaker.record_failure()
    assert breaker.state == "open"
    assert not breaker.should_attempt_reconnection()


def test_success_closes_it(clock):
    breaker = opened(clock)
    breaker.record_success()

    assert breaker.state == "closed"
    assert breaker.failure_count == 0
    assert breaker.should_attempt_reconnection()


def test_the_last_failure_compares_with_the_clock_on_the_wall():
    breaker = ConnectionCircuitBreaker()
    breaker.record_failure()

    assert breaker.last_failure.tzinfo is None
    assert abs(datetime.now() - breaker.last_failure) < timedelta(seconds=5)  # noqa: DTZ005


def test_a_client_can_share_its_decisions(clock):
    breaker = opened(clock)
    breaker.breaker.succeeded(clock())

    assert breaker.state == "closed"


@pytest.mark.parametrize(("threshold", "timeout"), [(0, 300), (5, 0), (5, nan)])
def test_numbers_no_breaker_can_keep_are_refused(threshold, timeout):
    with pytest.raises(ConfigError):
        ConnectionCircuitBreaker(threshold, timeout)


@pytest.fixture
def tracker():
    return MessageSequenceTracker()


def test_numbers_in_a_row_miss_nothing(tracker, caplog):
    assert [tracker.check_sequence("BTC", number) for number in (7, 8, 9)] == [0] * 3
    assert tracker.last_sequence == {"BTC": 9}
    assert caplog.records == []


def test_a_jump_is_counted_and_said(tracker, caplog):
    tracker.check_sequence("BTC", 1)

    with caplog.at_level(logging.WARNING):
        assert tracker.check_sequence("BTC", 5) == 3

    assert caplog.messages == ["Message gap detected for BTC: 3 messages"]
    assert caplog.records[0].name == "bistoury.resilience"


def test_a_first_number_of_zero_counts_as_seen(tracker):
    tracker.check_sequence("BTC", 0)

    assert tracker.check_sequence("BTC", 3) == 2


def test_streams_are_counted_apart(tracker):
    tracker.check_sequence("BTC", 1)

    assert tracker.check_sequence("ETH", 9) == 0


@pytest.mark.parametrize("late", [9, 10])
def test_a_late_or_repeated_number_moves_nothing(tracker, late):
    tracker.check_sequence("BTC", 10)

    assert tracker.check_sequence("BTC", late) == 0
    assert tracker.last_sequence == {"BTC": 10}


def test_a_forgotten_stream_starts_anew(tracker):
    tracker.check_sequence("BTC", 10)
    tracker.forget("BTC")
    tracker.forget("BTC")

    assert tracker.check_sequence("BTC", 1) == 0
    assert tracker.last_sequence == {"BTC": 1}


@pytest.mark.parametrize("odd", [None, "5", 5.5, nan, [1], object()])
def test_a_number_that_is_none_is_ignored(tracker, odd):
    tracker.check_sequence("BTC", 1)

    assert tracker.check_sequence("BTC", odd) == 0
    assert tracker.last_sequence == {"BTC": 1}


def test_a_symbol_that_cannot_be_looked_up_is_ignored(tracker):
    assert tracker.check_sequence(["BTC"], 1) == 0
    assert tracker.last_sequence == {}
