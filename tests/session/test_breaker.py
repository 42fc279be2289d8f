from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ConfigError
from bistoury.session.breaker import Breaker


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(threshold=2, timeout=10.0)
    breaker.failed(at)
    breaker.failed(at)
    return breaker


def test_a_new_breaker_allows_everything():
    breaker = Breaker()

    assert breaker.state(0.0) == "closed"
    assert breaker.next_allowed_at == -inf
    assert all(breaker.allows(0.0) for _ in range(3))


def test_fewer_failures_than_the_threshold_change_nothing():
    breaker = Breaker(threshold=2)
    breaker.failed(1.0)

    assert breaker.state(1.0) == "closed"
    assert all(breaker.allows(1.0) for _ in range(3))


def test_failures_must_be_in_a_row():
    breaker = Breaker(threshold=2)
    breaker.failed(1.0)
    breaker.succeeded(2.0)
    breaker.failed(3.0)

    assert breaker.state(3.0) == "closed"


def test_the_threshold_opens_it_until_the_timeout_after_the_last_failure():
    breaker = opened(at=5.0)

    assert breaker.state(5.0) == "open"
    assert breaker.next_allowed_at == 15.0
    assert not breaker.allows(14.999)


def test_a_failure_while_open_prolongs_it():
    breaker = opened(at=0.0)
    breaker.failed(6.0)

    assert breaker.next_allowed_at == 16.0


def test_one_probe_is_allowed_after_the_timeout():
    breaker = opened(at=0.0)

    assert breaker.state(10.0) == "half_open"
    assert breaker.allows(10.0)
    assert not breaker.allows(10.0)
    assert not breaker.allows(1_000_000.0)
    assert breaker.state(10.0) == "half_open"
    assert breaker.next_allowed_at == inf


def test_a_failed_probe_opens_it_again():
    breaker = opened(at=0.0)
    breaker.allows(10.0)
    breaker.failed(11.0)

    assert breaker.state(11.0) == "open"
    assert not breaker.allows(20.9)
    assert breaker.allows(21.0)


def test_a_successful_probe_closes_it():
    breaker = opened(at=0.0)
    breaker.allows(10.0)
    breaker.succeeded(11.0)

    assert breaker.state(11.0) == "closed"
    assert breaker.failures == 0
    assert all(breaker.allows(11.0) for _ in range(3))


def test_a_probe_that_was_never_made_can_be_taken_back():
    breaker = opened(at=0.0)
    breaker.allows(10.0)
    breaker.withdraw()

    assert breaker.allows(10.0)
    assert not breaker.allows(10.0)


def test_taking_back_an_ordinary_attempt_changes_nothing():
    breaker = opened(at=0.0)
    breaker.withdraw()

    assert breaker.state(0.0) == "open"


@pytest.mark.parametrize("threshold", [0, -1, 1.5, True, None, "5"])
def test_a_threshold_that_is_no_count_is_refused(threshold):
    with pytest.raises(ConfigError, match="failure_threshold"):
        Breaker(threshold=threshold)


@pytest.mark.parametrize("timeout", [0, -1.0, inf, nan, True, None, "300"])
def test_a_timeout_that_is_no_duration_is_refused(timeout):
    with pytest.raises(ConfigError, match="timeout"):
        Breaker(timeout=timeout)


def test_a_new_breaker_remembers_no_failure_and_no_probe():
    assert Breaker().memory == (0, -inf, False)


def test_what_it_remembers_makes_another_one_the_same():
    first, other = opened(at=3.0), Breaker(threshold=2, timeout=10.0)
    assert first.allows(13.0)

    assert first.memory == (2, 3.0, True)
    failures, failed_at, is_probing = first.memory
    other.remember(failures, failed_at, is_probing=is_probing)

    assert other == first
    assert not other.allows(14.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["allows", "failed", "succeeded"]),
            st.floats(min_value=0.0, max_value=8.0),
        )
    )
)
def test_it_never_ends_for_good_and_never_allows_two_probes(steps):
    breaker, now, unrecorded = Breaker(threshold=2, timeout=5.0), 0.0, 0
    for verb, elapsed in steps:
        now += elapsed
        if verb == "allows":
            unrecorded += breaker.state(now) != "closed" and breaker.allows(now)
        else:
            getattr(breaker, verb)(now)
            unrecorded = 0
        assert unrecorded <= 1

    breaker.failed(now)
    assert breaker.allows(now + 5.0)
