from __future__ import annotations

from math import inf

import pytest

from bistoury.session import Cause, Policy, Promise, Subscription, Traits, Update
from bistoury.session import effects as do
from bistoury.session import notices as say
from bistoury.session.freshness import Freshness
from bistoury.session.gap import OpenGap
from bistoury.session.recovery import Recovery
from bistoury.session.registry import Registry

EPOCH = 1_790_000_000  # what the venue's clock shows when ours shows 0


class Watch:
    """A registry with feeds in it, and who judges them."""

    def __init__(self, policy=None):
        self.effects = []
        self.registry = Registry()
        policy = policy or Policy()
        self.recovery = Recovery(policy, self.registry, self.effects)
        self.it = Freshness(policy, self.registry, self.recovery, self.effects)

    def hold(self, name="book", promise=Promise.PERIODIC, now=0.0, **traits):
        """Have a feed granted; return its entry."""
        subscription = Subscription(name)
        self.registry.want(subscription, Traits(name, promise, **traits))
        list(self.registry.take(now, 99, 99))
        return self.registry.settle({"type": name}, now, subscribed=True)

    def data(self, entry, now, *, at=None, is_snapshot=False, frame=b""):
        """Let a frame come that says when it happened at the venue, or does not."""
        time = 0 if at is None else round((EPOCH + at) * 1000)
        update = Update(entry.traits.route, frame, time=time, is_snapshot=is_snapshot)
        if entry.last_at:
            entry.learn(now - entry.last_at)
        entry.last_at = now
        self.it.note(entry, update, now)
        entry.is_speaking = True

    def renew(self, entry, now):
        """Let the venue grant what was given up to be asked for again."""
        name = entry.subscription.feed
        list(self.registry.take(now, 99, 99))
        self.registry.settle({"type": name}, now, subscribed=False)
        list(self.registry.take(now, 99, 99))
        self.registry.settle({"type": name}, now, subscribed=True)

    def rhythm(self, entry, every, until):
        now = every
        while now <= until:
            self.data(entry, now)
            now += every
        return until

    def rungs(self):
        """Return what was said of stale feeds since the last look."""
        told = [getattr(effect, "notice", None) for effect in self.effects]
        self.effects.clear()
        return [(it.rung, it.age_seconds) for it in told if isinstance(it, say.Stale)]

    def until(self, now, step=1.0, start=0.0):
        """Judge once a second; return the rungs with their moments, and the verdict."""
        seen, at = [], start
        self.rungs()
        while at <= now:
            verdict = self.it.inspect(at)
            seen += [(rung, at) for rung, _ in self.rungs()]
            if verdict is not None:
                return seen, verdict
            at += step
        return seen, None


@pytest.fixture
def watch():
    return Watch


# What is news


def test_a_frame_without_a_time_is_news(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 3.0)
    it.data(entry, 4.0)

    assert entry.news_at == 4.0
    assert (entry.venue_time, entry.delay) == (0, 0.0)


def test_a_frame_that_moves_on_at_the_venue_is_news(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 3.0, at=2.9)
    it.data(entry, 4.0, at=3.9)

    assert entry.news_at == 4.0
    assert entry.venue_time == (EPOCH + 3.9) * 1000


@pytest.mark.parametrize("at", [2.9, 1.0])
def test_a_frame_that_stands_still_or_goes_back_is_no_news(watch, at):
    it = watch()
    entry = it.hold()
    it.data(entry, 3.0, at=2.9)
    it.data(entry, 4.0, at=2.95)
    delay = entry.delay
    it.data(entry, 9.0, at=at)

    assert entry.news_at == 4.0
    assert entry.venue_time == (EPOCH + 2.95) * 1000
    assert entry.delay == delay


# How late it is


def test_the_delay_is_judged_from_the_second_frame_on(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 3.0, at=1.0)
    assert entry.delay == 0.0
    assert it.it.lag(entry) is None
    assert it.it.least_delay == inf

    it.data(entry, 4.0, at=3.5)
    assert entry.delay == pytest.approx(0.5 - EPOCH)
    assert it.it.lag(entry) == 0.0


