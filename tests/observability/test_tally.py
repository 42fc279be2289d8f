from __future__ import annotations

import pytest

from bistoury.observability.tally import SECONDS, Histogram, Rising, Tally
from bistoury.session import Cause, Complaint, Subscription
from bistoury.session import notices as say

TRADES = Subscription("trades", (("coin", "BTC"),))


def test_buckets_are_cumulative_and_end_with_all():
    histogram = Histogram()
    for seconds in (0.05, 0.1, 4.0, 1e9):
        histogram.observe(seconds)

    buckets = dict(histogram.buckets())
    assert buckets["0.1"] == 2
    assert buckets["5.0"] == 3
    assert buckets["+Inf"] == 4
    assert len(buckets) == len(SECONDS) + 1


def test_a_counter_does_not_go_down_when_a_part_goes():
    counter = Rising()

    assert [counter.of(sum_) for sum_ in (3, 5, 2, 2, 4)] == [3, 5, 5, 5, 7]


def test_losses_and_failed_attempts_are_counted_apart():
    tally = Tally()
    tally.observe(say.Disconnected(Cause.NETWORK, 1006, "", 1, 3.0))
    tally.observe(say.Disconnected(Cause.DNS, None, "", 2, 0.0, was_open=False))

    assert tally.disconnects == {("network", "1006"): 1}
    assert tally.connect_errors == {"dns": 1}


def test_the_first_readiness_is_no_outage():
    tally = Tally()
    tally.observe(say.Connected(1), 10.0)
    tally.observe(say.Ready(1, 1, 0.4), 10.2)
    tally.observe(say.Ready(2, 1, 2.0))

    assert tally.ready == 2
    assert tally.syncs.total == pytest.approx(0.2)
    assert dict(tally.outages.buckets())["+Inf"] == 1


def test_gaps_count_when_they_are_settled():
    tally = Tally()
    tally.observe(say.Gap(TRADES, 1000, None, "open", 0, Cause.NETWORK))
    tally.observe(say.Gap(TRADES, 1000, 3500, "recovered", 4, Cause.NETWORK))

    assert tally.gaps == {("network", "recovered"): 1}
    assert (tally.gap_seconds, tally.recovered_items) == (2.5, 4)


def test_a_peer_with_a_thousand_close_codes_makes_few_keys():
    tally = Tally()
    for code in range(3000, 4000):
        tally.observe(say.Disconnected(Cause.PROTOCOL_ERROR, code, "", 1, 1.0))

    assert len(tally.disconnects) < 50
    assert sum(tally.disconnects.values()) == 1000


def test_everything_else_has_its_counter():
    tally = Tally()
    for notice in (
        say.Connected(1),
        say.Reconnecting(1, 2.5, Cause.NETWORK),
        say.Stale(TRADES, 9.0, "resubscribe"),
        say.Refused(TRADES, "no", will_retry=False),
        say.AskedAgain(TRADES),
        say.VenueComplained(Complaint.USERS, "too many"),
    ):
        tally.observe(notice)

    assert (tally.connects, tally.attempts, tally.delay) == (1, 1, 2.5)
    assert tally.stale == {"resubscribe": 1}
    assert (tally.refusals, tally.asked_again) == (1, 1)
    assert tally.complaints == {"users": 1}
