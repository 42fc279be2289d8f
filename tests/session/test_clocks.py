from __future__ import annotations

from math import inf

import pytest

from bistoury.session.clocks import Clocks, venue_time


def test_the_first_look_finds_no_jump():
    clocks = Clocks()
    clocks.observe(5.0, 1_005.0)

    assert clocks.jump == 0.0
    assert clocks.offset == 1_000.0


def test_clocks_that_agree_show_no_jump():
    clocks = Clocks()
    for now in (0.0, 1.0, 500.0):
        clocks.observe(now, 1_000.0 + now)

    assert clocks.jump == 0.0


@pytest.mark.parametrize("step", [3_600.0, -3_600.0, 5.5])
def test_a_jump_is_how_far_the_wall_clock_ran_ahead_since_the_last_look(step):
    clocks = Clocks()
    clocks.observe(0.0, 1_000.0)
    clocks.observe(1.0, 1_001.0 + step)

    assert clocks.jump == step
    assert clocks.offset == 1_000.0 + step


def test_a_jump_is_seen_once():
    clocks = Clocks()
    clocks.observe(0.0, 1_000.0)
    clocks.observe(1.0, 1_601.0)
    clocks.observe(2.0, 1_602.0)

    assert clocks.jump == 0.0


def test_before_the_first_look_the_offset_is_nothing():
    clocks = Clocks()

    assert (clocks.offset, clocks.jump) == (0.0, 0.0)
    assert not clocks.is_probing
    assert clocks.grace_until == -inf


def test_a_question_grants_a_grace():
    clocks = Clocks()
    clocks.probe(10.0, 3.0)

    assert clocks.is_probing
    assert clocks.grace_until == 13.0


@pytest.mark.parametrize(
    ("answered_at", "answered"), [(9.999, False), (10.0, True), (12.0, True)]
)
def test_an_answer_is_one_given_since_the_question(answered_at, answered):
    clocks = Clocks()
    clocks.probe(10.0, 3.0)

    assert clocks.settle(answered_at) is answered
    assert not clocks.is_probing


def test_a_question_about_a_connection_that_is_gone_is_forgotten():
    clocks = Clocks()
    clocks.probe(10.0, 3.0)
    clocks.stop()

    assert not clocks.is_probing
    assert clocks.grace_until == -inf


@pytest.mark.parametrize(
    ("least_delay", "server_offset", "expected"),
    [
        (-2.0, 7.0, 102_000),
        (inf, 7.0, 107_000),
        (inf, 0.0, 100_000),
        (inf, None, 900_500),
    ],
)
def test_the_venues_time_is_told_by_its_data_its_server_or_else_our_clock(
    least_delay, server_offset, expected
):
    assert venue_time(100.0, 900.5, least_delay, server_offset) == expected
