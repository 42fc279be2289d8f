"""What is wanted and what the venue grants: readiness, refusals, restores."""

from __future__ import annotations

import pytest

from bistoury.session import Cause, Complaint, State
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session import notices as say
from bistoury.session.budget import Window

# Ready


def test_ready_needs_every_acknowledgement_and_data(drive, feeds):
    it = drive().want(feeds.mids(), feeds.trades()).connect().opened().pong()
    it.ack(feeds.mids())
    it.data(feeds.mids())
    assert not it.session.is_ready

    it.ack(feeds.trades())
    assert it.session.is_ready
    assert it.heard("Ready") == [say.Ready(1, 2, 0.0)]


def test_ready_waits_for_data_where_data_is_to_be_expected(drive, feeds):
    it = drive().want(feeds.mids()).connect().opened().pong().ack(feeds.mids())
    assert it.state is State.LIVE
    assert not it.session.is_ready
    it.pong()
    assert not it.session.is_ready

    it.data(feeds.mids())
    assert it.heard("Started") == [say.Started(feeds.mids()[0])]
    assert it.heard("Ready") == [say.Ready(1, 1, 0.0)]


def test_a_pong_is_enough_where_no_data_is_to_be_expected(drive, feeds):
    it = drive().want(feeds.trades(), feeds.orders()).connect().opened()
    it.ack(feeds.trades(), feeds.orders())
    assert not it.session.is_ready

    it.pong()
    assert it.heard("Ready") == [say.Ready(1, 2, 0.0)]


def test_with_nothing_wanted_a_pong_makes_it_ready(drive):
    it = drive().connect().opened()
    assert not it.session.is_ready

    it.pong()
    assert it.heard("Ready") == [say.Ready(1, 0, 0.0)]


def test_ready_is_said_once_for_each_connection(drive, feeds):
    it = drive().live(feeds.mids())
    it.pong()
    it.data(feeds.mids())
    it.want(feeds.trades()).ack(feeds.trades())
    assert len(it.told("Ready")) == 1

    it.lost().tick().opened().pong().ack(feeds.trades(), feeds.mids())
    assert len(it.told("Ready")) == 1
    it.data(feeds.mids())
    assert [notice.restored for _, notice in it.told("Ready")] == [1, 2]


def test_a_subscription_that_is_ended_is_not_waited_for(drive, feeds):
    it = drive().want(feeds.trades("A"), feeds.trades("B")).connect().opened()
    it.pong().ack(feeds.trades("A"))
    it.release(feeds.trades("B"))

    assert it.state is State.LIVE
    assert it.session.is_ready


def test_what_is_wanted_before_connecting_is_only_remembered(drive, feeds):
    it = drive().want(feeds.trades())
    assert it.effects == []
    it.connect()
    it.want(feeds.bbo())
    assert it.effects == []

    it.opened()
    assert it.asked() == [feeds.trades()[0], feeds.bbo()[0]]


# Data


def test_data_is_admitted_before_it_is_acknowledged(drive, feeds):
    it = drive().want(feeds.trades()).connect().opened()
    it.data(feeds.trades(), 1)

    assert it.admitted is it.registry.entries[feeds.trades()[0]]
    assert it.admitted.is_speaking


def test_the_first_data_of_each_connection_is_told_once(drive, feeds):
    it = drive().live(feeds.trades())
    for key in (1, 2):
        it.data(feeds.trades(), key)
    it.lost().tick().opened().ack(feeds.trades())
    it.data(feeds.trades(), 3)

    assert len(it.told("Started")) == 2


def test_a_replay_after_an_outage_brings_what_was_missed_and_nothing_twice(
    drive, feeds
):
    it = drive().live(feeds.trades())
    first = it.data(feeds.trades(), 1, 2)
    assert first.message["snapshot"] is True
    it.data(feeds.trades(), 3)
    it.lost().tick().opened().pong().ack(feeds.trades())
    replay = it.data(feeds.trades(), 2, 3, 4)

    assert replay.message["data"] == ["row 4"]
    assert replay.message["recovered"] is True


def test_a_snapshot_of_a_user_after_an_outage_brings_what_was_missed(drive, feeds):
    it = drive().live(feeds.fills())
    it.data(feeds.fills(), 1)
    it.lost().tick().opened().ack(feeds.fills())
    (wanted,) = it.did(do.Backfill)
    held = it.data(feeds.fills(), 1, 2, is_snapshot=True)
    assert held.is_void
    it.data(feeds.fills(), 4)
    it.delivered.clear()
    it.backfilled(wanted, 1, 2, 3)

    assert [update.message["data"] for update in it.delivered] == [
        ["row 2", "row 3"],
        ["row 4"],
    ]
    assert [update.message.get("recovered") for update in it.delivered] == [True, None]