def test_a_snapshot_may_be_old(watch):
    it = watch()
    entry = it.hold()
    entry.is_speaking = True
    it.data(entry, 3.0, at=1.0, is_snapshot=True)

    assert entry.delay == 0.0
    assert entry.news_at == 3.0


def test_lag_is_counted_from_the_best_of_all_feeds(watch):
    it = watch()
    one, other = it.hold("one"), it.hold("other")
    for entry in (one, other):
        it.data(entry, 1.0, at=0.9)
    it.data(one, 2.0, at=1.8)
    it.data(other, 3.0, at=1.0)

    assert it.it.lag(one) == pytest.approx(0.0)
    assert it.it.lag(other) == pytest.approx(1.8)
    assert it.it.least_delay == pytest.approx(0.2 - EPOCH)
    assert it.recovery.least_delay == it.it.least_delay


def test_a_better_delay_sets_a_new_best(watch):
    it = watch()
    entry = it.hold()
    for now, at in ((1.0, 0.1), (2.0, 1.0), (3.0, 2.5), (4.0, 3.0)):
        it.data(entry, now, at=at)

    assert it.it.least_delay == pytest.approx(0.5 - EPOCH)
    assert it.it.lag(entry) == pytest.approx(0.5)


@pytest.mark.parametrize("best", [-5.0, 0.0, 5.0])
def test_lag_is_the_same_whichever_clock_is_ahead(watch, best):
    it = watch()
    entry = it.hold()
    entry.delay, it.it.least_delay = best + 2.0, best

    assert it.it.lag(entry) == 2.0


def test_lag_is_unknown_where_nothing_is(watch):
    it = watch()
    entry = it.hold()
    entry.delay = 5.0

    assert it.it.lag(entry) is None
    entry.delay, it.it.least_delay = 0.0, 1.0
    assert it.it.lag(entry) is None


# How long is too long


def test_a_mute_feed_has_ten_seconds_for_its_first_word(watch):
    it = watch()
    entry = it.hold(now=5.0)

    assert it.it.threshold(entry) == 10.0
    assert it.it.age(entry, 8.0) == 3.0


def test_a_feed_without_a_rhythm_yet_has_half_a_minute(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 5.0)

    assert it.it.threshold(entry) == 30.0
    assert it.it.age(entry, 8.0) == 3.0


@pytest.mark.parametrize(
    ("longest", "threshold"),
    [(0.5, 10.0), (2.5, 10.0), (2.6, 10.4), (5.0, 20.0), (30.0, 120.0), (99.0, 120.0)],
)
def test_a_feed_is_stale_after_four_of_its_longest_intervals_within_bounds(
    watch, longest, threshold
):
    it = watch()
    entry = it.hold()
    entry.news_at, entry.longest = 1.0, longest

    assert it.it.threshold(entry) == pytest.approx(threshold)


# A greeting that does not come


def ungreeted(watch):
    it = watch()
    entry = it.hold("fundings", Promise.SPARSE, greets=True)
    return it, entry


def test_a_greeting_that_does_not_come_is_asked_for_again_on_the_connection(watch):
    it, entry = ungreeted(watch)
    seen, verdict = it.until(300.0)

    assert seen == [("warn", 10.0), ("resubscribe", 15.0), ("resubscribe", 45.0)]
    assert verdict is None
    assert it.it.stale() == [entry]
    assert not entry.ladder.has_reconnected


def test_a_greeting_is_waited_for_from_the_grant_on(watch):
    it = watch()
    it.hold("fundings", Promise.SPARSE, now=20.0, greets=True)
    it.it.inspect(29.9)
    assert it.rungs() == []
    it.it.inspect(30.0)

    assert it.rungs() == [("warn", 10.0)]


