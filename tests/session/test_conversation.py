from __future__ import annotations

from math import inf

import pytest

from bistoury.session import (
    Acknowledged,
    Cause,
    Complaint,
    Policy,
    Pong,
    Promise,
    Subscription,
    Traits,
    Update,
    VenueError,
)
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session import notices as say
from bistoury.session.budget import Window
from bistoury.session.conversation import Conversation
from bistoury.session.model import Heals


class Talk:
    """A conversation, and what it says."""

    def __init__(self, policy=None, limit=2_000):
        self.effects = []
        self.frames = 0
        self.window = Window(limit)
        self.it = Conversation(policy or Policy(), self.window, self.effects)

    def want(self, *feeds):
        for subscription, traits in feeds:
            self.it.registry.want(subscription, traits)
        return self

    def begin(self, now=0.0):
        self.it.begin(1, now)
        return self

    def said(self):
        """Return what was asked for since the last look, and forget it."""
        said = self.effects.copy()
        self.effects.clear()
        return said

    def ack(self, one, now=0.0, *, subscribed=True):
        self.it.receive(Acknowledged(subscribed, one[0].fields), now)
        return self

    def refuse(self, one, now=0.0, *, subscribed=True):
        fields = one[0].fields
        error = VenueError(Complaint.REFUSED, "no such coin", fields, subscribed)
        self.it.receive(error, now)
        return self

    def complain(self, kind, now=0.0, limit=None):
        self.it.receive(VenueError(kind, "too many", limit=limit), now)
        return self

    def held(self, *feeds, now=0.0):
        """Begin with these feeds granted."""
        self.want(*feeds).begin(now)
        for one in feeds:
            self.ack(one, now)
        self.said()
        return self

    def data(self, one, now, *times, **facts):
        """Let a frame come; rows are known by their venue times."""
        self.frames += 1
        update = Update(one[1].route, str(self.frames).encode(), **facts)
        if one[1].memory:
            update.message = update.message or {"data": []}
            update.keep([(at, at, at) for at in times])
        self.admitted = self.it.admit(self.it.connection_id, update, now)
        if self.admitted is None and self.it.is_doubtful:
            self.it.suspect(on.LossSuspected(1, Cause.SILENT), now)
            self.admitted = self.it.admit(self.it.connection_id, update, now)
        return update

    def started(self, one, now=0.0):
        self.it.data_started(on.DataStarted(1, one[0]), now)
        return self

    def end(self, now=0.0):
        self.it.end(Cause.NETWORK, now, quietly=False)
        return self

    def entry(self, one):
        return self.it.registry.entries[one[0]]


def feed(name, **traits):
    traits.setdefault("route", name)
    return Subscription(name), Traits(**traits)


BOOK = feed("book", promise=Promise.PERIODIC, heals=Heals.ITSELF)
MIDS = feed("mids", promise=Promise.PERIODIC, greets=True, heals=Heals.ITSELF)
TRADES = feed("trades", replays=True, memory=100, is_lossless=True, heals=Heals.REPLAY)
USER = feed(
    "fills",
    user="0xa",
    greets=True,
    memory=100,
    is_lossless=True,
    heals=Heals.REQUEST,
)
MANY = [feed(f"coin-{n}") for n in range(30)]


@pytest.fixture
def talk():
    return Talk


def requests(effects):
    """Return how many messages would leave."""
    return sum(not isinstance(effect, do.Announce) for effect in effects)


def notices(effects):
    return [effect.notice for effect in effects if isinstance(effect, do.Announce)]


# Beginning and end


def test_begins_with_a_ping_and_then_asks_for_all_that_is_wanted(talk):
    it = talk().want(BOOK, USER).begin()

    assert it.said() == [
        do.SendPing(),
        do.SendSubscribe(USER[0]),
        do.SendSubscribe(BOOK[0]),
    ]
    assert it.it.is_open
    assert it.it.connection_id == 1


def test_says_nothing_without_a_connection(talk):
    it = talk().want(BOOK)
    it.it.pump(0.0)

    assert it.said() == []
    assert it.it.deadline == inf


def test_begins_anew_after_an_end(talk):
    it = talk().held(BOOK)
    it.end()
    assert not it.it.is_open
    assert it.it.deadline == inf

    it.begin(100.0)
    assert do.SendSubscribe(BOOK[0]) in it.said()


# Room


def test_keeps_a_tenth_of_the_messages_for_pings_and_goodbyes(talk):
    it = talk(limit=20).want(*MANY).begin()

    # 20 - 2 in reserve, the first of which is the ping.
    assert requests(it.said()) == 18
    assert it.window.used(0.0) == 18


def test_goes_on_when_the_window_has_room_again(talk):
    it = talk(limit=20).want(*MANY).begin()
    it.said()
    assert it.it.deadline == 5.0  # acknowledgements first

    for one in MANY:
        it.ack(one, 1.0)
    assert it.it.deadline == 14.0
    it.said()
    it.it.pump(59.9)
    assert it.said() == []
    assert it.it._send_at == 60.0
    it.it.pump(60.0)
    assert requests(it.said()) == 13


def test_without_anything_unsent_it_does_not_wait_for_room(talk):
    it = talk(limit=20).want(*MANY[:17]).begin()

    assert it.it._send_at == inf


def test_waits_for_room_even_for_one(talk):
    it = talk(limit=20).want(*MANY[:18]).begin()

    assert it.it._send_at == 60.0


def test_what_waits_for_an_answer_does_not_wait_for_time(talk):
    # Both have one route: the second is sent when the first has left.
    old = Subscription("l2Book", (("nSigFigs", 2),)), Traits("same")
    new = Subscription("l2Book", (("nSigFigs", 5),)), Traits("same")
    it = talk().held(old)
    it.it.give_up(old[0])
    it.want(new)
    it.it.pump(1.0)

    assert it.said() == [do.SendUnsubscribe(old[0])]
    assert it.it._send_at == inf
    it.ack(old, 2.0, subscribed=False)
    it.it.pump(2.0)
    assert it.said() == [do.SendSubscribe(new[0])]