def test_frames_that_were_under_way_when_a_feed_was_ended_are_not_delivered(
    drive, feeds
):
    it = drive().live(feeds.trades()).release(feeds.trades())
    it.data(feeds.trades(), 1)
    assert it.admitted is None

    it.unack(feeds.trades())
    it.data(feeds.trades(), 2)
    assert it.admitted is None
    assert it.conversation.unrouted == 2


# Acknowledgements that do not come


def test_one_lost_acknowledgement_of_fifty_is_asked_for_again(drive, feeds):
    # F10
    coins = [feeds.trades(f"C{n}") for n in range(50)]
    it = drive().want(*coins).connect().opened().pong().ack(*coins[:49])
    it.until(4.99)
    assert it.state is State.SYNCING
    assert not it.session.is_ready
    it.until(5.0)

    assert it.heard("AskedAgain") == [say.AskedAgain(coins[49][0])]
    assert it.asked() == [coins[49][0]]
    it.ack(coins[49])
    assert it.session.is_ready


def test_asks_every_five_seconds_for_ever(drive, feeds):
    it = drive().want(feeds.trades()).connect().opened()
    it.until(60.9, meanwhile=it.pong, every=5.0)

    moments = [at for at, _ in it.told("AskedAgain")]
    assert moments == [5.0 * n for n in range(1, 13)]


def test_asks_ever_more_rarely_for_what_the_venue_may_have_said_no_to(drive, feeds):
    it = drive().want(feeds.trades()).connect().opened()
    it.complain(Complaint.OTHER, "no such coin")
    it.until(200.9, meanwhile=it.pong, every=5.0)

    moments = [at for at, _ in it.told("AskedAgain")]
    assert moments == [5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 180.0]

    # An answer, or another connection, and all of it begins anew.
    it.lost()
    while it.state is not State.CONNECTING:
        it.tick()
    opened_at = it.opened().now
    it.until(opened_at + 15.9, meanwhile=it.pong, every=5.0)
    again = [at - opened_at for at, _ in it.told("AskedAgain")][len(moments) :]
    assert again == pytest.approx([5.0, 10.0, 15.0])


@pytest.mark.parametrize("text", ["", "no such coin"])
def test_what_stays_unacknowledged_is_told_while_live(drive, feeds, text):
    it = drive().live(feeds.mids()).want(feeds.trades())
    if text:
        it.complain(Complaint.REFUSED, text)
    it.until(9.0, meanwhile=lambda: it.pong().data(feeds.mids()), every=1.0)
    assert it.told("Degraded") == []
    it.until(300.0, meanwhile=lambda: it.pong().data(feeds.mids()), every=1.0)

    (reason,) = {notice.reasons for _, notice in it.told("Degraded")}
    said = f"{feeds.trades()[0]} not acknowledged, although asked for again"
    assert reason == (f"{said}; the venue says: {text}" if text else said,)
    assert len(it.told("Degraded")) == 1
    assert it.state is State.LIVE

    it.ack(feeds.trades())
    assert it.session.conversation.reasons(it.now) == ()


def test_already_subscribed_is_an_acknowledgement(drive, feeds):
    # The wire turns the venue's text into one; a second answer is no news.
    it = drive().want(feeds.trades()).connect().opened().pong()
    it.until(5.0)
    it.ack(feeds.trades())
    assert it.session.is_ready
    it.ack(feeds.trades())

    assert it.effects == []


# Refusals


def test_a_refused_subscription_holds_nothing_back(drive, feeds):
    # F11
    coins = [feeds.trades(f"C{n}") for n in range(50)]
    it = drive().want(*coins).connect().opened().pong().ack(*coins[:49])
    it.refuse(coins[49], "Invalid subscription {...}")

    assert it.state is State.LIVE
    assert it.session.is_ready
    assert it.heard("Refused") == [
        say.Refused(coins[49][0], "Invalid subscription {...}", will_retry=False)
    ]
    assert it.heard("Degraded") == [
        say.Degraded(("trades(coin=C49) refused: Invalid subscription {...}",))
    ]
    assert it.session.conversation.reasons(it.now) == it.heard("Degraded")[0].reasons


def test_being_degraded_is_said_when_it_changes(drive, feeds):
    it = drive().live(feeds.trades())
    it.want(feeds.bbo("A"), feeds.bbo("B"))
    it.refuse(feeds.bbo("A"), "no")
    it.pong()
    assert it.heard("Degraded") == []
    it.refuse(feeds.bbo("B"), "no")
    it.release(feeds.bbo("A"))
    it.release(feeds.bbo("B"))
    it.want(feeds.bbo("A"))
    it.refuse(feeds.bbo("A"), "no")

    assert [len(notice.reasons) for _, notice in it.told("Degraded")] == [1, 2, 1, 1]