def test_a_policy_that_allows_more_has_it_asked_for_once_more_in_its_turn(watch):
    it, _ = ungreeted(watch)
    it.until(100.0)
    it.it.policy = Policy(resubscribe_tries=3)

    assert it.until(300.0, start=101.0) == ([("resubscribe", 106.0)], None)


def test_once_it_comes_all_is_well(watch):
    it, entry = ungreeted(watch)
    it.until(12.0)
    assert entry.ladder.is_stale
    it.registry.started(entry.subscription)
    it.it.started(entry)
    assert not entry.ladder.is_stale
    assert it.until(900.0, start=13.0) == ([], None)


def test_the_first_word_alone_does_not_cure_who_promised_more(watch):
    it = watch()
    entry = it.hold()
    it.until(12.0)
    assert entry.ladder.is_stale
    it.it.started(entry)
    assert entry.ladder.is_stale


# The ladder


def test_a_feed_that_speaks_is_left_alone(watch):
    it = watch()
    entry = it.hold()
    for now in range(1, 60):
        it.data(entry, float(now))
        assert it.it.inspect(now + 0.5) is None

    assert it.rungs() == []
    assert it.it.stale() == []


def test_the_rungs_come_in_order(watch):
    it = watch()
    entry = it.hold()
    seen, verdict = it.until(300.0)

    assert seen == [
        ("warn", 10.0),
        ("resubscribe", 15.0),
        ("resubscribe", 45.0),
        ("reconnect", 75.0),
    ]
    assert verdict == (Cause.STALE, "book without news for 75 s")
    assert entry.ladder.has_reconnected


def test_the_warning_says_how_old_the_last_news_is(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 4.0)
    it.data(entry, 5.0)
    it.it.inspect(15.5)

    assert it.rungs() == [("warn", 10.5)]
    assert it.it.stale() == [entry]


def test_every_rung_says_which_feed_and_how_old_its_last_news_is(watch):
    it = watch()
    entry = it.hold()
    for now in (10.0, 15.0, 45.0, 75.0):
        it.it.inspect(now)

    told = [effect.notice for effect in it.effects if isinstance(effect, do.Announce)]
    assert [notice for notice in told if isinstance(notice, say.Stale)] == [
        say.Stale(entry.subscription, 10.0, "warn"),
        say.Stale(entry.subscription, 15.0, "resubscribe"),
        say.Stale(entry.subscription, 45.0, "resubscribe"),
        say.Stale(entry.subscription, 75.0, "reconnect"),
    ]


def test_asking_again_gives_the_feed_up_and_opens_a_gap(watch):
    it = watch()
    entry = it.hold()
    it.it.inspect(10.0)
    it.it.inspect(15.0)

    assert entry.is_renewing
    assert it.registry.has_unwanted
    assert entry.gap.cause is Cause.STALE
    assert entry.ladder.tries == 1


def test_a_grant_alone_does_not_take_it_off_the_ladder(watch):
    it = watch()
    entry = it.hold()
    it.it.inspect(10.0)
    it.it.inspect(15.0)
    it.renew(entry, 15.2)
    it.it.inspect(16.0)
    assert entry.ladder.is_stale

    it.data(entry, 17.0)
    it.it.inspect(18.0)
    assert not entry.ladder.is_stale


def test_news_takes_it_off_the_ladder_and_the_next_time_begins_anew(watch):
    it = watch()
    entry = it.hold()
    it.until(16.0)
    it.data(entry, 17.0)
    it.it.inspect(18.0)
    assert entry.ladder.tries == 0
    assert not entry.ladder.is_stale
    assert it.it.stale() == []

    seen, _ = it.until(120.0, start=18.0)
    assert seen[0][0] == "warn"


def test_a_feed_that_was_asked_for_again_in_vain_gets_twice_the_patience(watch):
    it = watch()
    entry = it.hold()
    it.rhythm(entry, 1.0, until=10.0)
    assert it.it.threshold(entry) == 10.0
    it.until(25.0, start=11.0)
    it.renew(entry, 25.5)
    it.data(entry, 27.0)
    it.it.inspect(27.5)

    assert entry.longest == pytest.approx(5.0)
    assert it.it.threshold(entry) == pytest.approx(20.0)