def test_goodbyes_use_the_reserve_but_leave_a_tenth_of_it_to_pings(talk):
    it = talk(limit=200).held(*[feed(f"coin-{n}") for n in range(150)])
    it.window.take(0.0, 29)  # 180 used: subscribing is over
    for n in range(150):
        it.it.give_up(Subscription(f"coin-{n}"))
    it.it.pump(1.0)

    said = it.said()
    assert len(said) == 18
    assert all(isinstance(effect, do.SendUnsubscribe) for effect in said)
    assert it.it._send_at == 60.0


def test_never_sends_more_than_the_venue_allows_when_everything_changes(talk):
    it = talk(limit=200).held(*[feed(f"old-{n}") for n in range(150)])
    for n in range(150):
        it.it.give_up(Subscription(f"old-{n}"))
    it.want(*[feed(f"new-{n}") for n in range(150)])
    it.it.pump(1.0)

    assert it.window.used(1.0) <= 198


def test_pings_need_no_room(talk):
    it = talk(limit=20).want(*MANY).begin()
    it.window.fill(0.0)
    it.said()
    it.it.ping(1.0)

    assert it.said() == [do.SendPing()]
    assert it.window.used(1.0) == 21


# Pings and silence


def test_pings_at_intervals(talk):
    it = talk().begin()
    it.said()
    moments = []
    for _ in range(3):
        now = it.it.deadline
        it.it.receive(Pong(), now - 1.0)
        assert it.it.inspect(now) is None
        moments.append(now)
        assert it.said() == [do.SendPing()]

    assert moments == [14.0, 28.0, 42.0]


def test_gives_up_after_24_seconds_without_a_byte(talk):
    it = talk().begin()
    assert it.it.inspect(14.0) is None
    assert it.it.inspect(23.99) is None

    assert it.it.inspect(24.0) == (Cause.SILENT, "nothing heard for 24 s")


@pytest.mark.parametrize(
    "message",
    [
        Pong(),
        Acknowledged(True, {"type": "nothing"}),
        VenueError(Complaint.OTHER, "what?"),
    ],
    ids=["pong", "acknowledgement", "error"],
)
def test_any_answer_is_a_sign_of_life(talk, message):
    it = talk().begin()
    it.it.inspect(14.0)
    it.it.receive(message, 20.0)

    assert it.it.inspect(43.9) is None
    assert it.it.inspect(44.0) is not None


@pytest.mark.parametrize("one", [TRADES, feed("unknown")], ids=["wanted", "not wanted"])
def test_any_data_is_a_sign_of_life(talk, one):
    it = talk().held(TRADES)
    it.data(one, 20.0)

    assert it.it.inspect(43.9) is None


def test_what_is_sent_is_no_sign_of_life(talk):
    it = talk().held(TRADES)
    for n, at in enumerate((5.0, 10.0, 15.0, 20.0, 23.0)):
        it.want(feed(f"more-{n}"))
        it.it.pump(at)
        it.it.ping(at)

    assert it.it.inspect(24.0) == (Cause.SILENT, "nothing heard for 24 s")


def test_the_settings_of_silence_are_added(talk):
    it = talk(Policy(ping_interval=2.0, pong_timeout=1.0)).begin()

    assert it.it.inspect(3.0) == (Cause.SILENT, "nothing heard for 3 s")


# Promised data


def test_promised_data_that_does_not_come_ends_the_connection(talk):
    it = talk().held(BOOK)
    it.it.receive(Pong(), 29.0)
    assert it.it.inspect(29.99) is None
    it.said()

    assert it.it.inspect(30.0) == (Cause.SILENT, "no messages for 30 s")
    assert notices(it.said()) == [say.NoMessages(1, 30.0)]


def test_pongs_and_acknowledgements_are_not_data(talk):
    it = talk().want(BOOK, *MANY[:20]).begin()
    it.ack(BOOK, 1.0)
    for n in range(20):
        it.it.receive(Pong(), 2.0 + n)
        it.ack(MANY[n], 2.0 + n)

    assert it.it.inspect(30.9) is None
    assert it.it.inspect(31.0) is not None


def test_any_wanted_data_is_data(talk):
    it = talk().held(BOOK, TRADES)
    it.data(TRADES, 20.0, 1)
    it.it.receive(Pong(), 40.0)

    assert it.it.inspect(49.9) is None
    assert it.it.inspect(50.0) is not None


def test_data_nobody_wants_is_not_the_promised_data(talk):
    it = talk().held(BOOK)
    it.data(feed("stray"), 25.0)

    assert it.it.inspect(30.0) is not None


def test_only_feeds_that_speak_at_intervals_promise(talk):
    it = talk().held(TRADES, USER)
    it.started(USER)
    it.it.receive(Pong(), 1e6)

    assert it.it.inspect(1e6) is None
    assert it.it.reasons(1e6) == ()


def test_a_loss_while_a_ping_stays_unanswered_reaches_back_to_that_ping(talk):
    it = talk().held(TRADES)
    it.it.receive(Pong(), 0.0)
    it.data(TRADES, 1.0, 5)
    it.it.ping(2.0)
    it.data(TRADES, 3.0, 9)  # what came between may be all that was lost
    it.end(4.1)

    assert [gap.since for gap in gaps(it.said())] == [5]


@pytest.mark.parametrize(("ended", "answered"), [(3.9, False), (9.0, True)])
def test_a_ping_that_may_still_be_answered_makes_no_doubt(talk, ended, answered):
    it = talk().held(TRADES)
    it.it.receive(Pong(), 0.0)
    it.data(TRADES, 1.0, 5)
    it.it.ping(2.0)
    if answered:
        it.it.receive(Pong(), 2.5)
    it.data(TRADES, 3.0, 9)
    it.end(ended)

    assert [gap.since for gap in gaps(it.said())] == [9]


def test_a_promise_begins_with_its_acknowledgement(talk):
    it = talk().want(BOOK).begin()
    it.it.receive(Pong(), 20.0)
    it.ack(BOOK, 20.0)
    it.it.receive(Pong(), 45.0)

    assert it.it.inspect(49.9) is None
    assert it.it.inspect(50.0) is not None


def test_a_second_promise_does_not_put_off_the_first(talk):
    it = talk().want(BOOK, MIDS).begin()
    it.ack(BOOK, 0.0)
    it.ack(MIDS, 20.0)

    assert it.it.inspect(30.0) is not None


def test_without_the_last_promise_nothing_is_missing(talk):
    it = talk().held(BOOK, MIDS, TRADES)
    it.it.receive(Pong(), 29.0)
    it.it.give_up(BOOK[0])
    it.it.give_up(MIDS[0])

    assert it.it.inspect(40.0) is None