def test_being_degraded_is_not_said_while_it_is_not_live(drive, feeds):
    it = drive().want(feeds.trades(), feeds.bbo()).connect().opened()
    it.refuse(feeds.bbo(), "no")
    assert it.heard("Degraded") == []

    it.ack(feeds.trades())
    assert len(it.heard("Degraded")) == 1


def test_being_degraded_is_said_again_on_the_next_connection(drive, feeds):
    it = drive().live(feeds.trades()).want(feeds.bbo())
    it.refuse(feeds.bbo(), "no")
    it.lost().tick().opened().ack(feeds.trades())

    assert len(it.told("Degraded")) == 2


def test_a_first_refusal_is_final(drive, feeds):
    it = drive().live(feeds.trades()).want(feeds.bbo())
    it.refuse(feeds.bbo())
    it.until(400.0, meanwhile=it.pong, every=5.0)
    it.lost().tick().opened()

    asked = [e.subscription for _, e in it.story if isinstance(e, do.SendSubscribe)]
    assert asked.count(feeds.bbo()[0]) == 1


def test_what_was_granted_before_is_asked_again_every_minute_and_at_each_reconnect(
    drive, feeds
):
    it = drive().live(feeds.trades(), feeds.bbo())
    it.lost().tick().opened().pong().ack(feeds.trades())
    start = it.now
    it.refuse(feeds.bbo())
    assert it.heard("Refused")[0].will_retry
    assert it.state is State.LIVE

    asked = []

    def speak():
        it.pong()

    while it.now < start + 200.0:
        it.until(it.now + 1.0, meanwhile=speak, every=1.0)
        if it.registry.entries[feeds.bbo()[0]].holding == "asked":
            asked.append(it.now - start)
            it.refuse(feeds.bbo())
    assert asked == [60.0, 120.0, 180.0]

    it.lost().tick().opened()
    assert feeds.bbo()[0] in it.asked()
    it.ack(feeds.trades(), feeds.bbo())
    assert it.session.conversation.reasons(it.now) == ()


def test_asking_again_for_what_is_refused_does_not_end_live(drive, feeds):
    it = drive().live(feeds.trades(), feeds.bbo())
    it.lost().tick().opened().pong().ack(feeds.trades())
    it.refuse(feeds.bbo())
    it.until(it.now + 61.0, meanwhile=it.pong, every=5.0)

    assert it.registry.entries[feeds.bbo()[0]].holding == "asked"
    assert it.state is State.LIVE


@pytest.mark.parametrize(
    ("kind", "refused"),
    [(Complaint.USERS, "fills"), (Complaint.SUBSCRIPTIONS, "fills")],
)
def test_a_limit_that_names_no_request_is_said_of_the_oldest_of_its_class(
    drive, feeds, kind, refused
):
    # F41
    it = drive().live(feeds.bbo()).want(feeds.fills(), feeds.trades())
    it.complain(kind, "Cannot track more than 10 total users.", limit=10)

    (notice,) = it.heard("Refused")
    assert notice.subscription == getattr(feeds, refused)()[0]
    assert it.heard("VenueComplained")[0].limit == 10


def test_too_many_messages_drops_nothing_that_is_wanted(drive, feeds):
    # F42
    it = drive().live(feeds.bbo()).want(feeds.trades())
    it.complain(Complaint.MESSAGES, "Cannot send more than 2000 messages per minute.")
    it.want(feeds.mids())
    assert it.asked() == []
    sent = len(it.story)
    it.until(59.9, meanwhile=it.pong, every=5.0)
    later = [effect for _, effect in it.story[sent:]]
    assert do.SendPing() in later
    assert not any(isinstance(effect, do.SendSubscribe) for effect in later)

    it.until(66.0, meanwhile=it.pong, every=5.0)
    later = [
        e.subscription for _, e in it.story[sent:] if isinstance(e, do.SendSubscribe)
    ]
    assert set(later) == {feeds.mids()[0], feeds.trades()[0]}


def test_an_error_never_ends_a_connection(drive, feeds):
    it = drive().live(feeds.trades())
    for kind in Complaint:
        it.complain(kind)

    assert it.state is State.LIVE


# A thousand subscriptions


