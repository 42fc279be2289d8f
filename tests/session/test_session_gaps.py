"""What an outage cost, as the session tells it: gaps, reads, doubts, rungs."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from bistoury.session import Cause, State
from bistoury.session import effects as do
from bistoury.session import events as on


def gaps(it):
    return [notice for _, notice in it.told("Gap")]


def closed(it):
    return [e.notice for _, e in it.story if isinstance(e, do.CloseGap)]


def milliseconds(it, now):
    return int((now + it.wall) * 1000)


# Gaps


def test_a_loss_opens_gaps_with_its_cause(drive, feeds):
    it = drive().stable(feeds.mids(), feeds.trades())
    it.data(feeds.trades(), 1_000)
    it.lost(Cause.SERVER_ROTATION, code=1000)

    assert [(gap.subscription, gap.status, gap.cause) for gap in gaps(it)] == [
        (feeds.mids()[0], "open", Cause.SERVER_ROTATION),
        (feeds.trades()[0], "open", Cause.SERVER_ROTATION),
    ]
    assert gaps(it)[1].since == 1_000


def test_a_loss_that_nobody_retries_opens_its_gaps_at_once(drive, feeds, steady):
    policy = msgspec.structs.replace(steady, auto_reconnect=False)
    it = drive(policy).live(feeds.trades()).lost(Cause.DNS)
    assert it.session.state is State.CLOSED
    assert [gap.cause for gap in gaps(it)] == [Cause.DNS]

    it.connect()
    assert len(gaps(it)) == 1


def test_where_a_feed_said_nothing_the_clock_of_the_server_tells_since_when(
    drive, feeds
):
    it = drive().connect()
    it.feed(on.ConnectionOpened(it.session.connection_id, 1_790_000_000.0))
    began = it.now
    it.want(feeds.trades()).ack(feeds.trades()).pong()
    it.lost()

    (gap,) = gaps(it)
    minute = 60_000  # what the clocks may differ by
    waited = round((it.now - began) * 1000)
    assert gap.since == 1_790_000_000_000 + waited - minute


def test_what_another_connection_carried_is_not_read(drive, feeds):
    it = drive().stable(feeds.fills())
    it.data(feeds.fills(), 1_000)
    it.lost().tick().opened().pong()
    it.feed(on.Carried(feeds.fills()[0], 60_000))
    it.ack(feeds.fills())

    (read,) = it.did(do.Backfill)
    assert read.since == 55_000


def test_a_disconnect_that_was_asked_for_opens_its_gaps_when_it_is_over(drive, feeds):
    it = drive().live(feeds.trades())
    it.close().lost()
    assert gaps(it) == []
    it.connect()

    assert [(gap.status, gap.cause) for gap in gaps(it)] == [("open", Cause.USER)]
    it.close().connect()
    assert len(gaps(it)) == 1


def test_a_reconnect_that_was_asked_for_opens_its_gaps_at_once(drive, feeds):
    it = drive().live(feeds.trades()).reconnect()

    assert [gap.cause for gap in gaps(it)] == [Cause.USER]


def test_the_rows_of_a_gap_come_before_its_end(drive, feeds):
    it = drive().stable(feeds.fills())
    it.data(feeds.fills(), 1_000)
    it.lost().tick().opened().pong().ack(feeds.fills())
    (first,) = it.did(do.Backfill)
    it.data(feeds.fills(), 9_000)
    it.now += 0.5
    it.backfilled(first, 2_000, 3_000)
    assert [update.message["data"] for update in it.delivered[-2:]] == [
        ["row 2000", "row 3000"],
        ["row 9000"],
    ]
    assert closed(it) == []

    it.until(it.now + 4.5, meanwhile=it.pong, every=1.0)
    (second,) = [e for _, e in it.story if isinstance(e, do.Backfill)][1:]
    assert (second.reading, second.number) == (2, first.number)
    it.backfilled(second, 4_000)
    assert it.effects[:2] == [
        do.Release(feeds.fills()[0]),
        do.CloseGap(closed(it)[0], 0),
    ]
    assert closed(it)[0].status == "recovered"
    assert closed(it)[0].note == "all is known"


def test_a_state_is_whole_again_with_its_next_frame(drive, feeds):
    it = drive().stable(feeds.mids()).lost()
    it.tick().opened().ack(feeds.mids())
    assert closed(it) == []
    it.data(feeds.mids())

    assert [gap.status for gap in closed(it)] == ["recovered"]


def test_the_end_of_a_read_that_comes_after_the_connection_is_no_news(drive, feeds):
    it = drive().stable(feeds.fills()).lost().tick().opened().ack(feeds.fills())
    (wanted,) = it.did(do.Backfill)
    it.lost()
    it.feed(on.BackfillDone(feeds.fills()[0], wanted.number))

    assert it.effects == []


def test_a_gap_whose_history_cannot_be_read_is_said_to_degrade(drive, feeds):
    it = drive().stable(feeds.fills()).lost().tick().opened().ack(feeds.fills())
    (wanted,) = it.did(do.Backfill)
    it.feed(on.BackfillDone(feeds.fills()[0], wanted.number, failed=True))

    assert it.heard("Degraded")[0].reasons == (
        "userFills(user=0xa) unreconciled: what it missed could not be read yet",
    )
    assert it.state is State.LIVE
    moments = [at for at, e in it.story if isinstance(e, do.Backfill)]
    it.until(it.now + 2.0)
    assert len([at for at, e in it.story if isinstance(e, do.Backfill)]) == (
        len(moments) + 1
    )


# Doubt


def test_a_frame_that_cannot_be_read_may_have_been_data(drive, feeds):
    it = drive().stable(feeds.fills(), feeds.mids())
    it.feed(on.LossSuspected(1))

    assert [(gap.subscription, gap.cause) for gap in gaps(it)] == [
        (feeds.fills()[0], Cause.PROTOCOL_ERROR)
    ]
    assert len(it.did(do.Backfill)) == 1


@pytest.mark.parametrize("number", [1, 3])
def test_a_frame_of_another_connection_raises_no_doubt(drive, feeds, number):
    it = drive().stable(feeds.fills()).lost().tick().opened().ack(feeds.fills())
    it.feed(on.LossSuspected(number))

    assert it.effects == []


def test_without_a_connection_there_is_nothing_to_doubt(drive, feeds):
    it = drive().stable(feeds.fills()).lost()
    it.feed(on.LossSuspected(1))

    assert it.effects == []


# The venue's clock


def test_gaps_are_told_in_the_venues_milliseconds(drive, feeds):
    it = drive().want(feeds.bbo())
    it.feed(on.ConnectRequested(it.now + it.wall))
    it.opened().ack(feeds.bbo())
    it.now = 3.0
    it.lost()

    assert [gap.since for gap in gaps(it)] == [milliseconds(it, 0.0)]


def test_without_the_time_of_day_the_first_tick_brings_it(drive, feeds):
    it = drive().live(feeds.bbo())
    it.until(2.0)
    it.lost()

    assert [gap.since for gap in gaps(it)] == [milliseconds(it, 0.0)]


def test_the_time_of_day_at_connecting_is_where_the_clocks_start(drive):
    it = drive()
    it.feed(on.ConnectRequested(it.wall)).opened()
    it.tick()

    assert it.heard("Probing") == []


# Lines


def test_connections_of_several_sessions_are_numbered_together(drive):
    numbers = count(5)
    one, other = drive(numbers=numbers), drive(numbers=numbers)
    one.connect()
    other.connect()
    one.lost().tick()

    assert (one.session.connection_id, other.session.connection_id) == (7, 6)


def test_sessions_may_share_what_was_delivered(drive, feeds):
    continuities = {}
    one = drive(continuities=continuities).live(feeds.trades())
    other = drive(continuities=continuities).live(feeds.trades())
    assert not one.data(feeds.trades(), 1).is_void

    assert other.data(feeds.trades(), 1).is_void
    assert set(continuities) == {feeds.trades()[0]}


def test_of_lines_that_bring_states_without_a_time_one_is_followed(drive, feeds):
    shared = {"continuities": {}, "numbers": count(1)}
    one = drive(**shared).live(feeds.mids())
    other = drive(**shared).live(feeds.mids())
    assert other.data(feeds.mids(), body=b"other").is_void

    assert not one.data(feeds.mids(), body=b"one").is_void
    other.now = 3.0
    assert not other.data(feeds.mids(), body=b"other").is_void


# Freshness


def muted(it, feeds, seconds):
    """Let one of two feeds that speak at intervals fall silent, and time pass."""
    it.now = 100.0  # zero stands for never
    it.stable(feeds.mids("a"), feeds.mids("b"))

    def speak():
        it.pong()
        it.data(feeds.mids("b"))

    return it.until(100.0 + seconds, meanwhile=speak, every=1.0)


def rungs(it):
    return [(at, notice.rung) for at, notice in it.told("Stale")]


def test_a_mute_feed_is_asked_for_again_and_its_siblings_are_not_disturbed(
    drive, feeds
):
    # F07: the others flow.
    it = muted(drive(), feeds, 34.0)
    assert rungs(it) == [(130.0, "warn")]

    it = muted(drive(), feeds, 35.0)
    assert rungs(it) == [(130.0, "warn"), (135.0, "resubscribe")]
    left = [e for _, e in it.story if isinstance(e, do.SendUnsubscribe)]
    assert left == [do.SendUnsubscribe(feeds.mids("a")[0])]
    assert it.told("Disconnected") == []
    it.unack(feeds.mids("a"))
    assert it.asked() == [feeds.mids("a")[0]]
    assert it.state is State.LIVE


def test_a_feed_that_cannot_be_cured_costs_a_connection(drive, feeds, steady):
    policy = msgspec.structs.replace(steady, resubscribe_tries=0)
    it = muted(drive(policy), feeds, 40.0)

    assert rungs(it) == [(130.0, "warn"), (135.0, "reconnect")]
    ((_, gone),) = it.told("Disconnected")
    assert (gone.cause, gone.reason) == (
        Cause.STALE,
        "allMids(dex=a) without news for 35 s",
    )
    assert {gap.cause for gap in gaps(it)} == {Cause.STALE}


def test_what_only_time_tells_is_a_reason_at_that_tick(drive, feeds):
    it = drive().live(feeds.mids())
    for it.now in (1.0, 2.0):
        it.data(feeds.mids())
    it.until(13.0)

    ((warned_at, _),) = it.told("Stale")
    assert [(at, notice.reasons) for at, notice in it.told("Degraded")] == [
        (warned_at, ("allMids stale: no news for 10 s or more",))
    ]


def test_a_warning_is_a_reason_while_it_lasts(drive, feeds):
    it = muted(drive(), feeds, 31.0)
    assert [notice.reasons for _, notice in it.told("Degraded")] == [
        ("allMids(dex=a) stale: no news for 30 s or more",)
    ]

    it.data(feeds.mids("a"))
    it.tick()
    assert it.session.conversation.reasons(it.now) == ()


def test_a_ping_that_is_asked_for_leaves_at_once(drive, feeds):
    it = drive().live(feeds.fills())
    it.feed(on.PingRequested())

    assert it.effects == [do.SendPing()]
    liveness = it.session.conversation.liveness
    assert (liveness.pings, liveness.pongs) == (2, 1)
    it.pong().pong()
    assert (liveness.pings, liveness.pongs) == (2, 2)


def test_nobody_is_pinged_without_a_connection(drive):
    it = drive()
    it.feed(on.PingRequested())

    assert it.effects == []