def test_one_promise_of_two_is_enough_to_wait_for_data(talk):
    it = talk().held(BOOK, MIDS)
    it.it.give_up(MIDS[0])

    assert it.it.inspect(30.0) is not None


def test_a_new_promise_after_the_last_one_left_starts_the_wait_anew(talk):
    it = talk().held(BOOK)
    it.it.give_up(BOOK[0])
    it.it.receive(Pong(), 100.0)
    it.want(MIDS)
    it.it.pump(100.0)
    it.ack(MIDS, 101.0)
    it.it.receive(Pong(), 125.0)

    assert it.it.inspect(130.9) is None
    assert it.it.inspect(131.0) is not None


def test_the_message_timeout_is_a_setting(talk):
    it = talk(Policy(message_timeout=12.0)).held(BOOK)

    assert it.it.inspect(11.9) is None
    assert it.it.inspect(12.0) == (Cause.SILENT, "no messages for 12 s")


# How long promised data may be missing


def rhythm(it, one, *moments):
    for at in moments:
        it.data(one, at)


def test_patience_is_the_setting_until_an_interval_is_learned(talk):
    it = talk(Policy(message_timeout=10.0)).held(BOOK)
    assert it.it.patience == 10.0

    rhythm(it, BOOK, 1.0)
    assert it.it.patience == 10.0


def test_patience_is_three_intervals_where_that_is_longer(talk):
    it = talk(Policy(message_timeout=10.0)).held(BOOK)
    rhythm(it, BOOK, 5.0, 10.0)

    assert it.it.patience == 15.0


def test_the_fastest_promising_feed_decides(talk):
    it = talk(Policy(message_timeout=1.0)).held(BOOK, MIDS, TRADES)
    rhythm(it, BOOK, 10.0, 20.0)
    rhythm(it, MIDS, 22.0, 26.0)
    rhythm(it, TRADES, 27.0, 27.1)

    assert it.it.patience == 12.0


def test_an_interval_follows_the_venue_slowly(talk):
    it = talk().held(BOOK)
    rhythm(it, BOOK, 1.0, 2.0)
    assert it.entry(BOOK).interval == 1.0

    rhythm(it, BOOK, 7.0)
    assert it.entry(BOOK).interval == pytest.approx(1.4)


def test_a_pause_between_two_connections_is_no_interval(talk):
    it = talk().held(BOOK)
    rhythm(it, BOOK, 1.0, 2.0)
    it.end()
    it.begin(1_000.0)
    it.ack(BOOK, 1_000.0)
    rhythm(it, BOOK, 1_001.0)

    assert it.entry(BOOK).interval == 1.0


def test_the_rhythm_of_a_fast_feed_is_that_of_all_its_messages(talk):
    it = talk().held(BOOK)
    rhythm(it, BOOK, 10.0, 10.01, 10.02)
    assert it.entry(BOOK).interval == 0.0  # looked at twenty times a second
    rhythm(it, BOOK, 10.05)

    assert it.entry(BOOK).interval == pytest.approx(0.05 / 3)
    assert it.entry(BOOK).received == 4


# How often missing data may cost a connection


def test_missing_data_costs_no_more_connections_an_hour_than_the_cap(talk):
    it = talk(Policy(watchdog_cap=2))
    ends = []
    for start in (0.0, 100.0):
        it.held(BOOK, now=start)
        it.it.receive(Pong(), start + 29.0)
        ends.append(it.it.inspect(start + 30.0))
        it.end()
    it.held(BOOK, now=200.0)
    it.it.receive(Pong(), 229.0)

    assert all(end is not None for end in ends)
    assert it.it.inspect(230.0) is None
    assert it.it.deadline > 230.0


def test_past_the_cap_it_says_what_is_wrong_and_decides_again_later(talk):
    it = talk(Policy(watchdog_cap=0)).held(BOOK)
    it.it.receive(Pong(), 29.0)
    assert it.it.reasons(29.9) == ()
    assert it.it.inspect(30.0) is None

    assert it.it.reasons(30.0)[-1] == (
        "no messages for over 30 s, and the limit of 0 reconnects an hour is used up"
    )
    it.it.policy = Policy(watchdog_cap=1)
    for at in (40.0, 50.0, 59.9):
        it.it.receive(Pong(), at)
        assert it.it.inspect(at) is None
    assert it.it.inspect(60.0) == (Cause.SILENT, "no messages for 30 s")


def test_data_that_comes_after_all_ends_the_complaint(talk):
    it = talk(Policy(watchdog_cap=0)).held(BOOK)
    it.it.inspect(30.0)
    it.data(BOOK, 31.0)

    assert it.it.reasons(60.9) == ()


def test_a_refused_feed_is_a_reason(talk):
    it = talk().want(TRADES).begin().refuse(TRADES)

    assert it.it.reasons(0.0) == ("trades refused: no such coin",)


# Data


def test_data_is_given_to_whoever_wants_its_route(talk):
    it = talk().held(BOOK)
    it.data(BOOK, 7.0, time=123)
    it.data(BOOK, 8.0, time=99)

    entry = it.entry(BOOK)
    assert it.admitted is entry
    assert (entry.received, it.it.received) == (2, 2)
    assert (entry.last_at, it.it.data_at) == (8.0, 8.0)
    assert entry.venue_time == 123
    assert it.it.unrouted == 0


def test_data_nobody_wants_is_counted_apart(talk):
    it = talk().held(BOOK)
    it.data(feed("stray"), 7.0)
    it.data(feed("stray"), 7.0)

    assert it.admitted is None
    assert (it.it.unrouted, it.it.received, it.it.data_at) == (2, 0, None)


def test_rows_that_were_delivered_before_are_taken_out(talk):
    it = talk().held(TRADES)
    it.data(TRADES, 5.0, 1, 2)
    update = it.data(TRADES, 6.0, 2, 3)

    assert update.message == {"data": [3]}
    assert not update.is_void
    assert it.data(TRADES, 7.0, 3).is_void


def test_a_state_passes_unless_it_was_seen(talk):
    it = talk().held(BOOK)

    assert not it.data(BOOK, 5.0).is_void
    assert not it.data(BOOK, 5.0).is_void
    it.frames -= 1
    assert it.data(BOOK, 5.0).is_void