def test_a_feed_that_was_only_warned_of_keeps_its_rhythm(watch):
    it = watch()
    entry = it.hold()
    it.rhythm(entry, 1.0, until=10.0)
    it.it.inspect(20.0)
    it.data(entry, 20.5)
    it.it.inspect(21.0)

    assert not entry.ladder.is_stale
    assert entry.longest == 10.5


def test_how_often_it_is_asked_again_is_a_setting(watch):
    policy = Policy(resubscribe_tries=1, resubscribe_after=2.0, ladder_cooldown=7.0)
    it = watch(policy)
    it.hold()
    seen, _ = it.until(300.0)

    assert seen == [("warn", 10.0), ("resubscribe", 12.0), ("reconnect", 19.0)]


@pytest.mark.parametrize("promise", [Promise.EVENT, Promise.SPARSE])
def test_what_is_quiet_by_nature_stays_quiet(watch, promise):
    it = watch()
    it.hold("trades", promise)

    assert it.until(1_000.0, step=10.0) == ([], None)


def test_the_first_of_two_verdicts_counts_and_the_others_are_told_too(watch):
    it = watch(Policy(resubscribe_tries=0))
    it.hold("one")
    it.hold("other")
    seen, verdict = it.until(300.0)

    assert seen.count(("reconnect", 15.0)) == 2
    assert verdict == (Cause.STALE, "other without news for 15 s")


def test_a_fresh_feed_does_not_take_back_the_verdict_on_a_stale_one(watch):
    it = watch(Policy(resubscribe_tries=0))
    it.hold("one")
    fresh = it.hold("other")
    it.it.inspect(10.0)
    for now in (14.0, 14.5):
        it.data(fresh, now)

    assert it.it.inspect(15.0) == (Cause.STALE, "one without news for 15 s")


def test_a_warning_does_not_take_back_the_verdict_on_another_feed(watch):
    it = watch(Policy(resubscribe_tries=0))
    it.hold("one")
    it.hold("other", now=5.0)
    it.it.inspect(10.0)
    it.rungs()

    assert it.it.inspect(15.0) == (Cause.STALE, "one without news for 15 s")
    assert it.rungs() == [("reconnect", 15.0), ("warn", 10.0)]


def test_a_new_connection_that_did_not_help_is_the_end_of_the_ladder(watch):
    it = watch(Policy(resubscribe_tries=0))
    entry = it.hold()
    it.until(15.0)
    it.it.connection_lost()
    it.registry.connection_lost(1)
    it.hold(now=20.0)
    assert entry.ladder.has_failed

    assert it.until(600.0, start=21.0) == ([], None)
    it.data(entry, 601.0)
    it.it.inspect(602.0)
    assert not entry.ladder.has_failed


def test_a_connection_lost_for_other_reasons_is_a_rung_too(watch):
    it = watch()
    entry = it.hold()
    it.it.inspect(10.0)
    it.it.connection_lost()
    assert entry.ladder.next_at == inf
    it.registry.connection_lost(1)
    it.hold(now=20.0)
    seen, _ = it.until(300.0, start=21.0)

    # Ten seconds for the first word, half a minute to cool down.
    assert seen[0] == ("resubscribe", 60.0)


def test_a_fresh_feed_has_nothing_to_wait_for_after_a_loss(watch):
    it = watch()
    entry = it.hold()
    entry.ladder.next_at = 5.0
    it.it.connection_lost()

    assert entry.ladder.next_at == 5.0


