"""The life cycle: who comes, who goes, and whose news counts."""

from __future__ import annotations

from math import inf

import msgspec
import pytest

from bistoury.session import Cause, Policy, Session, State, Trigger
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session import notices as say
from bistoury.session.breaker import Breaker

S, T = State, Trigger


def moves(driver):
    return [(it.old, it.new, it.because) for it in driver.heard("StateChanged")]


def bring_to(driver, state, *feeds):
    """Bring a new session to ``state``."""
    match state:
        case S.IDLE:
            pass
        case S.CONNECTING:
            driver.want(*feeds).connect()
        case S.SYNCING:
            driver.want(*feeds).connect().opened()
        case S.LIVE:
            driver.live(*feeds)
        case S.BACKOFF:
            driver.want(*feeds).connect().lost()
        case S.CLOSING:
            driver.want(*feeds).connect().close()
        case S.CLOSED:
            driver.want(*feeds).connect().close().lost()
    assert driver.state is state
    return driver


# Coming


def test_a_new_session_does_nothing_by_itself(drive):
    it = drive()

    assert it.state is S.IDLE
    assert it.deadline == inf
    assert it.session.connection_id == 0
    assert it.session.opened_at == -inf
    assert it.session.policy.backoff.jitter == 0.0
    assert not it.session.is_lost
    assert it.session.last_error == ""


def test_the_numbers_of_a_session_are_those_of_the_venue_and_the_specification():
    session = Session()

    assert session.policy == Policy()
    assert session.connections.limit == 30
    assert session.messages.limit == 2_000
    assert (session.breaker.threshold, session.breaker.timeout) == (5, 300.0)
    assert not session.breaker_is_gate
    assert session.attempts.connections is session.connections
    assert session.attempts.breaker is session.breaker
    assert session.attempts.rng is session.rng
    assert not session.attempts.is_gate
    assert session.conversation.messages is session.messages
    assert session.conversation.policy is session.policy


def test_a_breaker_that_was_handed_over_may_be_the_gate():
    breaker = Breaker(1, 9.0)
    session = Session(breaker=breaker, breaker_is_gate=True)

    assert session.attempts.is_gate
    assert session.attempts.breaker is breaker


def test_connecting_opens_a_numbered_connection(drive):
    it = drive().connect()

    assert it.effects == [
        do.Announce(say.StateChanged(S.IDLE, S.CONNECTING, T.CONNECT)),
        do.OpenConnection(1),
    ]
    assert it.deadline == 10.0


def test_an_open_connection_is_greeted_pinged_and_asked_for_everything(drive, feeds):
    it = drive().want(feeds.trades(), feeds.fills()).connect().opened()

    assert it.state is S.SYNCING
    assert it.session.opened_at == 0.0
    assert it.effects == [
        do.Announce(say.StateChanged(S.CONNECTING, S.SYNCING, T.OPENED)),
        do.Announce(say.Connected(1)),
        do.SendPing(),
        do.SendSubscribe(feeds.fills()[0]),
        do.SendSubscribe(feeds.trades()[0]),
    ]
    assert it.deadline == 1.0


def test_with_nothing_wanted_it_is_live_once_the_socket_is_open(drive):
    it = drive().connect().opened()

    assert it.state is S.LIVE
    assert moves(it) == [
        (S.CONNECTING, S.SYNCING, T.OPENED),
        (S.SYNCING, S.LIVE, T.SYNCED),
    ]


def test_it_is_live_when_everything_wanted_is_acknowledged(drive, feeds):
    it = drive().want(feeds.trades("BTC"), feeds.trades("ETH")).connect().opened()
    it.ack(feeds.trades("ETH"))
    assert it.state is S.SYNCING

    it.ack(feeds.trades("BTC"))
    assert moves(it) == [(S.SYNCING, S.LIVE, T.SYNCED)]


def test_a_later_subscription_does_not_end_live(drive, feeds):
    it = drive().live().want(feeds.trades())

    assert it.state is S.LIVE
    assert it.asked() == [feeds.trades()[0]]


@pytest.mark.parametrize("state", [s for s in S if s not in (S.IDLE, S.CLOSED)])
def test_connecting_twice_is_connecting_once(drive, feeds, state):
    it = bring_to(drive(), state, feeds.trades()).connect()

    assert it.effects == []
    assert it.state is state