def test_a_state_comes_over_a_connection_with_a_number(talk):
    it = talk().held(BOOK)
    it.data(BOOK, 5.0)
    it.end()
    it.it.begin(2, 10.0)
    it.frames -= 1

    assert not it.data(BOOK, 11.0).is_void


def test_history_that_the_venue_marks_is_a_replay(talk):
    it = talk().held(USER)
    update = it.data(USER, 1.0, 1, is_snapshot=True)

    assert update.message == {"data": [1], "snapshot": True}


def test_a_first_frame_of_trades_right_after_the_grant_is_a_replay(talk):
    it = talk().held(TRADES)
    early = it.data(TRADES, 2.0, 1)
    it.started(TRADES)
    late = it.data(TRADES, 2.0, 2)

    assert early.message == {"data": [1], "snapshot": True}
    assert late.message == {"data": [2]}


# Proof


def test_data_proves_a_connection(talk):
    it = talk().held(MIDS)
    assert not it.it.is_proven

    it.started(MIDS)
    assert it.it.is_proven
    assert it.it.registry.mute == set()
    assert notices(it.said()) == [say.Started(MIDS[0])]


def test_a_pong_proves_a_connection_that_nobody_expects_data_of(talk):
    it = talk().want(TRADES).begin()
    assert not it.it.is_proven

    it.it.receive(Pong(), 1.0)
    assert it.it.is_proven


@pytest.mark.parametrize("one", [BOOK, MIDS, USER], ids=lambda it: str(it[0]))
def test_a_pong_proves_nothing_where_data_is_to_be_expected(talk, one):
    it = talk().want(one).begin()
    it.it.receive(Pong(), 1.0)
    it.ack(one, 1.0)
    it.it.receive(Pong(), 2.0)

    assert not it.it.is_proven


def test_an_early_pong_counts_once_nothing_is_to_be_expected_any_more(talk):
    it = talk().want(MIDS).begin()
    it.it.receive(Pong(), 1.0)
    it.refuse(MIDS, 2.0)

    assert it.it.is_proven


def test_an_acknowledgement_proves_nothing(talk):
    it = talk().want(TRADES).begin().ack(TRADES)

    assert not it.it.is_proven


@pytest.mark.parametrize("proof", ["data", "pong"])
def test_each_connection_has_to_be_proven_anew(talk, proof):
    it = talk().held(TRADES)
    if proof == "data":
        it.started(TRADES)
    else:
        it.it.receive(Pong(), 1.0)
    it.end()
    it.begin(10.0)

    assert not it.it.is_proven


# Answers


def test_a_pong_is_timed(talk):
    it = talk().begin(10.0)
    it.it.receive(Pong(), 10.5)

    assert list(it.it.liveness.round_trips) == [0.5]


def test_a_grant_is_announced(talk):
    it = talk().want(TRADES).begin()
    it.said()
    it.ack(TRADES)

    assert notices(it.said()) == [say.Granted(TRADES[0])]


def test_a_grant_of_something_unknown_is_not(talk):
    it = talk().begin()
    it.said()
    it.ack(TRADES)

    assert it.said() == []


def test_a_goodbye_that_is_acknowledged_is_not_announced(talk):
    it = talk().held(TRADES)
    it.it.give_up(TRADES[0])
    it.it.pump(1.0)
    it.said()
    it.ack(TRADES, 1.0, subscribed=False)

    assert it.said() == []


# Unanswered requests


def test_a_request_that_stays_unanswered_is_repeated_after_five_seconds(talk):
    it = talk().want(*MANY[:2]).begin()
    it.said()
    it.ack(MANY[0], 1.0)
    it.said()
    assert it.it.deadline == 5.0
    it.it.inspect(4.99)
    assert it.said() == []
    it.it.inspect(5.0)

    lonely = MANY[1][0]
    assert it.said() == [do.Announce(say.AskedAgain(lonely)), do.SendSubscribe(lonely)]
    assert it.it.deadline == 10.0
    assert it.window.used(5.0) == 4


def test_a_goodbye_that_stays_unanswered_is_repeated_too(talk):
    it = talk().held(TRADES)
    it.it.give_up(TRADES[0])
    it.it.pump(1.0)
    it.said()
    it.it.inspect(6.0)

    assert do.SendUnsubscribe(TRADES[0]) in it.said()


def test_without_room_the_repetition_waits_another_turn(talk):
    it = talk(limit=20).want(*MANY[:2]).begin()
    it.said()
    it.window.take(0.0, 14)  # one message is left that is not in reserve
    it.it.inspect(5.0)
    assert it.said() == [
        do.Announce(say.AskedAgain(MANY[0][0])),
        do.SendSubscribe(MANY[0][0]),
    ]

    assert it.it.deadline == 10.0
    it.it.inspect(10.0)
    assert it.said() == []
    assert it.it.deadline == 14.0
    assert it.it.reasons(10.0) == ()  # none of them was asked for again and again


def test_a_request_that_stays_unanswered_again_and_again_is_a_reason(talk):
    it = talk(limit=20)
    it.window.take(-50.0)
    it.window.take(-55.0, 14)
    it.want(MANY[0]).begin()  # a ping and a request: room for one is left
    it.it.inspect(5.0)
    it.window.take(5.0, 14)
    assert it.it.reasons(5.0) == ()
    it.it.inspect(10.0)

    assert it.it.reasons(10.0) == ("coin-0 not acknowledged, although asked for again",)


# Complaints


def test_every_complaint_is_announced(talk):
    it = talk().begin()
    it.said()
    it.complain(Complaint.OTHER, limit=7)

    assert notices(it.said()) == [say.VenueComplained(Complaint.OTHER, "too many", 7)]


def test_a_refusal_reaches_its_subscription(talk):
    it = talk().want(TRADES, BOOK).begin()
    it.said()
    it.refuse(TRADES, 3.0)

    assert notices(it.said())[1:] == [
        say.Refused(TRADES[0], "no such coin", will_retry=False)
    ]
    assert it.entry(TRADES).refused_at == 3.0


