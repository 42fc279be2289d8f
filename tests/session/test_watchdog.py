from __future__ import annotations

from math import inf

from bistoury.session.watchdog import Watchdog


def test_waits_for_nothing_while_nothing_is_promised():
    watchdog = Watchdog()

    assert watchdog.deadline(30.0) == inf
    assert not watchdog.is_due(1e9, 30.0)


def test_a_promise_is_due_after_the_patience():
    watchdog = Watchdog()
    watchdog.promised(10.0)

    assert watchdog.deadline(30.0) == 40.0
    assert not watchdog.is_due(39.9, 30.0)
    assert watchdog.is_due(40.0, 30.0)


def test_patience_is_asked_for_each_time():
    watchdog = Watchdog()
    watchdog.promised(10.0)

    assert watchdog.is_due(25.0, 15.0)
    assert not watchdog.is_due(25.0, 30.0)


def test_snoozing_puts_the_decision_off():
    watchdog = Watchdog()
    watchdog.promised(0.0)
    watchdog.snooze(50.0)

    assert not watchdog.is_due(49.9, 30.0)
    assert watchdog.is_due(50.0, 30.0)


def test_stopping_forgets_the_promise_and_the_snooze():
    watchdog = Watchdog()
    watchdog.promised(0.0)
    watchdog.snooze(500.0)
    watchdog.stop()
    assert watchdog.deadline(30.0) == inf

    watchdog.promised(10.0)
    assert watchdog.deadline(30.0) == 40.0


def test_may_cost_as_many_connections_an_hour_as_the_cap_says():
    watchdog = Watchdog()
    for at in (0.0, 60.0, 120.0):
        assert watchdog.may_reconnect(at, 3)
        watchdog.fired(at)

    assert not watchdog.may_reconnect(120.0, 3)
    assert not watchdog.may_reconnect(3_599.9, 3)
    assert watchdog.may_reconnect(3_600.0, 3)


def test_the_hour_outlives_a_connection():
    watchdog = Watchdog()
    watchdog.fired(0.0)
    watchdog.stop()

    assert not watchdog.may_reconnect(1.0, 1)
    assert watchdog.may_reconnect(1.0, 2)


def test_starves_while_data_is_missing_and_nothing_may_be_done_for_it():
    watchdog = Watchdog()
    watchdog.promised(0.0)
    assert not watchdog.is_starving(30.0, 30.0)

    watchdog.snooze(60.0)
    assert watchdog.is_starving(30.0, 30.0)
    assert watchdog.is_starving(60.0, 30.0)
    assert not watchdog.is_starving(60.0, 90.0)


def test_data_ends_a_famine_however_short_patience_becomes():
    watchdog = Watchdog()
    watchdog.promised(0.0)
    watchdog.snooze(60.0)
    watchdog.data_at = 31.0

    assert not watchdog.is_starving(32.0, 15.0)


def test_data_in_the_moment_of_the_decision_ends_the_famine_too():
    watchdog = Watchdog()
    watchdog.promised(0.0)
    watchdog.snooze(60.0)
    watchdog.data_at = 30.0

    assert not watchdog.is_starving(60.0, 30.0)


def test_an_earlier_famine_is_none_of_the_next_one():
    watchdog = Watchdog()
    watchdog.promised(0.0)
    watchdog.snooze(60.0)
    watchdog.data_at = 30.5
    assert not watchdog.is_starving(60.4, 30.0)
    assert not watchdog.is_starving(60.5, 30.0)

    watchdog.snooze(90.5)
    assert watchdog.is_starving(60.5, 30.0)