def test_an_attempt_is_given_up_after_ten_seconds_whatever_hangs(drive):
    it = drive().connect().tick()

    assert it.now == 10.0
    assert it.did(do.DropConnection) == [do.DropConnection(1, politely=False)]
    (gone,) = it.heard("Disconnected")
    assert gone == say.Disconnected(
        Cause.CONNECT_TIMEOUT, None, "not open after 10 s", 1, 0.0, was_open=False
    )
    assert it.session.last_error == "not open after 10 s"
    assert it.state is S.BACKOFF


# Being lost


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("state", [S.CONNECTING, S.SYNCING, S.LIVE])
def test_any_end_that_was_not_asked_for_leads_to_another_attempt(
    drive, feeds, state, cause
):
    it = bring_to(drive(), state, feeds.trades())
    it.lost(cause)

    assert it.state is S.BACKOFF
    assert it.deadline < inf
    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(2)]


def test_a_loss_is_told_with_what_is_known_of_it(drive):
    it = drive().live()
    it.now = 7.5
    it.lost(Cause.SERVER_ROTATION, code=1000, reason="Expired")

    assert it.effects == [
        do.Announce(
            say.Disconnected(Cause.SERVER_ROTATION, 1000, "Expired", 1, 7.5, True)
        ),
        do.Announce(say.StateChanged(S.LIVE, S.BACKOFF, T.LOST)),
        do.Announce(say.Reconnecting(1, 1.0, Cause.SERVER_ROTATION)),
    ]
    assert it.session.last_error == "Expired"


def test_a_connection_is_up_from_when_it_opened(drive):
    it = drive()
    it.now = 10.0
    it.connect().opened()
    it.now = 15.0
    it.lost()

    assert [gone.uptime_seconds for gone in it.heard("Disconnected")] == [5.0]


def test_a_loss_without_a_reason_is_known_by_its_cause(drive):
    it = drive().live().lost(Cause.DNS)

    assert it.session.last_error == "dns"


def test_an_attempt_that_fails_had_no_uptime(drive):
    it = drive().connect()
    it.now = 3.0
    it.lost(Cause.REJECTED, code=503, reason="upgrade: 503")

    assert it.heard("Disconnected") == [
        say.Disconnected(Cause.REJECTED, 503, "upgrade: 503", 1, 0.0, was_open=False)
    ]


def test_the_second_attempt_that_fails_has_no_uptime_either(drive):
    it = drive().live().lost().tick()
    it.now += 3.0
    it.lost()

    (gone,) = it.heard("Disconnected")
    assert (gone.uptime_seconds, gone.was_open) == (0.0, False)


def test_something_is_lost_until_it_is_live_again(drive, feeds):
    it = drive().live(feeds.trades())
    assert not it.session.is_lost

    it.lost()
    assert it.session.is_lost
    it.tick().opened()
    assert it.session.is_lost
    it.ack(feeds.trades())
    assert not it.session.is_lost


# Fencing by number


def old_news(it, feed):
    it.opened(1)
    yield it.effects
    it.lost(number=1)
    yield it.effects
    it.pong(1)
    yield it.effects
    it.data(feed, 1, number=1)
    assert it.admitted is None
    it.feed(on.DataStarted(1, feed[0]))
    yield it.effects


@pytest.mark.parametrize("state", [S.BACKOFF, S.CONNECTING, S.SYNCING, S.LIVE])
def test_news_of_an_old_connection_is_history(drive, feeds, state):
    feed = feeds.trades()
    it = drive().live(feed).lost().tick().lost()
    if state is not S.BACKOFF:
        it.tick()
    if state in (S.SYNCING, S.LIVE):
        it.opened()
    if state is S.LIVE:
        it.ack(feed)
    assert it.state is state

    assert [effects for effects in old_news(it, feed) if effects] == []
    assert it.state is state
    assert it.conversation.received == 0


def test_a_number_from_the_future_is_no_news_either(drive):
    it = drive().live()
    for news in (it.opened, it.lost, it.pong):
        news(number=2)
        assert it.effects == []


def test_a_message_after_the_loss_is_not_heard(drive, feeds):
    it = drive().live(feeds.trades()).lost().pong()
    assert it.effects == []

    it.data(feeds.trades(), 1)
    assert it.admitted is None
    it.feed(on.DataStarted(1, feeds.trades()[0]))
    assert it.effects == []


def test_a_message_after_the_loss_proves_nothing_of_the_next_connection(drive):
    it = drive().live().lost().pong().tick().opened()
    assert not it.session.is_ready

    it.pong()
    assert it.session.is_ready


def test_a_second_end_of_one_connection_is_no_news(drive):
    it = drive().live().lost().lost().lost()

    assert it.effects == []
    assert it.waits == [1.0]


