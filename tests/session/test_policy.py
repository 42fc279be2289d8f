"""The numbers of the contract, the issue and the venue, said once more."""

from __future__ import annotations

import msgspec
import pytest

from bistoury.session import Backoff, Policy

NUMBERS = {
    "open_timeout": 10.0,
    "close_timeout": 1.0,
    "ping_interval": 14.0,
    "pong_timeout": 10.0,
    "probe_timeout": 3.0,
    "late_after": 5.0,
    "tick": 1.0,
    "message_timeout": 30.0,
    "message_intervals": 3.0,
    "watchdog_cap": 6,
    "stale_intervals": 4.0,
    "stale_floor": 10.0,
    "stale_ceiling": 120.0,
    "stale_unlearned": 30.0,
    "first_data_timeout": 10.0,
    "resubscribe_after": 5.0,
    "ladder_cooldown": 30.0,
    "resubscribe_tries": 2,
    "lag_warning": 3.0,
    "lag_frames": 3,
    "lag_limit": 10.0,
    "hush_least": 5.0,
    "hush_intervals": 5.0,
    "ack_timeout": 5.0,
    "refused_retry": 60.0,
    "stable_after": 5.0,
    "down_after": 60.0,
    "penalty_steps": 2,
    "retry_after_limit": 900.0,
    "message_reserve": 0.1,
    "hold_timeout": 2.0,
    "replay_timeout": 2.0,
    "second_read_after": 5.0,
    "recovery_overlap": 5.0,
    "recovery_backoff": {
        "initial": 2.0,
        "maximum": 60.0,
        "factor": 2.0,
        "jitter": 0.25,
    },
    "auto_reconnect": True,
    "backoff": {"initial": 1.0, "maximum": 60.0, "factor": 2.0, "jitter": 0.25},
}


def test_a_policy_is_these_numbers_by_default():
    assert msgspec.to_builtins(Policy()) == NUMBERS


def test_a_half_open_connection_is_dropped_within_25_seconds():
    assert Policy().ping_interval + Policy().pong_timeout <= 25


def test_pings_come_well_inside_the_minute_after_which_the_venue_closes():
    assert Policy().ping_interval < 60 / 2


def test_a_policy_is_replaced_and_never_changed():
    policy = Policy()

    with pytest.raises(AttributeError):
        policy.tick = 2.0


def test_two_policies_with_the_same_numbers_are_the_same():
    assert Policy() == Policy(backoff=Backoff())
    assert Policy() != Policy(backoff=Backoff(jitter=0.0))
