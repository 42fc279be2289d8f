from __future__ import annotations

import pytest

from bistoury.errors import ConfigError
from bistoury.session.breaker import Breaker


def test_its_numbers_are_those_of_the_specification():
    breaker = Breaker()

    assert (breaker.threshold, breaker.timeout, breaker.failures) == (5, 300.0, 0)


def test_a_short_timeout_is_a_timeout():
    assert Breaker(timeout=0.5).timeout == 0.5
    assert Breaker(threshold=1, timeout=1).timeout == 1


@pytest.mark.parametrize(
    ("facts", "field", "value", "allowed"),
    [
        (
            {"threshold": 0},
            "failure_threshold",
            0,
            "a whole number of failures, at least 1",
        ),
        ({"timeout": -1.0}, "timeout", -1.0, "a number of seconds above 0"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(facts, field, value, allowed):
    with pytest.raises(ConfigError) as caught:
        Breaker(**facts)

    error = caught.value
    assert (error.field, error.value, error.allowed) == (field, value, allowed)


def test_failures_after_a_success_count_from_one():
    breaker = Breaker(2, 10.0)
    breaker.failed(0.0)
    breaker.failed(0.0)
    breaker.allows(10.0)
    breaker.succeeded(11.0)
    breaker.failed(12.0)
    assert breaker.allows(12.0)

    breaker.failed(13.0)
    assert not breaker.allows(22.9)
    assert breaker.allows(23.0)