def test_a_refusal_of_what_was_granted_before_will_be_tried_again(talk):
    it = talk().held(TRADES)
    it.end()
    it.begin(10.0)
    it.said()
    it.refuse(TRADES, 10.0)
    it.it.receive(Pong(), 60.0)
    it.said()
    assert it.it.registry.refused_since() == 10.0
    assert it.it._send_at == inf

    it.it.inspect(69.9)
    assert not any(isinstance(effect, do.SendSubscribe) for effect in it.said())
    it.it.inspect(70.0)
    assert do.SendSubscribe(TRADES[0]) in it.said()


def test_the_next_try_of_what_was_refused_is_on_the_clock(talk):
    it = talk(Policy(refused_retry=7.0)).held(TRADES)
    it.end()
    it.begin(10.0)
    it.refuse(TRADES, 10.0)

    assert it.it.deadline == 17.0


def test_a_refusal_that_names_nobody_we_know_is_only_announced(talk):
    it = talk().begin()
    it.said()
    it.refuse(TRADES)

    assert [type(notice) for notice in notices(it.said())] == [say.VenueComplained]


def test_a_refusal_without_fields_is_only_announced(talk):
    it = talk().want(TRADES).begin()
    it.said()
    it.it.receive(VenueError(Complaint.REFUSED, "no"), 0.0)

    assert [type(notice) for notice in notices(it.said())] == [say.VenueComplained]
    assert it.entry(TRADES).holding == "asked"


def test_a_refused_goodbye_is_not_a_refused_subscription(talk):
    it = talk().held(TRADES)
    it.it.give_up(TRADES[0])
    it.it.pump(0.0)
    it.said()
    it.refuse(TRADES, subscribed=False)

    assert [type(notice) for notice in notices(it.said())] == [say.VenueComplained]


def test_too_many_users_is_said_of_the_oldest_request_for_a_user(talk):
    it = talk().want(TRADES, USER).begin()
    it.said()
    it.complain(Complaint.USERS, 2.0, limit=10)

    assert notices(it.said())[1:] == [say.Refused(USER[0], "too many", False)]
    assert it.entry(USER).refused_at == 2.0
    assert it.entry(TRADES).holding == "asked"


def test_too_many_subscriptions_is_said_of_the_oldest_request(talk):
    it = talk().want(TRADES, BOOK).begin()
    it.said()
    it.complain(Complaint.SUBSCRIPTIONS)

    assert notices(it.said())[1:] == [say.Refused(TRADES[0], "too many", False)]


def test_too_many_messages_halts_requests_until_the_window_is_empty(talk):
    it = talk().want(TRADES).begin()
    it.complain(Complaint.MESSAGES, 1.0)
    it.want(BOOK)
    it.it.pump(1.0)
    it.said()
    assert it.window.room(1.0) == 0

    it.it.ping(2.0)
    assert it.said() == [do.SendPing()]
    it.it.inspect(5.0)
    assert requests(it.said()) == 0
    # What was sent before the complaint frees first; it is not enough for a request.
    it.it.pump(60.0)
    assert requests(it.said()) == 0
    it.it.pump(61.0)
    assert it.said() == [do.SendSubscribe(BOOK[0])]


def test_too_many_posts_is_nobodys_subscription(talk):
    it = talk().want(TRADES).begin()
    it.said()
    it.complain(Complaint.POSTS)

    assert [type(notice) for notice in notices(it.said())] == [say.VenueComplained]
    assert it.entry(TRADES).holding == "asked"


# The next moment


def test_the_deadline_is_the_soonest_of_all_there_is_to_decide(talk):
    policy = Policy(ack_timeout=9.0, ping_interval=5.0, message_timeout=4.0)
    it = talk(policy).want(TRADES, BOOK).begin()
    assert it.it.deadline == 5.0

    it.ack(BOOK, 0.0)
    assert it.it.deadline == 4.0
    it.data(BOOK, 3.0)
    assert it.it.deadline == 5.0
    it.it.inspect(5.0)
    it.it.receive(Pong(), 5.0)
    assert it.it.deadline == 7.0
    it.data(BOOK, 6.5)
    assert it.it.deadline == 9.0


def test_giving_up_the_unknown_is_fine(talk):
    it = talk().begin()
    it.it.give_up(TRADES[0])

    assert it.it.registry.entries == {}


def test_a_state_older_than_what_was_delivered_is_no_start(talk):
    it = talk().held(BOOK)
    it.data(BOOK, 1.0, time=1_000)
    it.started(BOOK, 1.0)
    it.end(2.0)
    it.begin(3.0)
    it.ack(BOOK, 3.0)
    it.said()
    it.it.data_started(on.DataStarted(1, BOOK[0], newest=999), 3.1)

    assert (it.entry(BOOK).is_speaking, it.it.is_proven) == (False, False)
    assert it.said() == []
    it.it.data_started(on.DataStarted(1, BOOK[0], newest=1_000), 3.2)
    assert (it.entry(BOOK).is_speaking, it.it.is_proven) == (True, True)
    assert it.entry(BOOK).gap is None


# Doubt: a connection that held, and may have lost something all the same


def gaps(effects):
    return [notice for notice in notices(effects) if isinstance(notice, say.Gap)]


def talking(talk, *feeds, every=1.0, until=10.0):
    """Let a feed that speaks at intervals speak, and ticks look after it."""
    it = talk().held(BOOK, *feeds)
    now = every
    while now <= until:
        it.data(BOOK, now)
        it.it.receive(Pong(), now)
        it.it.inspect(now)
        now += every
    it.started(BOOK)
    it.said()
    return it


def test_a_silence_unusual_for_a_chatty_connection_raises_a_doubt(talk):
    it = talking(talk, TRADES, USER)
    it.data(TRADES, 10.0, 5)
    it.data(BOOK, 15.5)

    told = gaps(it.said())
    assert [(gap.subscription, gap.status, gap.cause) for gap in told] == [
        (TRADES[0], "open", Cause.SILENT),
        (USER[0], "open", Cause.SILENT),
    ]
    assert told[0].since == 5
    it.it.inspect(16.0)
    assert gaps(it.said()) == []


def test_a_chatty_connection_that_says_nothing_is_hushed(talk):
    it = talking(talk, TRADES)
    assert not it.it.is_hushed(15.0)
    it.it.receive(Pong(), 15.0)  # an answer is no data
    assert it.it.is_hushed(15.1)
    assert not talk().begin().it.is_hushed(99.0)  # nor is one that never spoke


