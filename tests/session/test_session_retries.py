"""When it tries again: the back-off, the venue's limits, the breaker."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import msgspec
import pytest

from bistoury.session import Backoff, Cause, Policy, State
from bistoury.session import effects as do
from bistoury.session import notices as say
from bistoury.session.breaker import Breaker
from bistoury.session.budget import Window


def fail(it, times, cause=Cause.NETWORK, **facts):
    """Let attempts fail, one after the other, and return the delays."""
    before = len(it.waits)
    for _ in range(times):
        while it.state is State.BACKOFF:
            it.tick()
        it.lost(cause, **facts)
    return it.waits[before:]


# The back-off


def test_waits_longer_after_each_failure_in_a_row(drive):
    it = drive().connect()

    assert fail(it, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_wait_is_from_the_loss_to_the_attempt(drive):
    it = drive().live()
    it.now = 100.0
    it.lost()
    assert it.session.retry_at == 101.0

    it.tick()
    assert it.opens() == [0.0, 101.0]
    assert it.session.retry_at > 1e9


def test_attempts_are_numbered_from_the_loss_on(drive):
    it = drive().connect()
    fail(it, 3)

    assert [notice.attempt for _, notice in it.told("Reconnecting")] == [1, 2, 3]


def test_every_delay_is_spread_by_a_quarter_also_at_the_cap(drive):
    it = drive(Policy(), rng=Random(4), connections=Window(10**6)).connect()
    waits = fail(it, 400)

    nominal = [1, 2, 4, 8, 16, 32] + [60] * 394
    assert all(
        0.75 * n <= wait <= 1.25 * n for n, wait in zip(nominal, waits, strict=True)
    )
    assert len(set(waits)) == 400
    assert min(waits[6:]) < 47
    assert max(waits) > 73


def test_survives_thousands_of_failures(drive, steady):
    it = drive(steady, connections=Window(10**6)).connect()
    waits = fail(it, 5_000)

    assert set(waits[6:]) == {60.0}
    assert it.session.attempts.failures == 5_000


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (Backoff(2.0, 120.0, 2.0, 0.0), [2, 4, 8, 16, 32, 64, 120, 120]),
        (Backoff(0.5, 30.0, 1.5, 0.0), [0.5, 0.75, 1.125]),
        (Backoff(5.0, 60.0, 1.0, 0.0), [5, 5, 5]),
        (Backoff(90.0, 60.0, 2.0, 0.0), [60, 60, 60]),
    ],
)
def test_follows_its_settings(drive, backoff, expected):
    it = drive(Policy(backoff=backoff), connections=Window(10**6)).connect()

    assert fail(it, len(expected)) == expected


def test_new_settings_count_from_the_next_loss_on(drive, steady):
    it = drive().connect()
    fail(it, 2)
    deadline = it.deadline
    it.adopt(msgspec.structs.replace(steady, backoff=Backoff(10.0, jitter=0.0)))

    assert it.deadline == deadline
    assert fail(it, 1) == [40.0]


# What forgives


def test_a_bare_connect_forgives_nothing(drive, feeds):
    it = drive().want(feeds.mids()).connect()
    fail(it, 2)
    for _ in range(3):
        it.tick().opened().lost()

    assert it.waits == [1, 2, 4, 8, 16]


def test_acknowledgements_without_data_forgive_nothing(drive, feeds):
    it = drive().want(feeds.mids()).connect()
    fail(it, 2)
    it.tick().opened().pong().ack(feeds.mids())
    assert it.state is State.LIVE
    it.until(it.now + 20.0, meanwhile=it.pong, every=5.0)
    assert it.told("Stable") == []

    assert fail(it, 1) == [4]


def test_a_connection_that_dies_young_forgives_nothing(drive, feeds):
    # F18: accept, acknowledge all, carry data, die after three seconds, for ever.
    it = drive(connections=Window(10**6)).want(feeds.mids()).connect()
    for _ in range(9):
        it.opened().ack(feeds.mids()).data(feeds.mids())
        assert it.session.is_ready
        it.until(it.now + 3.0)
        it.lost()
        it.tick()

    assert it.waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert it.session.attempts.failures == 9


def test_a_connection_that_lasts_five_seconds_forgives_everything(drive, feeds):
    it = drive().want(feeds.mids()).connect()
    fail(it, 3)
    it.tick()
    opened = it.now
    it.opened().ack(feeds.mids()).data(feeds.mids())
    it.until(opened + 4.999)
    assert it.session.attempts.failures == 3
    it.until(opened + 5.0)

    assert it.heard("Stable") == [say.Stable(4)]
    assert it.session.attempts.failures == 0
    assert it.session.breaker.failures == 0
    assert fail(it, 1) == [1]


def test_a_late_first_datum_is_all_that_an_old_connection_lacked(drive, feeds):
    it = drive().want(feeds.mids()).connect().opened().ack(feeds.mids())
    it.until(8.0, meanwhile=it.pong, every=3.0)
    assert not it.session.is_ready
    it.data(feeds.mids())

    assert it.session.is_ready
    assert it.deadline == 8.0
    it.tick()
    assert it.heard("Stable") == [say.Stable(1)]


def test_the_loss_of_a_stable_connection_is_no_failure_in_a_row(drive, feeds):
    it = drive().stable(feeds.trades()).lost()

    assert it.session.attempts.failures == 0
    assert it.waits == [1.0]


def test_stability_is_told_once(drive, feeds):
    it = drive().stable(feeds.trades())
    it.until(60.0, meanwhile=it.pong, every=5.0)

    assert len(it.told("Stable")) == 1


def test_how_long_a_connection_must_last_is_a_setting(drive, steady):
    it = drive(msgspec.structs.replace(steady, stable_after=2.0)).live()
    it.until(2.0)

    assert len(it.told("Stable")) == 1


def test_stability_ends_with_its_connection(drive, feeds):
    it = drive().stable(feeds.trades()).lost().tick().opened().lost()

    assert it.session.attempts.failures == 1
    assert it.waits == [1.0, 2.0]


# A venue that asks us to slow down


@pytest.mark.parametrize(
    ("code", "expected"), [(1008, [4, 32, 60, 60]), (429, [4, 32, 60, 60])]
)
def test_being_told_off_skips_two_steps_and_stays_below_the_cap(drive, code, expected):
    it = drive().connect()

    assert fail(it, 4, Cause.RATE_LIMITED, code=code) == expected


def test_being_told_off_is_remembered_by_the_next_ordinary_loss(drive):
    it = drive().connect()
    fail(it, 1, Cause.RATE_LIMITED, code=1008)

    assert fail(it, 2) == [8, 16]


def test_other_refusals_are_ordinary(drive):
    it = drive().connect()

    assert fail(it, 3, Cause.REJECTED, code=503) == [1, 2, 4]


@pytest.mark.parametrize("seed", range(20))
def test_never_comes_back_before_the_time_the_venue_named(drive, seed):
    it = drive(Policy(), rng=Random(seed)).connect()
    (wait,) = fail(it, 1, Cause.RATE_LIMITED, code=429, retry_after=20.0)

    assert 20.0 <= wait <= 25.0
    assert it.session.retry_at >= it.now + 20.0


def test_a_named_time_replaces_the_penalty(drive):
    it = drive().connect()
    fail(it, 1, Cause.RATE_LIMITED, code=429, retry_after=20.0)

    assert fail(it, 1) == [2]


def test_a_named_time_shorter_than_the_back_off_changes_nothing(drive):
    it = drive().connect()
    fail(it, 4)

    assert fail(it, 1, Cause.RATE_LIMITED, code=429, retry_after=3.0) == [16]
    assert fail(it, 1, Cause.RATE_LIMITED, code=429, retry_after=0.0) == [32]


def test_a_named_time_of_another_refusal_counts_too(drive):
    it = drive().connect()

    assert fail(it, 1, Cause.REJECTED, code=503, retry_after=7.0) == [7.0]


@pytest.mark.parametrize("retry_after", [901.0, 86_400.0, 1e300])
def test_a_named_time_is_honoured_within_reason(drive, retry_after):
    it = drive(Policy(), rng=Random(3)).connect()
    (wait,) = fail(it, 1, Cause.RATE_LIMITED, code=429, retry_after=retry_after)

    assert 900.0 <= wait <= 1_125.0


# The venue's limit on new connections


def test_opens_at_most_thirty_connections_in_any_minute(drive):
    policy = Policy(backoff=Backoff(0.1, 0.1))
    it = drive(policy).connect()
    while it.now < 600.0:
        if it.state is State.CONNECTING:
            it.lost()
        it.tick()

    opens = it.opens()
    assert len(opens) > 290
    for at in opens:
        assert sum(at <= other < at + 60.0 for other in opens) <= 30


def test_is_no_slower_than_the_limit_asks_for(drive):
    policy = Policy(backoff=Backoff(0.1, 0.1, jitter=0.0))
    it = drive(policy).connect()
    while len(it.opens()) < 31:
        if it.state is State.CONNECTING:
            it.lost()
        it.tick()

    assert it.opens()[30] == pytest.approx(60.0, abs=0.11)


def test_an_attempt_that_is_held_back_is_made_when_there_is_room(drive, steady):
    shared = Window(1)
    it = drive(msgspec.structs.replace(steady, backoff=Backoff(90.0, 90.0)))
    it.session.attempts.connections = shared
    shared.take(0.0)
    it.now = 20.0
    it.connect()

    assert it.effects == [
        do.Announce(say.StateChanged(State.IDLE, State.BACKOFF, say.Trigger.HELD_BACK))
    ]
    assert it.session.retry_at == 60.0
    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(1)]


def test_a_limit_that_holds_back_for_long_is_asked_again_after_the_longest_wait(drive):
    it = drive(connections=Window(0)).connect()
    assert it.deadline == 60.0
    it.tick()

    assert it.state is State.BACKOFF
    assert it.session.retry_at == 120.0


def test_held_back_after_a_close_is_waiting_too(drive):
    it = drive(connections=Window(1)).connect().close().lost().connect()

    assert it.state is State.BACKOFF
    it.tick()
    assert it.opens() == [0.0, 60.0]


def test_connections_of_other_clients_count(drive):
    shared = Window(2)
    one, other = drive(connections=shared), drive(connections=shared)
    one.connect()
    other.connect().lost()
    other.until(59.0)
    assert len(other.opens()) == 1

    other.until(60.0)
    assert len(other.opens()) == 2


# The circuit breaker


def test_by_default_the_breaker_reports_and_the_back_off_decides(drive):
    it = drive().connect()
    waits = fail(it, 7)

    assert waits == [1, 2, 4, 8, 16, 32, 60]
    assert [notice for _, notice in it.told("BreakerChanged")] == [
        say.BreakerChanged("open", 5)
    ]


def test_the_breaker_closes_when_a_connection_proves_stable(drive, feeds):
    it = drive().want(feeds.trades()).connect()
    fail(it, 5)
    it.tick().opened().pong().ack(feeds.trades())
    it.until(it.now + 5.0)

    assert it.heard("BreakerChanged") == [say.BreakerChanged("closed", 0)]


def test_the_breaker_counts_its_own_failures_when_the_back_off_was_forgiven(drive):
    it = drive().connect()
    fail(it, 4)
    it.close().connect().lost()

    assert it.session.attempts.failures == 1
    assert it.heard("BreakerChanged") == [say.BreakerChanged("open", 5)]


def gated(drive, timeout=300.0, threshold=2):
    return drive(breaker=Breaker(threshold, timeout), breaker_is_gate=True)


def test_a_breaker_that_is_the_gate_holds_attempts_back_until_its_timeout(drive):
    it = gated(drive).connect()
    fail(it, 2)
    failed_at = it.now
    it.until(failed_at + 299.0)
    assert len(it.opens()) == 2

    it.until(failed_at + 300.0)
    assert it.opens()[2:] == [failed_at + 300.0]
    assert it.session.breaker.state(it.now) == "half_open"


def test_the_announced_delay_is_the_true_one_while_the_gate_is_shut(drive):
    it = gated(drive).connect()
    fail(it, 2)
    failed_at = it.now
    assert it.heard("Reconnecting")[-1].delay_seconds == 300.0
    assert it.session.retry_at == failed_at + 300.0

    while it.state is State.BACKOFF:
        it.tick()
    assert it.now == failed_at + 300.0


def test_the_announced_delay_minds_the_limit_on_connections(drive):
    it = drive(connections=Window(2)).connect()
    fail(it, 2)
    at, told = it.told("Reconnecting")[-1]

    while it.state is State.BACKOFF:
        it.tick()
    assert it.opens()[-1] == at + told.delay_seconds
    assert told.delay_seconds > 50.0


def test_the_gate_lets_one_probe_through_for_each_timeout_and_never_ends(drive):
    it = gated(drive).connect()
    fail(it, 2)
    probes = []
    for _ in range(10):
        while it.state is State.BACKOFF:
            it.tick()
        probes.append(it.now)
        it.now += 0.5
        it.lost()

    assert [round(b - a, 3) for a, b in pairwise(probes)] == [300.5] * 9


def test_a_probe_that_succeeds_opens_the_gate(drive, feeds):
    it = gated(drive).want(feeds.trades()).connect()
    fail(it, 2)
    while it.state is State.BACKOFF:
        it.tick()
    it.opened().pong().ack(feeds.trades())
    it.until(it.now + 5.0)

    assert it.session.breaker.state(it.now) == "closed"
    it.lost().tick()
    assert it.state is State.CONNECTING


@pytest.mark.parametrize(
    ("moment", "how"),
    [
        (State.CONNECTING, "close"),
        (State.SYNCING, "close"),
        (State.SYNCING, "reconnect"),
    ],
)
def test_a_probe_that_the_user_cuts_short_is_not_waited_for(drive, feeds, moment, how):
    it = gated(drive, timeout=10.0).want(feeds.trades()).connect()
    fail(it, 2)
    while it.state is State.BACKOFF:
        it.tick()
    if moment is State.SYNCING:
        it.opened()
    assert it.state is moment
    if how == "close":
        it.close().until(it.now + 2.0)
        it.connect()
    else:
        it.reconnect()
    it.until(it.now + 1.0)

    assert it.session.connection_id == 4
    assert it.state is State.CONNECTING


def test_nobody_else_may_try_while_the_probe_is_out(drive, feeds):
    it = gated(drive, timeout=10.0).want(feeds.trades()).connect()
    fail(it, 2)
    while it.state is State.BACKOFF:
        it.tick()
    for step in (it.opened, it.pong, lambda: it.ack(feeds.trades())):
        assert not it.session.breaker.allows(it.now)
        step()

    assert it.state is State.LIVE
    assert not it.session.breaker.allows(it.now)


def test_a_gate_that_somebody_else_keeps_shut_is_asked_again_and_again(drive):
    it = gated(drive).connect()
    fail(it, 2)
    it.session.breaker.allows(1_000.0)  # somebody else took the probe
    it.until(1_000.0)
    assert len(it.opens()) == 2

    it.session.breaker.succeeded(1_000.0)
    it.until(1_030.0)
    assert it.opens()[2:] == [1_021.0]


# Being away for long


def test_says_that_it_is_down_after_a_minute_and_every_minute_from_then_on(
    drive, feeds
):
    it = drive(connections=Window(10**6)).stable(feeds.trades())
    it.now = 1_000.0
    it.at(1_000.0)
    it.pong()
    it.lost()
    while it.now < 1_240.0:
        if it.state is State.CONNECTING:
            it.lost(reason="dns: nobody home")
        it.tick()

    downs = it.told("Down")
    assert [at for at, _ in downs] == [1_060.0, 1_120.0, 1_180.0, 1_240.0]
    since = datetime.fromtimestamp(1_000.0 + it.wall, UTC)
    assert {notice.since for _, notice in downs} == {since}
    assert downs[0][1].attempts == 6
    assert downs[0][1].last_error == "dns: nobody home"


def test_is_down_a_minute_after_it_was_asked_to_connect(drive):
    it = drive()
    it.now = 100.0
    it.connect()
    while it.now < 161.0:
        if it.state is State.CONNECTING:
            it.lost()
        it.tick()

    assert [at for at, _ in it.told("Down")] == [160.0]


def test_an_open_connection_that_is_not_live_is_down_too(drive, feeds):
    it = drive().want(feeds.trades()).connect().opened()
    it.until(61.0, meanwhile=it.pong, every=5.0)

    assert [at for at, _ in it.told("Down")] == [60.0]


def test_flapping_does_not_put_the_minute_off(drive, feeds):
    it = drive().stable(feeds.trades()).lost()
    lost_at = it.now
    while it.now < lost_at + 61.0:
        if it.state is State.CONNECTING:
            it.opened().lost()
        it.tick()

    assert [at for at, _ in it.told("Down")] == [lost_at + 60.0]


def test_is_not_down_while_live_nor_when_it_was_asked_to_go(drive, feeds):
    it = drive().live(feeds.trades())
    it.until(200.0, meanwhile=it.pong, every=5.0)
    it.lost().close()
    it.until(500.0)

    assert it.told("Down") == []


def test_how_long_it_was_away_is_told_when_it_is_ready_again(drive, feeds):
    it = drive().want(feeds.trades()).connect().opened().pong()
    it.now = 0.75
    it.ack(feeds.trades())
    assert it.heard("Ready") == [say.Ready(1, 1, 0.75)]

    it.now = 9.0
    it.lost().tick()
    it.now = 12.5
    it.opened().pong().ack(feeds.trades())
    assert it.heard("Ready") == [say.Ready(2, 1, 3.5)]


def test_until_it_is_asked_to_connect_it_is_not_away(drive):
    it = drive()
    it.now = 100.0
    it.connect()
    it.now = 100.5
    it.opened().pong()
    assert it.heard("Ready") == [say.Ready(1, 0, 0.5)]

    it.now = 200.0
    it.close().lost()
    it.now = 300.0
    it.connect()
    it.now = 300.25
    it.opened().pong()
    assert it.heard("Ready") == [say.Ready(2, 0, 0.25)]


def test_a_flap_on_the_way_counts_as_one_outage(drive, feeds):
    it = drive().live(feeds.trades()).lost().tick().opened()
    it.now += 2.0
    it.lost().tick().opened().pong().ack(feeds.trades())

    (ready,) = it.heard("Ready")
    assert ready.downtime_seconds == it.now