def test_no_more_than_six_connections_an_hour_are_given_up_for_stale_feeds(watch):
    it = watch(Policy(resubscribe_tries=0, watchdog_cap=2))
    verdicts = []
    for name in ("a", "b", "c"):
        it.hold(name)
        it.it.inspect(10.0)
        verdicts.append(it.it.inspect(15.0))
        it.registry.release(Subscription(name))
        list(it.registry.take(16.0, 99, 99))
    assert [verdict is not None for verdict in verdicts] == [True, True, False]
    assert it.rungs().count(("reconnect", 15.0)) == 2

    entry = it.hold("d", now=4_000.0)
    it.it.inspect(4_010.0)
    assert it.it.inspect(4_015.0) is not None
    assert entry.ladder.has_failed


def test_a_feed_that_may_not_cost_a_connection_has_failed(watch):
    it = watch(Policy(resubscribe_tries=0, watchdog_cap=0))
    entry = it.hold()
    assert it.until(100.0) == ([("warn", 10.0)], None)

    assert entry.ladder.has_failed


# Lag


def late(it, entry, *lags, start=10.0):
    """Let frames come once a second, so far behind the best one; return the verdict."""
    for number, lag in enumerate(lags):
        now = start + number
        it.data(entry, now, at=now - 0.1 - lag)
        verdict = it.it.inspect(now)
    return verdict


def speaking(watch, policy=None):
    it = watch(policy)
    entry = it.hold("trades", Promise.EVENT)
    late(it, entry, 0.0, 0.0, start=1.0)
    return it, entry


def test_a_feed_that_falls_behind_is_said_to(watch):
    it, entry = speaking(watch)
    late(it, entry, 2.9, 2.9, 2.9, 2.9)
    assert it.rungs() == []

    assert it.it.late() == []
    assert it.it.state(entry, 14.0) == "live"

    assert late(it, entry, 3.1, 3.2, 3.3, start=20.0) is None
    (said,) = it.effects
    assert said.notice.is_late
    assert it.rungs() == [("warn", pytest.approx(3.3, abs=1e-3))]
    assert it.it.late() == [entry]
    assert it.it.state(entry, 22.0) == "late"


def test_of_a_feed_that_went_quiet_nobody_knows_whether_it_is_late(watch):
    it, entry = speaking(watch)
    late(it, entry, 5.0, 5.0, 5.0, start=20.0)
    entry.longest = 4.0

    it.it.inspect(37.9)
    assert it.it.late() == [entry]
    it.it.inspect(38.0)
    assert it.it.late() == []


def test_lateness_that_goes_on_is_another_rung_of_lateness(watch):
    it, entry = speaking(watch)
    late(it, entry, 12.0, 12.0, 12.0, start=20.0)

    assert [(e.notice.rung, e.notice.is_late) for e in it.effects] == [
        ("warn", True),
        ("reconnect", True),
    ]


def test_a_late_frame_or_two_are_a_hiccup(watch):
    it, entry = speaking(watch)
    assert late(it, entry, 60.0, 60.0, 0.0, 60.0, 60.0, 0.0, start=100.0) is None

    assert it.rungs() == []


def test_how_many_late_frames_are_lag_is_a_setting(watch):
    it, entry = speaking(watch, Policy(lag_frames=1))

    assert late(it, entry, 11.0, start=50.0) is not None


def test_one_frame_is_judged_once_however_often_one_looks(watch):
    it, entry = speaking(watch)
    late(it, entry, 5.0, 5.0)
    for now in (11.1, 11.2, 11.3):
        it.it.inspect(now)

    assert it.rungs() == []


def test_lag_is_said_once_until_it_is_over(watch):
    it, entry = speaking(watch)
    late(it, entry, 4.0, 4.5, 5.0, 5.5, 0.0, start=20.0)
    assert [rung for rung, _ in it.rungs()] == ["warn"]
    assert not entry.ladder.is_lagging

    late(it, entry, 4.0, 4.5, start=40.0)
    assert it.rungs() == []
    late(it, entry, 5.0, start=42.0)
    assert [rung for rung, _ in it.rungs()] == ["warn"]