def test_simultaneous_triggers_open_one_connection(drive, feeds):
    # F51: a close, an error, the watchdog and the user, within a millisecond.
    it = drive().stable(feeds.mids())
    it.until(it.now + 20.0, meanwhile=it.pong, every=5.0)
    start = len(it.opens())
    it.lost(Cause.SERVER_ROTATION, code=1012)
    it.lost(Cause.NETWORK)
    it.at(it.now + 0.0001)
    it.reconnect("user")
    it.lost(Cause.SILENT)
    it.reconnect("again")
    it.until(it.now + 5.0)

    assert len(it.opens()) == start + 1


# Going


def test_closing_says_goodbye_and_ends_when_the_connection_does(drive, feeds):
    it = drive().live(feeds.trades())
    it.now = 4.0
    it.close()

    assert it.state is S.CLOSING
    assert it.effects == [
        do.Announce(say.Disconnected(Cause.USER, None, "", 1, 4.0, was_open=True)),
        do.Announce(say.StateChanged(S.LIVE, S.CLOSING, T.CLOSE)),
        do.DropConnection(1, politely=True),
    ]
    assert it.deadline == 5.0

    it.lost(Cause.SERVER_ROTATION, code=1000)
    assert it.effects == [
        do.Announce(say.StateChanged(S.CLOSING, S.CLOSED, T.LOST)),
    ]
    assert it.deadline == inf


@pytest.mark.parametrize(
    ("state", "after", "drops"),
    [
        (S.IDLE, S.CLOSED, []),
        (S.CONNECTING, S.CLOSING, [do.DropConnection(1, politely=True)]),
        (S.SYNCING, S.CLOSING, [do.DropConnection(1, politely=True)]),
        (S.LIVE, S.CLOSING, [do.DropConnection(1, politely=True)]),
        (S.BACKOFF, S.CLOSED, []),
        (S.CLOSING, S.CLOSING, []),
        (S.CLOSED, S.CLOSED, []),
    ],
)
def test_closing_works_in_every_state(drive, feeds, state, after, drops):
    it = bring_to(drive(), state, feeds.trades()).close()

    assert it.state is after
    assert it.did(do.DropConnection) == drops
    assert bool(it.heard("Disconnected")) is (state in (S.SYNCING, S.LIVE))
    assert it.deadline == (1.0 if after is S.CLOSING else inf)
    it.until(100.0)
    assert it.state is S.CLOSED
    assert it.deadline == inf


def test_closing_does_not_wait_for_a_peer_that_never_agrees(drive):
    it = drive().live().close().tick()

    assert it.now == 1.0
    assert moves(it) == [(S.CLOSING, S.CLOSED, T.TIMED_OUT)]


def test_what_comes_while_closing_does_not_bring_it_back(drive, feeds):
    it = drive().want(feeds.trades()).connect().close()
    it.opened()
    it.pong()
    it.data(feeds.trades(), 1)

    assert it.effects == []
    assert it.admitted is None
    assert it.state is S.CLOSING


def test_closing_during_back_off_ends_the_wait(drive):
    it = drive().connect().lost().close()

    assert it.session.retry_at == inf
    assert it.deadline == inf


def test_a_closed_session_remembers_what_is_wanted_and_can_connect_again(drive, feeds):
    it = drive().live(feeds.trades()).close().lost()
    it.connect()
    assert it.did(do.OpenConnection) == [do.OpenConnection(2)]

    it.opened()
    assert it.asked() == [feeds.trades()[0]]


def test_connecting_again_after_a_close_starts_the_back_off_anew(drive):
    it = drive().connect().lost().tick().lost().tick().lost()
    assert it.waits == [1.0, 2.0, 4.0]
    it.close().connect().lost()

    assert it.waits[-1] == 1.0
    assert it.session.attempts.failures == 1


def test_nothing_is_lost_after_a_close_that_was_asked_for(drive):
    it = drive().connect().lost()
    assert it.session.is_lost

    it.close()
    assert not it.session.is_lost


def test_a_subscription_that_is_ended_while_down_is_not_restored(drive, feeds):
    it = drive().live(feeds.trades("BTC"), feeds.trades("ETH")).lost()
    it.release(feeds.trades("BTC"))
    assert it.effects == []

    it.tick().opened()
    assert it.asked() == [feeds.trades("ETH")[0]]


# Reconnecting because somebody said so


def test_reconnecting_drops_one_connection_and_opens_another_at_once(drive):
    it = drive().live()
    it.now = 3.0
    it.reconnect("because")

    assert it.effects == [
        do.DropConnection(1, politely=True),
        do.Announce(say.Disconnected(Cause.USER, None, "because", 1, 3.0, True)),
        do.Announce(say.StateChanged(S.LIVE, S.BACKOFF, T.LOST)),
        do.Announce(say.Reconnecting(1, 0.0, Cause.USER)),
    ]
    assert it.deadline == 3.0
    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(2)]