def test_a_usual_silence_raises_none(talk):
    it = talking(talk, TRADES)
    it.data(BOOK, 15.0)
    it.it.inspect(16.0)

    assert gaps(it.said()) == []


def test_what_is_unusual_is_five_intervals_of_the_fastest_promising_feed(talk):
    it = talking(talk, TRADES, every=4.0, until=20.0)
    it.data(BOOK, 40.0)
    it.it.inspect(40.0)
    assert gaps(it.said()) == []

    it.data(BOOK, 60.0)
    it.data(BOOK, 80.1 + 8.0)
    it.it.inspect(89.0)
    assert gaps(it.said()) != []


def test_without_a_feed_that_promises_no_silence_is_unusual(talk):
    it = talk().held(TRADES)
    for now in (1.0, 2.0, 3.0):
        it.data(TRADES, now, int(now))
        it.it.inspect(now)
    it.data(TRADES, 20.0, 20)
    it.it.receive(Pong(), 20.0)
    it.it.inspect(20.5)

    assert gaps(it.said()) == []


def test_an_answer_may_end_an_unusual_silence_too(talk):
    it = talking(talk, TRADES)
    it.data(TRADES, 10.0, 5)
    it.it.receive(Pong(), 16.0)
    it.it.inspect(16.1)

    assert [gap.cause for gap in gaps(it.said())] == [Cause.SILENT]
    assert it.entry(TRADES).gap.granted_at == 16.0


def test_what_came_before_an_unusual_silence_is_not_in_doubt(talk):
    it = talking(talk, TRADES)
    it.data(TRADES, 9.0, 5)
    it.it.ping(9.5)
    it.it.receive(Pong(), 9.6)
    it.data(TRADES, 10.0, 8)
    it.data(BOOK, 15.5)

    assert [gap.since for gap in gaps(it.said())] == [8]


def test_a_doubt_may_be_about_one_feed_and_from_a_moment_on(talk):
    it = talk().held(TRADES, USER)
    it.data(TRADES, 1.0, 5)
    doubt = on.LossSuspected(1, Cause.PROTOCOL_ERROR, TRADES[0], 3)
    it.it.suspect(doubt, 2.0)

    told = gaps(it.said())
    assert [(gap.subscription, gap.since) for gap in told] == [(TRADES[0], 3)]


def test_what_breaks_a_silence_waits_until_the_doubt_was_told(talk):
    it = talking(talk, TRADES)
    it.data(TRADES, 10.0, 5)
    count = it.entry(TRADES).received
    update = Update(TRADES[1].route, b"", {"data": []})
    update.keep([(9, 9, 9)])
    assert it.it.admit(1, update, 15.5) is None
    assert it.it.is_doubtful
    assert it.it.admit(1, update, 15.5) is None  # not before
    it.it.suspect(on.LossSuspected(1, Cause.SILENT), 15.5)

    assert it.it.admit(1, update, 15.5) is it.entry(TRADES)
    assert [gap.since for gap in gaps(it.said())] == [5]
    assert it.entry(TRADES).received == count + 1
    assert it.it.unrouted == 0


def test_a_frame_nobody_wants_breaks_a_silence_like_any_other(talk):
    it = talking(talk, TRADES)
    it.data(feed("stray"), 15.5)

    assert [gap.cause for gap in gaps(it.said())] == [Cause.SILENT]
    assert it.it.unrouted == 1


def test_doubt_does_not_outlive_its_connection(talk):
    it = talking(talk, TRADES)
    it.data(BOOK, 15.5)
    update = Update(BOOK[1].route, b"")
    assert it.it.admit(1, update, 25.0) is None
    assert it.it.is_doubtful
    it.end(25.1)
    assert not it.it.is_doubtful
    it.said()
    it.it.begin(2, 26.0)
    it.ack(TRADES, 26.0)
    it.data(TRADES, 30.0, 9)
    it.said()
    it.it.inspect(30.1)

    assert gaps(it.said()) == []


def test_a_ping_that_stays_unanswered_while_frames_come_raises_a_doubt(talk):
    it = talk().held(TRADES)
    it.data(TRADES, 1.0, 5)
    for now in (5.0, 9.0, 13.0):
        it.data(TRADES, now, int(now) + 1)
    it.it.inspect(14.0)

    told = gaps(it.said())
    assert [(gap.since, gap.cause) for gap in told] == [(14, Cause.SILENT)]


def test_a_ping_that_stayed_unanswered_is_held_against_no_later_one(talk):
    it = talk().held(TRADES)
    it.data(TRADES, 1.0, 5)
    it.it.inspect(14.0)
    entry = it.entry(TRADES)
    assert entry.gap.granted_at == 14.0
    it.it.receive(Pong(), 14.5)
    it.data(TRADES, 15.0, 16)
    it.it.inspect(28.0)

    assert entry.gap.granted_at == 14.0


def test_a_ping_that_is_answered_raises_none(talk):
    it = talk().held(TRADES)
    it.it.receive(Pong(), 1.0)
    it.data(TRADES, 5.0, 5)
    it.it.inspect(14.0)

    assert gaps(it.said()) == []


def test_a_loss_that_is_known_is_not_suspected_again_at_the_next_ping(talk):
    it = talking(talk, TRADES, until=14.0)  # the ping of 14 s is lost as well
    it.it.ping(14.0)
    it.data(BOOK, 20.0)
    it.it.inspect(20.1)
    entry = it.entry(TRADES)
    assert entry.gap.granted_at == 20.0
    for now in (21.0, 25.0, 27.9):
        it.data(BOOK, now)
    it.it.inspect(28.0)

    assert entry.gap.granted_at == 20.0


# What belongs to other parts is passed on to them


def test_the_first_data_after_an_outage_settles_what_heals_itself(talk):
    it = talk().held(BOOK)
    it.data(BOOK, 1.0)
    it.end(2.0).begin(3.0)
    it.ack(BOOK, 3.0)
    it.said()
    it.it.data_started(on.DataStarted(1, BOOK[0], newest=7_000), 4.0)

    (closed,) = [e for e in it.said() if isinstance(e, do.CloseGap)]
    assert (closed.notice.status, closed.notice.until) == ("recovered", 7_000)


def test_first_data_of_what_is_not_known_proves_the_connection_all_the_same(talk):
    it = talk().begin()
    it.started(TRADES)

    assert it.it.is_proven


