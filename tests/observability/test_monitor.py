from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bistoury.observability.monitor import Monitor
from bistoury.session import Cause, Complaint, State, Subscription, Trigger
from bistoury.session import notices as say

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BTC = Subscription("trades", (("coin", "BTC"),))
ETH = Subscription("trades", (("coin", "ETH"),))


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
def monitor():
    return Monitor(clock=Clock())


def lost(cause=Cause.NETWORK, *, was_open=True):
    return say.Disconnected(cause, 1006, "reset", 1, 9.0, was_open)


def moved(new, because=Trigger.SYNCED):
    return say.StateChanged(State.SYNCING, new, because)


def test_a_new_monitor_has_seen_nothing(monitor):
    assert monitor.lost_at is None
    assert (monitor.last_disconnect, monitor.last_disconnect_at) == (None, None)
    assert (monitor.reconnects, monitor.attempts) == (0, 0)
    assert (monitor.handler_errors, monitor.overflowed, monitor.unreadable) == (0, 0, 0)
    assert monitor.complaints == {}
    assert list(monitor.outcomes) == []


def test_its_clock_is_the_time_of_day():
    it = Monitor()
    it.observe(lost())

    assert datetime.now(UTC) - it.lost_at < timedelta(seconds=5)


def test_a_loss_is_remembered_from_its_beginning(monitor):
    monitor.observe(lost())
    monitor.clock.now = NOON + timedelta(seconds=30)
    later = lost(Cause.DNS, was_open=False)
    monitor.observe(later)

    assert monitor.lost_at == NOON
    assert monitor.last_disconnect is later
    assert monitor.last_disconnect_at == NOON + timedelta(seconds=30)


def test_nothing_is_lost_any_more_once_it_is_live(monitor):
    monitor.observe(lost())
    monitor.observe(say.Reconnecting(1, 1.0, Cause.NETWORK))
    monitor.observe(moved(State.SYNCING))
    assert monitor.lost_at == NOON
    monitor.observe(moved(State.LIVE))

    assert monitor.lost_at is None
    assert monitor.attempts == 0
    assert monitor.last_disconnect is not None


def test_nothing_is_lost_when_the_end_was_asked_for(monitor):
    monitor.observe(lost(Cause.USER))
    monitor.observe(moved(State.CLOSED, Trigger.CLOSE))

    assert monitor.lost_at is None


def test_giving_up_is_still_a_loss(monitor):
    monitor.observe(lost())
    monitor.observe(moved(State.CLOSED, Trigger.GAVE_UP))

    assert monitor.lost_at == NOON


def test_attempts_are_counted_within_an_outage(monitor):
    for number in range(3):
        monitor.observe(say.Reconnecting(number, 1.0, Cause.NETWORK))

    assert monitor.attempts == 3


def test_a_reconnect_is_a_connection_that_became_ready_after_the_first(monitor):
    monitor.observe(say.Ready(1, 2, 0.5))
    assert monitor.reconnects == 0
    for number in (2, 3):
        monitor.observe(say.Ready(number, 2, 0.5))

    assert monitor.reconnects == 2


def test_attempts_and_silences_are_outcomes(monitor):
    monitor.observe(say.Connected(1))
    monitor.observe(lost(Cause.NETWORK))  # it was open: the attempt went well
    monitor.observe(lost(Cause.DNS, was_open=False))
    monitor.observe(lost(Cause.SILENT))  # a ping went unanswered

    assert list(monitor.outcomes) == [True, False, False]


def test_requests_are_outcomes_and_take_their_time(monitor):
    monitor.request_done(True, 0.25)
    monitor.request_done(False, 2.0)

    assert list(monitor.outcomes) == [True, False]
    assert list(monitor.response_times) == [0.25, 2.0]


def test_remembers_the_last_256_outcomes(monitor):
    for _ in range(300):
        monitor.request_done(True, 1.0)

    assert len(monitor.outcomes) == len(monitor.response_times) == 256


def test_complaints_are_counted_by_kind(monitor):
    for kind in (Complaint.USERS, Complaint.MESSAGES, Complaint.USERS):
        monitor.observe(say.VenueComplained(kind, "no"))

    assert monitor.complaints == {"users": 2, "messages": 1}


def test_gaps_are_counted_when_they_open_and_when_they_are_settled(monitor):
    for subscription in (BTC, ETH):
        monitor.observe(say.Gap(subscription, 1, None, "open", 0, Cause.NETWORK))
    assert set(monitor.open_gaps) == {BTC, ETH}
    monitor.observe(say.Gap(BTC, 1, 2, "recovered", 3, Cause.NETWORK))
    monitor.observe(say.Gap(ETH, 1, 2, "unrecoverable", 0, Cause.NETWORK))

    assert monitor.open_gaps == {}
    assert monitor.gaps == {"recovered": 1, "unrecoverable": 1}


def test_other_news_counts_for_nothing(monitor):
    monitor.observe(say.Granted(BTC))

    assert list(monitor.outcomes) == []


# Messages per second


def test_the_rate_is_over_the_last_ten_seconds(monitor):
    for second in range(30):
        monitor.ticked(float(second), second * 5)

    assert monitor.rate(29.0, 145) == pytest.approx(5.0)
    assert monitor.rate(29.0, 245) == pytest.approx(15.0)


def test_without_a_past_there_is_no_rate(monitor):
    assert monitor.rate(5.0, 100) == 0.0
    monitor.ticked(5.0, 100)
    assert monitor.rate(5.0, 100) == 0.0
    assert monitor.rate(15.1, 100) == 0.0


def test_samples_are_few(monitor):
    for second in range(1_000):
        monitor.ticked(float(second), 0)

    assert len(monitor._received) == 32


def test_what_handlers_had_no_room_for_is_counted_by_feed(monitor):
    for subscription in (BTC, BTC, ETH):
        gap = say.Gap(subscription, 1, None, "open", 0, Cause.OVERFLOW)
        monitor.lacked_room(gap)
    monitor.lacked_room(say.Gap(BTC, 1, 2, "unrecoverable", 0, Cause.OVERFLOW))
    assert monitor.overflows[BTC]["open"] == 1
    assert monitor.gaps == {"unrecoverable": 1}

    # Another reader of the feed is not past it yet.
    monitor.forget(BTC)
    assert monitor.overflows[BTC]["open"] == 1
    monitor.lacked_room(say.Gap(BTC, 1, 2, "unrecoverable", 0, Cause.OVERFLOW))
    monitor.forget(BTC)
    assert set(monitor.overflows) == {ETH}
    assert monitor.gaps == {"unrecoverable": 2}


def test_of_several_connections_the_whole_is_what_is_lost(monitor):
    monitor.observe(lost(), "one", State.LIVE)
    assert monitor.lost_at is None
    monitor.observe(lost(), "two", State.BACKOFF)
    monitor.clock.now = NOON + timedelta(seconds=30)
    monitor.observe(moved(State.LIVE), "one", State.BACKOFF)
    monitor.observe(lost(), "one", State.BACKOFF)
    assert monitor.lost_at == NOON
    monitor.observe(moved(State.CLOSED, Trigger.LOST), "gone", State.BACKOFF)
    assert monitor.lost_at == NOON
    monitor.observe(moved(State.LIVE), "one", State.LIVE)
    assert monitor.lost_at is None
