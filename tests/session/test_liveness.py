from __future__ import annotations

from math import inf

from bistoury.session.liveness import Liveness


def started(at: float = 100.0) -> Liveness:
    liveness = Liveness()
    liveness.start(at)
    return liveness


def test_without_a_connection_there_is_nothing_to_decide():
    liveness = Liveness()

    assert liveness.deadline(24.0) == inf
    assert not liveness.is_ping_due(1e9)
    assert not liveness.is_silent(1e9, 24.0)
    assert (liveness.pings, liveness.pongs) == (0, 0)


def test_the_first_ping_is_due_at_once():
    liveness = started()

    assert liveness.is_ping_due(100.0)
    assert liveness.deadline(24.0) == 100.0


def test_the_next_ping_is_due_an_interval_later():
    liveness = started()
    liveness.pinged(100.0, 14.0)

    assert not liveness.is_ping_due(113.9)
    assert liveness.is_ping_due(114.0)
    assert liveness.deadline(24.0) == 114.0


def test_silence_is_counted_from_the_last_byte_that_came():
    liveness = started()
    liveness.heard_at = 110.0

    assert not liveness.is_silent(133.9, 24.0)
    assert liveness.is_silent(134.0, 24.0)


def test_pinging_does_not_put_silence_off():
    liveness = started()
    for at in (100.0, 114.0, 123.0):
        liveness.pinged(at, 14.0)

    assert liveness.deadline(24.0) == 124.0
    assert liveness.is_silent(124.0, 24.0)


def test_a_pong_gives_the_round_trip():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.ponged(100.25)

    assert list(liveness.round_trips) == [0.25]


def test_a_pong_that_may_answer_either_of_two_pings_is_not_timed():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.pinged(103.0, 14.0)
    liveness.ponged(104.0)
    assert not liveness.round_trips
    liveness.ponged(105.0)

    assert list(liveness.round_trips) == [2.0]


def test_a_ping_that_was_not_answered_is_not_forgotten_for_the_next_one():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.pinged(114.0, 14.0)
    assert liveness.is_waiting
    liveness.heard_at = 115.0
    liveness.ponged(115.0)
    assert liveness.is_waiting
    assert liveness.is_unanswered
    assert liveness.is_overdue(116.1)
    assert not liveness.is_overdue(116.0)
    liveness.excuse()
    assert not liveness.is_waiting


def test_no_more_is_answered_than_was_asked():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    for now in (101.0, 102.0):
        liveness.ponged(now)
    liveness.pinged(114.0, 14.0)
    assert liveness.is_waiting
    assert list(liveness.round_trips) == [1.0]


def test_an_opened_connection_has_answered():
    assert started().answered_at == 100.0


def test_a_pong_is_an_answer_whether_it_was_asked_for_or_not():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.ponged(101.0)
    assert liveness.answered_at == 101.0

    liveness.ponged(102.0)
    assert liveness.answered_at == 102.0


def test_a_frame_is_no_answer():
    liveness = started()
    liveness.heard_at = 110.0

    assert liveness.answered_at == 100.0


def test_a_ping_is_unanswered_when_frames_come_and_no_pong():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    assert not liveness.is_unanswered

    liveness.heard_at = 100.5
    assert liveness.is_unanswered
    liveness.ponged(101.0)
    assert not liveness.is_unanswered


def test_an_answer_that_is_known_to_be_lost_is_not_waited_for():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.heard_at = 100.5
    liveness.excuse()

    assert not liveness.is_unanswered


def test_a_pong_in_the_same_moment_took_no_time():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.ponged(100.0)

    assert list(liveness.round_trips) == [0.0]


def test_remembers_the_last_256_round_trips():
    liveness = started()
    for at in range(300):
        liveness.pinged(float(at), 14.0)
        liveness.ponged(float(at))

    assert len(liveness.round_trips) == 256


def test_a_stopped_clock_decides_nothing():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.stop()
    liveness.ponged(101.0)

    assert liveness.deadline(24.0) == inf
    assert not liveness.is_silent(1e9, 24.0)
    assert not liveness.round_trips
    assert liveness.heard_at == inf


def test_without_a_connection_there_is_no_answer_to_wait_for():
    assert Liveness().answered_at == inf
    assert not Liveness().is_unanswered
    liveness = started()
    liveness.stop()

    assert liveness.answered_at == inf
    assert not liveness.is_unanswered


def test_a_new_connection_owes_no_pong_for_the_pings_of_the_old_one():
    liveness = started()
    liveness.pinged(100.0, 14.0)
    liveness.start(200.0)
    liveness.ponged(201.0)

    assert not liveness.round_trips
    assert liveness.heard_at == 200.0
