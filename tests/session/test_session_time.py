"""What time alone does: silence, missing data, and naps of the process."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import msgspec
import pytest

from bistoury.session import Backoff, Cause, Policy, State, Trigger
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session import notices as say
from bistoury.session.budget import Window

HOUR = 3_600.0


def chatty(it, *feeds, every=1.0, until):
    """Let a healthy venue answer pings and send data up to ``until``."""

    def speak():
        it.pong()
        for feed in feeds:
            it.data(feed)

    return it.until(until, meanwhile=speak, every=every)


# Silence


def test_a_half_open_connection_is_dropped_within_25_seconds(drive, feeds):
    it = drive().stable(feeds.trades())
    chatty(it, every=3.0, until=60.0)
    it.pong()
    it.until(85.0)

    ((at, gone),) = it.told("Disconnected")
    assert at == 84.0
    assert gone.cause is Cause.SILENT
    assert gone.reason == "nothing heard for 24 s"
    assert (at, do.DropConnection(1, politely=False)) in it.story


def test_talking_into_a_dead_connection_does_not_hide_it(drive, feeds):
    # F05: the deadline hangs on what came, never on what was sent.
    it = drive().stable(feeds.trades())
    it.pong()
    start = it.now
    for n in range(60):
        it.until(start + n * 0.4)
        it.want(feeds.trades(f"C{n}"))
    assert it.state is State.LIVE
    it.until(start + 24.0)

    assert it.state is State.BACKOFF


def test_quiet_feeds_cost_nothing_while_pongs_come(drive, feeds, steady):
    # F12 and F13: a sleepy coin and a sleeping user, for a day.
    it = drive(msgspec.structs.replace(steady, tick=10.0)).stable(
        feeds.trades(), feeds.fills()
    )
    it.until(24 * HOUR, meanwhile=it.pong, every=10.0)

    assert it.told("Disconnected") == []
    assert it.told("Degraded") == []
    assert it.told("Down") == []
    assert it.told("Stale") == []


def test_pings_go_out_every_14_seconds(drive):
    it = drive().live()
    chatty(it, every=5.0, until=100.0)

    pings = [at for at, effect in it.story if isinstance(effect, do.SendPing)]
    assert pings == [0, 14, 28, 42, 56, 70, 84, 98]


# Missing data


def test_a_connection_that_answers_pings_and_carries_nothing_is_dropped(drive, feeds):
    it = drive().stable(feeds.mids())
    chatty(it, feeds.mids(), until=60.0)
    chatty(it, every=5.0, until=89.9)
    assert it.state is State.LIVE
    it.until(90.0)

    assert it.effects[:2] == [
        do.Announce(say.NoMessages(1, 30.0)),
        do.DropConnection(1, politely=False),
    ]
    (gone,) = it.heard("Disconnected")
    assert (gone.cause, gone.reason) == (Cause.SILENT, "no messages for 30 s")


def test_the_message_timeout_may_change_while_live(drive, feeds, steady):
    it = drive().stable(feeds.mids())
    it.adopt(msgspec.structs.replace(steady, message_timeout=10.0))
    it.until(10.0)

    assert [notice.seconds for _, notice in it.told("NoMessages")] == [10.0]


def test_a_slower_venue_is_not_mistaken_for_a_dead_one(drive, feeds, steady):
    # F64: from a frame in half a second to one in five.
    policy = msgspec.structs.replace(steady, message_timeout=6.0)
    it = drive(policy).live(feeds.mids())
    chatty(it, feeds.mids(), every=0.5, until=60.0)
    chatty(it, feeds.mids(), every=5.0, until=300.0)
    assert it.told("Disconnected") == []

    assert it.conversation.patience == pytest.approx(15.0, rel=0.01)


def test_a_venue_without_data_costs_six_connections_an_hour_and_then_is_reported(
    drive, feeds
):
    it = drive().live(feeds.mids())

    def speak():
        it.pong()
        if it.state is State.CONNECTING:
            it.opened()
        elif it.state is State.SYNCING:
            it.ack(feeds.mids())

    it.until(HOUR - 1.0, meanwhile=speak, every=0.5)
    assert len(it.told("NoMessages")) == 6
    assert it.state is State.LIVE
    said = "no messages for over 30 s, and the limit of 6 reconnects an hour is used up"
    told = [notice for _, notice in it.told("Degraded") if said in notice.reasons]
    assert told
    assert said in it.session.conversation.reasons(it.now)

    it.until(HOUR + 60.0, meanwhile=speak, every=0.5)
    assert len(it.told("NoMessages")) == 7


# A process that slept


def test_a_tick_that_comes_late_only_leads_to_a_question(drive, feeds):
    it = drive().stable(feeds.trades())
    it.tick(late=5.1)

    assert it.effects[0] == do.Announce(
        say.Probing(pytest.approx(5.1), pytest.approx(0.0))
    )
    assert it.effects[1:] == [do.SendPing()]
    assert it.deadline == it.now + 3.0


@pytest.mark.parametrize("late", [0.0, 4.9])
def test_a_tick_that_is_a_little_late_is_a_tick(drive, feeds, late):
    it = drive().stable(feeds.trades()).tick(late=late)

    assert it.effects == []


@pytest.mark.parametrize("step", [HOUR, -HOUR, 5.1, -5.1])
def test_a_wall_clock_that_jumps_either_way_only_leads_to_a_question(
    drive, feeds, step
):
    it = drive().stable(feeds.trades())
    it.wall += step
    it.tick()

    (probing,) = it.heard("Probing")
    assert probing.jump_seconds == pytest.approx(step)
    assert it.did(do.SendPing) == [do.SendPing()]


@pytest.mark.parametrize("step", [4.9, -4.9])
def test_a_wall_clock_that_is_corrected_a_little_is_fine(drive, feeds, step):
    it = drive().stable(feeds.trades())
    it.wall += step
    it.tick()

    assert it.effects == []


def test_an_answer_settles_the_question_at_no_cost(drive, feeds):
    # F29 and F31: a stepped clock or a blocked loop alone costs nothing.
    it = drive().stable(feeds.mids())
    it.wall += HOUR
    it.tick()
    it.now += 1.0
    it.pong()
    it.data(feeds.mids())
    chatty(it, feeds.mids(), until=it.now + 60.0)

    assert len(it.told("Probing")) == 1
    assert it.told("Disconnected") == []
    assert it.state is State.LIVE


def test_a_pong_that_comes_after_the_question_is_its_answer(drive, feeds):
    it = drive().stable(feeds.trades()).tick(late=600.0)
    it.now += 2.9
    it.pong()
    it.tick()

    assert it.heard("Disconnected") == []
    assert it.state is State.LIVE


def test_frames_are_no_answer_for_they_may_have_waited_since_before_the_nap(
    drive, feeds
):
    it = drive().stable(feeds.trades()).tick(late=600.0)
    it.now += 2.9
    it.data(feeds.trades(), 7)
    it.tick()

    assert [notice.cause for notice in it.heard("Disconnected")] == [Cause.SUSPENDED]


def test_a_question_that_stays_unanswered_ends_the_connection(drive, feeds):
    it = drive().stable(feeds.trades()).tick(late=600.0).tick()

    assert it.effects[0] == do.DropConnection(1, politely=False)
    (gone,) = it.heard("Disconnected")
    assert (gone.cause, gone.reason) == (
        Cause.SUSPENDED,
        "no answer after a suspend",
    )
    assert it.waits == [1.0]


def test_is_back_within_five_seconds_of_waking_up(drive, feeds):
    # F28: ten minutes of sleep, and the connection did not survive.
    it = drive(Policy()).stable(feeds.trades())
    it.wall += 600.0
    it.tick()
    woke = it.now
    while it.state is not State.CONNECTING:
        it.tick()

    assert it.now - woke <= 3.0 + 1.25


def test_nothing_expires_while_the_question_is_open(drive, feeds):
    it = drive().stable(feeds.mids())
    it.now += 600.0  # far beyond silence and the message timeout
    it.at(it.now)
    assert it.state is State.LIVE
    assert it.heard("NoMessages") == []

    it.now += 1.0
    it.pong()
    it.data(feeds.mids())
    it.tick()
    assert it.state is State.LIVE
    assert it.deadline > it.now


def test_a_question_has_all_its_time_however_early_one_looks(drive, feeds):
    it = drive().stable(feeds.trades())
    it.wall += 600.0
    it.tick()
    assert it.heard("Probing")
    it.at(it.now + 2.9)
    assert it.heard("Disconnected") == []

    it.pong().tick()
    assert it.state is State.LIVE


def test_a_question_is_asked_once(drive, feeds):
    it = drive().stable(feeds.trades()).tick(late=600.0)
    it.wall += HOUR
    it.now += 1.0
    it.pong()
    it.tick(late=10.0)

    assert len(it.told("Probing")) == 1
    assert it.state is State.LIVE
    it.tick(late=10.0)
    assert len(it.told("Probing")) == 2


def test_a_question_dies_with_its_connection(drive, feeds):
    it = drive().stable(feeds.trades()).tick(late=600.0)
    it.lost().tick().opened()
    it.until(it.now + 10.0, meanwhile=it.pong, every=2.0)

    assert [notice.cause for _, notice in it.told("Disconnected")] == [Cause.NETWORK]


def test_a_question_that_died_with_its_connection_holds_no_attempt_back(drive, feeds):
    it = drive().stable(feeds.trades()).tick(late=600.0)
    it.now += 1.0
    it.lost()

    assert it.deadline == it.session.retry_at == it.now + 1.0


def test_how_long_a_question_waits_is_a_setting(drive, feeds, steady):
    policy = msgspec.structs.replace(steady, probe_timeout=1.5, late_after=8.0)
    it = drive(policy).stable(feeds.trades()).tick(late=8.0)
    assert it.heard("Probing") == []

    it.pong().tick(late=8.1)
    assert it.deadline == it.now + 1.5


# ... while it waits to try again


def waiting(drive, steps=5, **policy):
    """Return a session in a long back-off whose clocks were just compared."""
    it = drive(msgspec.structs.replace(Policy(backoff=Backoff(jitter=0.0)), **policy))
    it.connect()
    for _ in range(steps):
        it.lost().tick()
    it.lost()
    assert it.state is State.BACKOFF
    return it


def test_waking_up_during_back_off_shortens_the_wait(drive):
    it = waiting(drive)
    assert it.deadline == it.now + 29.0  # to say that it is down; the retry is later
    it.wall += 600.0
    it.tick()

    assert it.session.retry_at == it.now + 1.0
    assert it.session.attempts.failures == 0
    assert it.heard("Probing") == []
    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(7)]


def test_the_shortened_wait_is_the_first_delay_of_the_settings(drive):
    it = waiting(drive, steps=1, backoff=Backoff(7.0, 600.0, 6.0, jitter=0.0))
    it.wall += 600.0
    it.at(it.now + 1.0)

    assert it.session.retry_at == it.now + 7.0


def test_waking_up_shortly_before_the_attempt_does_not_put_it_off(drive):
    it = waiting(drive, backoff=Backoff(20.0, jitter=0.0))
    retry_at = it.session.retry_at
    it.wall += 600.0
    it.at(retry_at - 5.0)

    assert it.session.retry_at == retry_at


def test_a_clock_that_is_set_back_shortens_nothing(drive):
    it = waiting(drive)
    retry_at = it.session.retry_at
    it.wall -= 600.0
    it.tick()

    assert it.session.retry_at == retry_at
    assert it.session.attempts.failures == 6


def test_a_clock_that_is_corrected_a_little_forgives_nothing(drive):
    it = waiting(drive)
    it.wall += 5.0
    it.at(it.session.retry_at + 600.0)

    assert it.session.attempts.failures == 6


def test_a_stopped_process_tries_again_at_once_when_it_is_resumed(drive):
    it = waiting(drive)
    retry_at = it.session.retry_at
    it.at(retry_at + 600.0)
    assert it.did(do.OpenConnection) == []
    assert it.session.retry_at == it.now + 1.0

    it.tick()
    assert it.state is State.CONNECTING


def test_waking_up_shortens_the_wait_for_room_for_the_first_attempt_too(drive):
    connections = Window(1)
    connections.take(0.0)
    it = drive(connections=connections)
    it.feed(on.ConnectRequested(it.wall))
    assert (it.state, it.session.retry_at) == (State.BACKOFF, 60.0)
    it.wall += 600.0
    it.at(5.0)

    assert it.session.retry_at == 6.0


def test_waking_up_does_not_overrule_a_venue_that_asked_us_to_wait(drive):
    it = drive().connect().lost().tick()
    it.lost(Cause.RATE_LIMITED, code=429, retry_after=40.0)
    retry_at = it.session.retry_at
    it.wall += 600.0
    it.at(it.now + 5.0)

    assert it.session.retry_at == retry_at
    assert it.session.attempts.failures == 2


def test_a_late_tick_does_not_report_being_down_twice(drive):
    it = waiting(drive)
    it.at(it.now + 200.0)
    assert it.heard("Down") == []

    it.tick()
    assert len(it.heard("Down")) == 1


# ... while it opens or closes a connection


def test_an_attempt_gets_a_grace_after_a_nap_because_answers_may_be_waiting(drive):
    it = drive().connect().tick(late=600.0)
    assert it.effects == []
    assert it.deadline == it.now + 3.0

    it.now += 1.0
    it.opened()
    assert it.state is State.LIVE
    it.until(it.now + 5.0)
    assert it.state is State.LIVE


def test_an_attempt_after_a_loss_owes_no_answer_to_a_question_of_before(drive, feeds):
    it = drive().stable(feeds.trades()).lost().tick()
    it.tick(late=600.0).tick()

    assert [gone.cause for gone in it.heard("Disconnected")] == [Cause.CONNECT_TIMEOUT]


def test_an_attempt_that_does_not_use_its_grace_is_given_up(drive):
    it = drive().connect().tick(late=600.0).tick()

    (gone,) = it.heard("Disconnected")
    assert gone.cause is Cause.CONNECT_TIMEOUT


def test_an_attempt_that_fails_in_its_grace_is_followed_when_the_grace_is_over(drive):
    it = drive().connect().tick(late=600.0)
    woke = it.now
    it.now += 1.0
    it.lost()
    assert it.session.retry_at == woke + 2.0

    it.tick()
    assert (it.state, it.now) == (State.CONNECTING, woke + 3.0)


def test_an_attempt_that_was_called_off_leaves_no_grace_behind(drive):
    it = drive().connect().tick(late=600.0)
    it.close().lost().connect().opened()

    assert it.deadline == it.now + 1.0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_stepped_clock_does_not_prolong_an_attempt(drive, step):
    it = drive().live().lost().tick()
    started = it.now
    it.wall += step
    it.tick()

    assert it.now == started + 10.0
    assert it.state is State.BACKOFF


@pytest.mark.parametrize(("late", "step"), [(600.0, 0.0), (0.0, HOUR)])
def test_nothing_prolongs_a_goodbye(drive, late, step):
    it = drive().stable().close()
    it.wall += step
    it.tick(late=late)

    assert it.state is State.CLOSED


# The next moment


def test_time_that_passes_while_nothing_is_pending_changes_nothing(drive):
    it = drive().at(5.0)
    assert it.effects == []
    it.wall += HOUR
    it.at(6.0)

    assert it.effects == []
    assert it.deadline == inf
    it.connect()
    assert it.deadline == 16.0


def test_time_that_comes_early_changes_nothing(drive, feeds):
    it = drive().live(feeds.trades())
    deadline = it.deadline
    it.at(deadline - 0.5)

    assert it.effects == []
    assert it.deadline == deadline


def test_ticks_once_a_second_while_connected(drive, feeds):
    it = drive().stable(feeds.trades())
    moments = []
    for _ in range(5):
        it.pong()
        moments.append(it.tick().now)

    assert [b - a for a, b in pairwise(moments)] == [1.0] * 4


def test_how_often_it_looks_at_the_clocks_is_a_setting(drive, steady):
    it = drive(msgspec.structs.replace(steady, tick=2.5)).connect().opened()

    assert it.deadline == 2.5


@pytest.mark.parametrize("down_after", [-1.0, 0.0])
def test_a_deadline_that_time_cannot_move_is_a_bug_and_said_so(
    drive, steady, down_after
):
    it = drive().live()
    it.session._down_at = 1.0
    it.session.policy = msgspec.structs.replace(steady, down_after=down_after)

    with pytest.raises(AssertionError, match="Session live"):
        it.session.handle(on.TimePassed(it.wall), 1.0)


def test_leaving_a_connection_stops_its_clocks(drive, feeds):
    it = drive().live(feeds.mids()).lost()

    assert it.deadline == it.session.retry_at == 1.0
    assert it.conversation.deadline == inf
    assert it.heard("StateChanged")[0].because is Trigger.LOST