def test_a_feed_too_far_behind_ends_the_connection(watch):
    it, entry = speaking(watch)
    assert late(it, entry, 9.9, 9.9, 9.9, start=30.0) is None

    assert late(it, entry, 10.1, start=33.0) == (
        Cause.STALE,
        "trades is 10 s behind",
    )
    assert it.rungs() == [
        ("warn", pytest.approx(9.9, abs=1e-3)),
        ("reconnect", pytest.approx(10.1, abs=1e-3)),
    ]


def test_the_bounds_of_lag_belong_to_it(watch):
    it, entry = speaking(watch, Policy(lag_frames=1))
    it.data(entry, 10.0, at=10.0)  # numbers that floats hold exactly
    it.data(entry, 20.0, at=17.0)
    assert it.it.inspect(20.0) is None
    assert it.rungs() == [("warn", 3.0)]

    it.data(entry, 30.0, at=20.0)
    assert it.it.inspect(30.0) == (Cause.STALE, "trades is 10 s behind")


def test_a_feed_is_not_judged_by_a_frame_that_shows_no_delay(watch):
    it, _ = speaking(watch, Policy(lag_frames=1))
    other = it.hold("book")
    it.data(other, 10.0, at=1.0)
    assert it.it.lag(other) is None

    assert it.it.inspect(10.0) is None
    assert it.rungs() == []


def test_a_feed_at_its_best_is_not_late_however_soon_that_is_said(watch):
    it, entry = speaking(watch, Policy(lag_warning=0.1))

    assert late(it, entry, 0.0, 0.0, 0.0, start=20.0) is None
    assert it.rungs() == []


def test_where_the_best_is_not_known_nobody_is_late(watch):
    it, _ = speaking(watch)
    it.it.least_delay = inf

    assert it.it.inspect(2.0) is None
    assert it.it.late() == []


def test_lag_too_costs_no_more_than_the_cap(watch):
    it, entry = speaking(watch, Policy(watchdog_cap=0))

    assert late(it, entry, 20.0, 20.0, 20.0, 20.0, start=50.0) is None
    assert [rung for rung, _ in it.rungs()] == ["warn"]


def test_the_cap_is_for_any_hour(watch):
    it, entry = speaking(watch, Policy(watchdog_cap=1, lag_frames=1))
    assert late(it, entry, 20.0, start=50.0) is not None

    assert late(it, entry, 20.0, start=3_649.9) is None
    assert late(it, entry, 20.0, start=3_650.0) is not None


def test_lag_is_judged_while_the_feed_speaks(watch):
    it, entry = speaking(watch, Policy(lag_frames=1))
    it.data(entry, 10.0, at=5.0)
    it.it.inspect(12.0)
    assert it.rungs() == []

    it.it.inspect(11.9)
    assert len(it.rungs()) == 1


def test_lag_belongs_to_its_connection(watch):
    it, entry = speaking(watch)
    late(it, entry, 5.0, 5.0, 5.0)
    it.it.connection_lost()
    assert not entry.ladder.is_lagging
    assert entry.ladder.late_frames == 0
    assert entry.delay == 0.0
    assert it.it.lag(entry) is None

    it.rungs()
    late(it, entry, 5.0, 5.0, start=30.0)
    assert it.rungs() == []


def test_a_verdict_on_lag_does_not_hide_one_on_staleness_nor_the_other_way_round(watch):
    it, entry = speaking(watch, Policy(resubscribe_tries=0, lag_frames=1))
    it.hold("book")
    it.it.inspect(10.0)
    assert late(it, entry, 0.0, start=15.0) == (
        Cause.STALE,
        "book without news for 15 s",
    )

    assert late(it, entry, 11.0, start=40.0) == (Cause.STALE, "trades is 11 s behind")


# In one word


def test_a_refused_feed_is_refused(watch):
    it = watch()
    entry = it.hold()
    entry.refusal = "no"
    entry.ladder.warned_at = 1.0

    assert it.it.state(entry, 5.0) == "refused"


def test_a_feed_that_is_not_granted_is_pending(watch):
    it = watch()
    entry = it.hold()
    it.registry.connection_lost(1)
    assert it.it.state(entry, 5.0) == "pending"

    entry.ladder.warned_at = 1.0
    assert it.it.state(entry, 5.0) == "recovering"