def test_a_gap_is_opened_by_a_loss_and_filled_after_the_grant(talk):
    it = talk().held(USER)
    it.data(USER, 1.0, 5)
    it.end(2.0)
    assert [gap.cause for gap in gaps(it.said())] == [Cause.NETWORK]

    it.begin(3.0).ack(USER, 4.0)
    (wanted,) = [e for e in it.said() if isinstance(e, do.Backfill)]
    assert it.it.deadline == 6.0  # rows wait no longer than two seconds
    it.it.backfilled(on.BackfillDone(USER[0], wanted.number), 5.0)
    assert it.said() == [do.Release(USER[0])]
    it.it.receive(Pong(), 5.0)
    assert it.it.deadline == 9.0  # then history is read again
    it.it.inspect(9.0)
    assert [e.reading for e in it.said() if isinstance(e, do.Backfill)] == [2]


def test_a_loss_that_was_asked_for_is_not_told_of_yet(talk):
    it = talk().held(USER)
    it.it.end(Cause.USER, 2.0, quietly=True)

    assert gaps(it.said()) == []
    it.it.recovery.resumed()
    assert len(gaps(it.said())) == 1


def test_the_end_of_a_read_of_what_is_not_known_is_no_news(talk):
    it = talk().begin()
    it.said()
    it.it.backfilled(on.BackfillDone(USER[0], 1), 5.0)

    assert it.said() == []


def test_history_that_cannot_be_read_is_a_reason(talk):
    it = talk().held(USER)
    it.end(2.0).begin(3.0).ack(USER, 4.0)
    (wanted,) = [e for e in it.said() if isinstance(e, do.Backfill)]
    it.it.backfilled(on.BackfillDone(USER[0], wanted.number, failed=True), 5.0)

    assert it.it.reasons(5.0) == (
        "fills unreconciled: what it missed could not be read yet",
    )


def test_a_stale_feed_is_a_reason(talk):
    it = talk().held(MIDS)
    it.it.receive(Pong(), 10.0)
    it.it.inspect(10.0)

    assert it.it.reasons(10.0) == ("mids stale: no news for 10 s or more",)


def test_a_greeting_that_comes_at_last_ends_the_complaint(talk):
    it = talk().held(USER)
    it.it.receive(Pong(), 10.0)
    it.it.inspect(10.0)
    assert it.it.reasons(10.0) == ("fills stale: no news for 10 s or more",)
    it.started(USER, 11.0)

    assert it.it.reasons(11.0) == ()


def test_the_line_that_spoke_first_of_changes_is_followed(talk):
    changes = feed("fast", heals=Heals.RESYNC, is_lossless=True, greets=True)
    it = talk().held(changes, BOOK).started(BOOK)
    continuity = it.entry(changes).continuity
    assert continuity.is_followed(2)
    it.started(changes)

    assert continuity.is_followed(1)
    assert not continuity.is_followed(2)
    assert it.entry(BOOK).continuity.is_followed(2)


def test_lines_are_compared_once_a_second(talk):
    it = talk().held(BOOK)
    continuity = it.entry(BOOK).continuity
    continuity.is_shared, continuity.overrule_at = True, 1.0
    it.said()
    it.it.inspect(2.0)

    assert do.Release(BOOK[0]) in it.said()


def test_when_lines_are_compared_this_one_may_become_the_one_to_follow(talk):
    changes = feed("fast", heals=Heals.RESYNC, is_lossless=True)
    it = talk().held(changes).started(changes)
    continuity = it.entry(changes).continuity
    continuity.is_shared = True
    continuity.source_lost(1)
    it.it.inspect(2.0)

    assert continuity.is_followed(1)
    assert not continuity.is_followed(2)


def test_a_stale_feed_was_silent_for_as_long_as_it_says(talk):
    it = talk(Policy(message_timeout=300.0)).held(MIDS)
    it.it.receive(Pong(), 10.0)
    it.it.inspect(17.0)
    it.it.inspect(18.0)

    assert it.it.reasons(18.0) == ("mids stale: no news for 17 s or more",)
    assert it.it.reasons(18.0, {BOOK[0]}) != ()
    assert it.it.reasons(18.0, {MIDS[0]}) == ()


def test_a_late_feed_is_a_reason(talk):
    it = talk().held(BOOK)
    it.entry(BOOK).ladder.is_lagging = True

    assert it.it.reasons(10.0) == ("book late: more than 3 s behind",)
    assert it.it.reasons(10.0, {MIDS[0]}) != ()
    assert it.it.reasons(10.0, {BOOK[0]}) == ()


def test_a_stale_feed_is_asked_for_again_on_the_same_connection(talk):
    it = talk(Policy(message_timeout=300.0)).held(MIDS)
    it.it.receive(Pong(), 10.0)
    it.it.inspect(10.0)
    it.said()
    it.it.inspect(15.0)

    said = it.said()
    assert do.SendUnsubscribe(MIDS[0]) in said
    it.ack(MIDS, 15.1, subscribed=False)
    it.it.pump(15.1)
    assert do.SendSubscribe(MIDS[0]) in it.said()


def test_a_feed_that_cannot_be_cured_ends_the_connection(talk):
    it = talk(Policy(message_timeout=3_600.0, resubscribe_tries=0)).held(MIDS)
    it.it.receive(Pong(), 10.0)
    assert it.it.inspect(10.0) is None

    assert it.it.inspect(15.0) == (Cause.STALE, "mids without news for 15 s")


def test_asking_again_for_a_mute_feed_does_not_put_the_message_timeout_off(talk):
    it = talk().held(MIDS)
    for now in (10.0, 15.0):
        it.it.receive(Pong(), now)
        it.it.inspect(now)
    it.ack(MIDS, 16.0, subscribed=False)
    it.it.pump(16.0)
    it.ack(MIDS, 17.0)
    it.it.receive(Pong(), 29.0)

    assert it.it.inspect(29.9) is None
    assert it.it.inspect(30.0) == (Cause.SILENT, "no messages for 30 s")


def test_other_numbers_to_live_by_count_everywhere(talk):
    it = talk().begin()
    policy = Policy(tick=9.0)
    it.it.adopt(policy)

    assert it.it.policy is policy
    assert it.it.recovery.policy is policy
    assert it.it.freshness.policy is policy