def test_a_thousand_subscriptions_are_restored_at_once_users_first(drive, feeds):
    # F56
    coins = [feeds.trades(f"C{n}") for n in range(990)]
    users = [feeds.orders(f"0x{n}") for n in range(10)]
    everything = [(s, t) for s, t in coins]
    everything += [
        (s, type(t)(f"orders:{n}", user=t.user)) for n, (s, t) in enumerate(users)
    ]
    it = drive(messages=Window(3_000)).want(*everything).connect().opened().pong()
    it.ack(*everything)
    it.until(100.0, meanwhile=it.pong, every=5.0)
    it.lost().tick().opened()

    asked = it.asked()
    assert len(asked) == 1_000
    assert {s.feed for s in asked[:10]} == {"orderUpdates"}
    it.ack(*everything[:999])
    assert not it.session.is_ready
    it.pong().ack(everything[999])
    assert it.heard("Ready")[0].restored == 1_000


def test_a_restore_beyond_the_message_window_is_paced_by_it(drive, feeds):
    coins = [feeds.trades(f"C{n}") for n in range(1_000)]
    it = drive().want(*coins).connect().opened().pong().ack(*coins)
    sent = [at for at, e in it.story if isinstance(e, do.SendSubscribe)]
    assert len(sent) == 1_000

    # Cut again and again: 1,000 requests each time, and 1,800 a minute are allowed.
    def answer():
        it.pong()
        held = [c for c in coins if it.registry.entries[c[0]].holding == "asked"]
        it.ack(*held)

    for at in (10.0, 20.0):
        it.until(at, meanwhile=answer, every=1.0)
        it.lost().tick().opened()
    assert it.state is State.SYNCING
    it.until(150.0, meanwhile=answer, every=1.0)

    assert it.state is State.LIVE
    messages = [
        at for at, e in it.story if isinstance(e, do.SendSubscribe | do.SendPing)
    ]
    for at in {*messages}:
        assert sum(at <= other < at + 60.0 for other in messages) <= 1_800 + 10


def test_losing_the_connection_in_the_middle_of_a_restore_restores_all(drive, feeds):
    coins = [feeds.trades(f"C{n}") for n in range(40)]
    it = drive(messages=Window(20)).want(*coins).connect().opened()
    assert len(it.asked()) == 17
    it.ack(*coins[:10]).lost()
    it.now = 100.0
    it.at(100.0)
    it.tick().opened()

    assert it.registry.held == 0
    assert it.asked()[0] == coins[0][0]
    assert len(it.registry.due) == 40


def test_messages_of_other_clients_count(drive, feeds):
    shared = Window(20)
    one, other = drive(messages=shared), drive(messages=shared)
    one.want(*[feeds.trades(f"C{n}") for n in range(40)]).connect().opened()
    other.want(feeds.trades()).connect().opened()

    assert other.asked() == []
    other.until(61.0, meanwhile=other.pong, every=5.0)
    assert [e for _, e in other.story if isinstance(e, do.SendSubscribe)]


def test_what_the_application_asks_counts_and_asks_for_nothing(drive, feeds):
    shared = Window(20)
    it = drive(messages=shared).live(feeds.trades())
    before = shared.used(it.now)

    it.feed(on.RequestSent())

    assert it.effects == []
    assert shared.used(it.now) == before + 1


# Unsubscribing


def test_unsubscribing_tells_the_venue_at_once(drive, feeds):
    it = drive().live(feeds.trades()).release(feeds.trades())

    assert it.effects == [do.SendUnsubscribe(feeds.trades()[0])]
    it.unack(feeds.trades())
    assert it.effects == []
    assert it.registry.entries == {}


def test_unsubscribing_and_subscribing_again_ends_with_the_feed(drive, feeds):
    it = drive().live(feeds.trades()).release(feeds.trades()).want(feeds.trades())
    assert it.effects == []
    assert it.state is State.LIVE

    it.unack(feeds.trades())
    assert it.asked() == [feeds.trades()[0]]
    it.ack(feeds.trades())
    assert it.registry.held == 1


def test_unsubscribing_before_the_acknowledgement_ends_without_the_feed(drive, feeds):
    it = drive().connect().opened().want(feeds.trades()).release(feeds.trades())
    assert it.effects == []
    it.ack(feeds.trades())
    assert it.did(do.SendUnsubscribe) == [do.SendUnsubscribe(feeds.trades()[0])]
    it.unack(feeds.trades())

    assert it.registry.entries == {}


def test_unsubscribing_while_down_sends_nothing(drive, feeds):
    it = drive().live(feeds.trades()).lost(Cause.DNS).release(feeds.trades())

    assert it.effects == []
    it.tick().opened()
    assert it.asked() == []
    assert it.state is State.LIVE


def test_unsubscribing_from_what_nobody_wanted_changes_nothing(drive, feeds):
    it = drive().live().feed(on.UnsubscribeRequested(feeds.trades()[0]))

    assert it.effects == []