def test_a_feed_that_greets_is_pending_until_it_has(watch):
    it = watch()
    entry = it.hold(greets=True)
    assert it.it.state(entry, 1.0) == "pending"

    it.data(entry, 2.0)
    assert it.it.state(entry, 3.0) == "live"
    other = it.hold("trades", Promise.EVENT)
    assert it.it.state(other, 1.0) == "live"


def test_a_feed_climbs_from_live_to_failed(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 1.0)
    it.data(entry, 2.0)
    assert it.it.state(entry, 7.0) == "live"
    assert it.it.state(entry, 7.001) == "late"
    it.it.inspect(12.0)
    assert it.it.state(entry, 12.0) == "stale"
    it.it.inspect(17.0)
    assert it.it.state(entry, 17.0) == "recovering"

    entry.ladder.has_reconnected, entry.ladder.next_at = True, inf
    assert it.it.state(entry, 99.0) == "failed"


def test_a_feed_without_a_rhythm_is_not_late(watch):
    it = watch()
    entry = it.hold()
    it.data(entry, 1.0)

    assert it.it.state(entry, 29.0) == "live"


def test_a_feed_that_promises_nothing_is_not_late(watch):
    it = watch()
    entry = it.hold("trades", Promise.EVENT)
    it.data(entry, 1.0)
    it.data(entry, 2.0)

    assert it.it.state(entry, 9_999.0) == "live"


def test_a_feed_with_an_open_gap_is_recovering(watch):
    it = watch()
    entry = it.hold()
    entry.gap = OpenGap(1, 0, Cause.NETWORK)

    assert it.it.state(entry, 1.0) == "recovering"


# Feeds whose frames have no time


def test_a_restless_feed_that_repeats_itself_carries_no_news(watch):
    it = watch()
    entry = it.hold("mids", is_restless=True)
    for now in range(1, 21):
        it.data(entry, now, frame=b"%d" % now)
    for now in range(21, 41):
        it.data(entry, now, frame=b"20")

    assert entry.news_at == 20
    assert it.it.age(entry, 40.0) == 20.0
    assert it.until(40.0, start=29.0)[0] == [("warn", 30.0), ("resubscribe", 35.0)]
    assert not entry.ladder.has_failed


def test_a_restless_feed_that_moves_again_is_fresh(watch):
    it = watch()
    entry = it.hold("mids", is_restless=True)
    it.data(entry, 1.0, frame=b"a")
    it.data(entry, 2.0, frame=b"a")
    assert entry.news_at == 1.0

    it.data(entry, 3.0, frame=b"b")
    assert entry.news_at == 3.0
    it.data(entry, 4.0, frame=b"a")
    assert entry.news_at == 4.0


def test_what_may_stand_still_may_repeat_itself(watch):
    it = watch()
    entry = it.hold("context")
    it.data(entry, 1.0, frame=b"a")
    it.data(entry, 2.0, frame=b"a")

    assert entry.news_at == 2.0


def test_the_time_of_a_frame_says_more_than_its_bytes(watch):
    it = watch()
    entry = it.hold("book", is_restless=True)
    it.data(entry, 1.0, at=1.0, frame=b"a")
    it.data(entry, 2.0, at=2.0, frame=b"a")

    assert entry.news_at == 2.0


def test_on_a_new_connection_the_same_is_news(watch):
    it = watch()
    entry = it.hold("mids", is_restless=True)
    it.data(entry, 1.0, frame=b"a")
    it.registry.connection_lost(1)
    it.data(entry, 5.0, frame=b"a")
    assert entry.news_at == 5.0

    list(it.registry.take(5.0, 99, 99))
    it.registry.settle({"type": "mids"}, 5.0, subscribed=True)
    it.registry.renew(entry)
    it.renew(entry, 6.0)
    it.data(entry, 7.0, frame=b"a")
    assert entry.news_at == 7.0