def test_the_parts_share_what_they_are_about(talk):
    it = talk().it

    assert it.recovery.registry is it.freshness.registry is it.registry
    assert it.recovery.effects is it.freshness.effects is it.effects
    assert it.freshness.recovery is it.recovery


# Numbers, one by one


def test_a_new_conversation_has_said_and_heard_nothing(talk):
    it = talk().it

    assert (it.connection_id, it.is_open, it.is_proven) == (0, False, False)
    assert (it.received, it.data_at, it.unrouted) == (0, None, 0)


def test_nothing_learned_is_no_patience(talk):
    assert talk(Policy(message_timeout=0.5)).held(BOOK).it.patience == 0.5


def test_a_feed_without_a_rhythm_does_not_shorten_the_patience(talk):
    it = talk(Policy(message_timeout=1.0)).held(BOOK, MIDS)
    rhythm(it, BOOK, 5.0, 15.0)
    rhythm(it, MIDS, 16.0)

    assert it.it.patience == 30.0


def test_the_reserve_is_a_whole_number_of_messages(talk):
    it = talk(limit=15).want(*MANY).begin()

    assert requests(it.said()) == 13


def test_what_is_kept_for_pings_is_a_tenth_of_the_reserve(talk):
    it = talk(limit=900).held(*MANY)
    it.window.take(0.0, 889 - it.window.used(0.0))
    for one in MANY:
        it.it.give_up(one[0])
    it.it.pump(1.0)

    assert requests(it.said()) == 2


def test_waits_for_room_for_one_request_and_no_more(talk):
    it = talk(limit=4).begin(0.0)
    for at in (1.0, 2.0, 3.0):
        it.window.take(at)
    it.want(MANY[0])
    it.it.pump(4.0)

    assert it.it._send_at == 60.0


def test_waits_for_room_for_one_goodbye_and_no_more(talk):
    it = talk(limit=4).held(MANY[0])  # the ping and the request leave at 60 s
    it.window.take(1.0)
    it.window.take(2.0)
    it.it.pump(60.0)
    it.window.take(60.0)
    it.window.take(60.0)
    it.it.give_up(MANY[0][0])
    it.it.pump(60.5)

    assert it.it._send_at == 61.0


def test_with_room_for_two_repetitions_two_are_sent(talk):
    it = talk(limit=20).want(*MANY[:3]).begin()
    it.said()
    it.window.take(0.0, 12)  # 16 used, and 2 are in reserve
    it.it.inspect(5.0)

    assert requests(it.said()) == 2


# What belongs to one connection


def test_a_new_connection_has_nothing_to_make_up_for(talk):
    it = talk().held(BOOK)
    it.it.inspect(14.0)
    it.end(20.0)

    assert it.it.liveness.heard_at == it.it.liveness.answered_at == inf
    it.begin(100.0).ack(BOOK, 100.0)
    it.it.receive(Pong(), 120.0)
    assert it.it.inspect(129.9) is None
    assert it.it.inspect(130.0) == (Cause.SILENT, "no messages for 30 s")


def test_the_rhythm_of_one_connection_says_nothing_of_the_next_one(talk):
    it = talking(talk, TRADES)
    it.data(TRADES, 10.0, 5)
    it.end(10.5)
    it.begin(20.0).want(USER)
    it.it.pump(20.0)
    it.ack(USER, 20.1)
    it.said()
    it.it.receive(Pong(), 28.0)
    it.it.inspect(28.1)

    assert gaps(it.said()) == []


def test_a_doubt_says_nothing_of_the_feeds_of_the_next_connection(talk):
    it = talking(talk, TRADES)
    it.data(BOOK, 15.5)
    it.end(15.6)
    it.begin(16.0).want(USER)
    it.it.pump(16.0)
    it.ack(USER, 16.1)
    it.said()
    it.it.inspect(16.2)

    assert gaps(it.said()) == []


def test_a_stale_feed_waits_on_the_next_connection(talk):
    it = talk().held(MIDS)
    it.it.inspect(10.0)
    entry = it.entry(MIDS)
    assert entry.ladder.next_at == 15.0
    it.end(11.0)

    assert entry.ladder.next_at == inf


def test_the_fastest_feed_decides_what_silence_is_unusual(talk):
    it = talk().held(BOOK, MIDS, TRADES)
    for now in range(1, 21):
        it.data(BOOK, float(now))
        if now % 4 == 0:
            it.data(MIDS, float(now))
        it.it.receive(Pong(), float(now))
        it.it.inspect(float(now))
    it.said()
    it.data(BOOK, 26.0)
    it.it.inspect(26.1)

    assert len(gaps(it.said())) == 1


def test_a_feed_without_a_rhythm_does_not_make_a_silence_unusual(talk):
    it = talk().held(BOOK, MIDS, TRADES)
    for now in (4.0, 8.0, 12.0):
        it.data(BOOK, now)
        it.it.receive(Pong(), now)
        it.it.inspect(now)
    it.said()
    it.data(BOOK, 22.0)
    it.it.inspect(22.1)

    assert [gap.cause for gap in gaps(it.said())] == [Cause.STALE]  # the mute one


@pytest.mark.parametrize(("answered", "since"), [(True, 9), (False, 5)])
def test_what_an_unanswered_ping_left_in_doubt_the_next_one_does_not_make_sure(
    talk, answered, since
):
    it = talk().held(TRADES)
    it.it.receive(Pong(), 0.0)
    it.data(TRADES, 1.0, 5)
    it.it.ping(2.0)
    if answered:
        it.it.receive(Pong(), 2.5)
    it.data(TRADES, 3.0, 9)
    it.it.ping(16.0)
    it.it.receive(Pong(), 16.1)
    it.data(TRADES, 17.0, 12)
    it.said()
    it.it.inspect(30.0)
    told = gaps(it.said())
    assert [gap.since for gap in told] == ([] if answered else [since])
    assert not it.it.liveness.is_overdue(99.0)


def test_a_ping_marks_how_far_every_feed_has_come(talk):
    it = talk().held(TRADES)
    it.it.receive(Pong(), 0.0)
    it.data(TRADES, 1.0, 5)
    it.it.ping(2.0)
    it.data(TRADES, 3.0, 9)
    it.said()
    it.it.recovery.doubt(Cause.PROTOCOL_ERROR, 4.0)

    assert [gap.since for gap in gaps(it.said())] == [5]