def test_reconnecting_is_no_failure(drive):
    it = drive().live()
    for _ in range(6):
        it.reconnect().tick().opened()
    it.lost()

    assert it.waits == [0.0] * 6 + [1.0]
    assert it.session.attempts.failures == 1
    assert it.session.breaker.failures == 1


def test_reconnecting_during_back_off_ends_the_wait(drive):
    it = drive().connect().lost().tick().lost()
    assert it.deadline == 3.0
    it.reconnect()

    assert it.effects == []
    assert it.deadline == it.now
    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(3)]


@pytest.mark.parametrize("state", [S.IDLE, S.CONNECTING, S.CLOSING, S.CLOSED])
def test_reconnecting_is_nothing_where_there_is_nothing_to_replace(drive, feeds, state):
    it = bring_to(drive(), state, feeds.trades())
    deadline = it.deadline
    it.reconnect()

    assert it.effects == []
    assert it.deadline == deadline


def test_reconnecting_counts_as_an_attempt(drive):
    it = drive().live().lost().tick().opened()
    it.reconnect()

    assert it.heard("Reconnecting") == [say.Reconnecting(2, 0.0, Cause.USER)]


# With and without automatic reconnection


def off(steady):
    return msgspec.structs.replace(steady, auto_reconnect=False)


@pytest.mark.parametrize("state", [S.CONNECTING, S.SYNCING, S.LIVE])
def test_without_automatic_reconnection_a_loss_is_the_end(drive, feeds, steady, state):
    it = bring_to(drive(off(steady)), state, feeds.trades())
    it.lost()

    assert moves(it) == [(state, S.CLOSED, T.GAVE_UP)]
    assert it.heard("Reconnecting") == []
    assert it.deadline == inf
    assert it.session.is_lost


@pytest.mark.parametrize("state", [s for s in S if s is not S.BACKOFF])
def test_switching_it_off_changes_nothing_at_once(drive, feeds, steady, state):
    it = bring_to(drive(), state, feeds.trades())
    it.adopt(off(steady))

    assert it.effects == []
    assert it.state is state
    assert it.session.policy == it.conversation.policy == off(steady)


def test_switching_it_off_during_back_off_ends_the_wait(drive, steady):
    it = drive().connect().lost().adopt(off(steady))

    assert moves(it) == [(S.BACKOFF, S.CLOSED, T.GAVE_UP)]
    assert it.deadline == inf
    assert it.session.is_lost


def test_switching_it_on_does_not_connect_by_itself(drive, steady):
    it = drive(off(steady)).connect().lost().adopt(steady)

    assert it.effects == []
    assert it.state is S.CLOSED


def test_switching_it_on_counts_for_the_connection_that_is_there(drive, steady):
    it = drive(off(steady)).live().adopt(steady).lost()

    assert it.state is S.BACKOFF


def test_reconnecting_on_request_works_without_automatic_reconnection(drive, steady):
    it = drive(off(steady)).live().reconnect()
    assert it.state is S.BACKOFF

    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(2)]
    it.lost()
    assert it.state is S.CLOSED


def test_an_attempt_that_a_limit_holds_back_is_not_a_retry(drive, steady):
    it = drive(off(steady))
    it.session.connections.limit = 0
    it.connect()
    assert it.state is S.BACKOFF

    it.adopt(msgspec.structs.replace(off(steady), message_timeout=10.0))
    assert it.state is S.BACKOFF
    it.session.connections.limit = 30
    it.tick()
    assert it.did(do.OpenConnection) == [do.OpenConnection(1)]


# For the people who look


def test_shows_what_matters(drive, feeds):
    it = drive().live(feeds.trades(), feeds.mids())

    assert repr(it.session) == "<Session live #1, 2 subscriptions>"


def test_effects_are_handed_over_once(drive):
    it = drive().connect()
    first = it.effects
    it.pong(7)

    assert it.effects == []
    assert len(first) == 2


def test_an_unknown_message_of_a_wanted_connection_is_harmless(drive):
    it = drive().live()
    it.hear(None)

    assert it.effects == []


def test_two_sessions_share_nothing_unless_asked_to():
    one, other = Session(), Session()

    assert one.registry is not other.registry
    assert one.connections is not other.connections
    assert one.messages is not other.messages
    assert one.breaker is not other.breaker
    assert one.rng is not other.rng
