from __future__ import annotations

from math import inf

import pytest

from bistoury.session import Cause, Policy, Subscription, Traits, Update
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session import notices as say
from bistoury.session.model import Heals
from bistoury.session.recovery import Recovery
from bistoury.session.registry import Registry

EPOCH = 1_790_000_000  # what the venue's clock shows when ours shows 0
T0 = EPOCH * 1000


class Care:
    """A registry with feeds in it, and who makes good what they missed."""

    def __init__(self, policy=None):
        self.effects = []
        self.registry = Registry()
        self.it = Recovery(policy or Policy(), self.registry, self.effects)
        self.it.clock_offset = EPOCH

    def hold(self, heals=Heals.REQUEST, name="feed", now=0.0, **traits):
        """Have a feed granted; return its entry."""
        traits.setdefault("is_lossless", heals is not Heals.ITSELF)
        subscription = Subscription(name)
        self.registry.want(subscription, Traits(name, heals=heals, memory=99, **traits))
        list(self.registry.take(now, 99, 99))
        return self.registry.settle({"type": name}, now, subscribed=True)

    def rows(self, entry, *times, now=0.0):
        """Deliver rows, each known by its venue time."""
        update = Update(entry.traits.route, b"", {"data": []})
        update.keep([(at, at, at) for at in times])
        entry.continuity.admit(update, 1, now, is_replay=False)
        return update

    def lose(self, *, cause=Cause.NETWORK, now=10.0, quietly=False):
        self.it.lost(cause, now, quietly=quietly)
        self.registry.connection_lost(1)

    def grant(self, entry, now=20.0):
        """Have a feed granted on the next connection."""
        list(self.registry.take(now, 99, 99))
        self.registry.settle({"type": entry.subscription.feed}, now, subscribed=True)
        self.it.granted(entry, now)

    def missed(self, heals, *, since=T0 + 5_000, now=20.0, **traits):
        """Bring a feed to where it is granted again after an outage."""
        entry = self.hold(heals, **traits)
        entry.continuity.newest = since
        self.lose()
        self.effects.clear()
        self.grant(entry, now)
        return entry

    def started(self, entry, now, *, oldest=0, newest=0, rows=1):
        name = entry.subscription
        self.it.started(entry, on.DataStarted(1, name, oldest, newest, rows), now)

    def answered(self, entry, now, *, number=None, **facts):
        number = entry.gap.number if number is None and entry.gap else number
        name = entry.subscription
        self.it.answered(entry, on.BackfillDone(name, number, **facts), now)

    def did(self):
        """Return the effects since the last look, and forget them."""
        effects = self.effects.copy()
        self.effects.clear()
        return effects

    def told(self):
        return [
            effect.notice for effect in self.did() if isinstance(effect, do.Announce)
        ]

    def closed(self):
        return [effect for effect in self.did() if isinstance(effect, do.CloseGap)]


@pytest.fixture
def care():
    return Care


# How a gap opens


def test_a_loss_opens_a_gap_in_every_feed_the_connection_carried(care):
    it = care()
    one, other = it.hold(name="one"), it.hold(Heals.ITSELF, name="other")
    one.continuity.newest = T0 + 1
    other.venue_time = T0 + 2
    it.it.lost(Cause.DNS, 10.0)

    assert it.told() == [
        say.Gap(one.subscription, T0 + 1, None, "open", 0, Cause.DNS),
        say.Gap(other.subscription, T0 + 2, None, "open", 0, Cause.DNS),
    ]
    assert it.registry.gapped == {one.subscription: one, other.subscription: other}
    assert one.gap.number != other.gap.number
    assert it.it.deadline == inf


def test_what_was_never_granted_and_never_spoke_missed_nothing(care):
    it = care()
    it.registry.want(Subscription("asked"), Traits("asked"))
    list(it.registry.take(0.0, 99, 99))
    it.it.lost(Cause.DNS, 10.0)

    assert it.did() == []


def test_what_spoke_without_an_acknowledgement_missed_something(care):
    it = care()
    it.registry.want(Subscription("asked"), Traits("asked"))
    (entry,) = it.registry.take(0.0, 99, 99)
    entry.is_speaking, entry.last_at = True, 4.0
    it.it.lost(Cause.DNS, 10.0)

    assert [gap.since for gap in it.told()] == [T0 + 4_000]


def test_what_nobody_wants_missed_nothing(care):
    it = care()
    entry = it.hold()
    it.registry.release(entry.subscription)
    it.it.lost(Cause.DNS, 10.0)

    assert it.did() == []


def test_a_gap_begins_with_the_newest_thing_delivered(care):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 7, T0 + 9)
    entry.venue_time = T0 + 5
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == T0 + 9


@pytest.mark.parametrize("heals", [Heals.ITSELF, Heals.NEVER])
def test_where_nothing_came_a_gap_begins_with_the_grant(care, heals):
    it = care()
    entry = it.hold(heals, now=3.0)
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == T0 + 3_000


def test_where_something_came_without_a_time_a_gap_begins_when_it_came(care):
    it = care()
    entry = it.hold(Heals.ITSELF, now=3.0)
    entry.last_at = 8.0
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == T0 + 8_000


@pytest.mark.parametrize("heals", [Heals.REQUEST, Heals.REPLAY])
def test_what_can_be_read_again_is_read_from_a_minute_earlier(care, heals):
    it = care()
    entry = it.hold(heals, now=3.0)
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == T0 + 3_000 - 60_000


def test_the_venues_own_clock_goes_before_ours(care):
    it = care()
    it.it.least_delay = 2.0 - EPOCH  # the venue is two seconds behind our clock
    entry = it.hold(Heals.ITSELF, now=3.0)
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == T0 + 1_000


def test_the_venues_own_clock_may_be_behind_the_sessions_time_itself(care):
    it = care()
    it.it.clock_offset, it.it.least_delay = 0.0, 2.0
    entry = it.hold(Heals.ITSELF, now=EPOCH + 3.0)
    it.it.lost(Cause.NETWORK, EPOCH + 10.0)

    assert entry.gap.since == T0 + 1_000


def test_until_the_time_of_day_is_known_the_sessions_time_stands_for_it(care):
    it = care()
    it.it = Recovery(Policy(), it.registry, it.effects)
    entry = it.hold(Heals.ITSELF, now=3.0)
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == 3_000


def test_what_was_granted_long_ago_and_lost_before_it_spoke_begins_with_the_loss(care):
    it = care()
    entry = it.hold(Heals.ITSELF)
    it.registry.connection_lost(1)
    assert entry.granted_at == inf
    it.it.lost(Cause.NETWORK, 10.0)

    assert entry.gap.since == T0 + 10_000


@pytest.mark.parametrize(
    ("facts", "since"), [({}, T0 + 9_000), ({"is_doubtful": True}, T0 + 5_000)]
)
def test_what_came_before_a_loss_came_unless_that_is_in_doubt(care, facts, since):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.mark()
    it.rows(entry, T0 + 9_000)
    it.it.lost(Cause.NETWORK, 10.0, **facts)

    assert [gap.since for gap in it.told()] == [since]


def test_a_second_loss_belongs_to_the_same_gap(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    number = entry.gap.number
    it.did()
    it.it.lost(Cause.TLS, 21.0)

    assert it.did() == [do.Release(entry.subscription)]
    assert entry.gap.cause is Cause.NETWORK
    assert entry.gap.number > number
    assert not entry.gap.is_reading
    assert (entry.gap.read_at, entry.gap.hold_until) == (inf, inf)
    assert it.it.deadline == inf


def test_a_second_loss_releases_nothing_where_nothing_waits(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.did()
    it.it.lost(Cause.TLS, 21.0)

    assert it.did() == []
    assert entry.gap.read_at == inf


def test_a_loss_that_was_asked_for_is_told_when_it_is_over(care):
    it = care()
    entry = it.hold()
    it.it.lost(Cause.USER, 10.0, quietly=True)
    assert it.did() == []
    assert entry.gap is not None

    it.it.resumed()
    assert [gap.status for gap in it.told()] == ["open"]
    it.it.resumed()
    assert it.did() == []


def test_only_what_was_kept_quiet_is_told_when_it_is_over(care):
    it = care()
    it.hold()
    it.it.lost(Cause.NETWORK, 10.0)
    it.did()
    it.it.resumed()

    assert it.did() == []


def test_the_gap_of_a_feed_that_is_renewed_begins_with_what_came_last(care):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.renewed(entry, 10.0)

    assert [gap.since for gap in it.told()] == [T0 + 5_000]


def test_a_feed_that_is_renewed_has_a_gap(care):
    it = care()
    entry = it.hold(Heals.ITSELF)
    entry.continuity.newest = T0
    it.it.renewed(entry, 5.0)
    assert it.told() == [say.Gap(entry.subscription, T0, None, "open", 0, Cause.STALE)]

    it.it.renewed(entry, 6.0)
    assert it.did() == []


# What heals itself


def test_a_state_heals_with_its_next_frame(care):
    it = care()
    entry = it.missed(Heals.ITSELF)
    assert it.did() == []
    assert it.it.deadline == inf
    it.started(entry, 21.0, newest=T0 + 20_900)

    assert it.closed() == [
        do.CloseGap(
            say.Gap(
                entry.subscription,
                T0 + 5_000,
                T0 + 20_900,
                "recovered",
                0,
                Cause.NETWORK,
            ),
            0,
        )
    ]
    assert entry.gap is None
    assert it.registry.gapped == {}
    assert entry.gaps == it.it.totals == {"recovered": 1}


@pytest.mark.parametrize(
    ("heals", "newest", "is_behind"),
    [
        (Heals.ITSELF, 1, True),
        (Heals.ITSELF, T0 + 4_999, True),
        (Heals.ITSELF, T0 + 5_000, False),
        (Heals.ITSELF, 0, False),  # it does not say
        (Heals.REPLAY, 1, False),  # rows: each of them counts
        (Heals.REQUEST, 1, False),
    ],
)
def test_a_state_that_is_older_than_what_was_delivered_is_behind(
    care, heals, newest, is_behind
):
    it = care()
    entry = it.missed(heals)
    event = on.DataStarted(1, entry.subscription, 0, newest, 1)

    assert it.it.is_behind(entry, event) is is_behind


def test_a_newer_state_is_not_behind_although_its_grant_is_not_here_yet(care):
    it = care()
    entry = it.hold(Heals.ITSELF)
    entry.continuity.newest = T0 + 5_000
    it.lose()

    event = on.DataStarted(1, entry.subscription, 0, T0 + 6_000, 1)
    assert it.it.is_behind(entry, event) is False


def test_a_state_of_which_nothing_was_missed_is_not_behind(care):
    it = care()
    entry = it.hold(Heals.ITSELF)

    assert not it.it.is_behind(entry, on.DataStarted(1, entry.subscription, 0, 1, 1))


def test_a_state_without_a_time_heals_now(care):
    it = care()
    entry = it.missed(Heals.ITSELF)
    it.started(entry, 21.0)

    assert [effect.notice.until for effect in it.closed()] == [T0 + 21_000]


def test_a_gap_never_ends_before_it_began(care):
    it = care()
    entry = it.missed(Heals.ITSELF)
    it.started(entry, 21.0, newest=T0)

    assert [effect.notice.until for effect in it.closed()] == [T0 + 5_000]


def test_first_data_without_a_gap_is_no_news(care):
    it = care()
    entry = it.hold(Heals.ITSELF)
    it.started(entry, 21.0)
    it.it.granted(entry, 21.0)

    assert it.did() == []


# What never heals


def test_what_nobody_keeps_is_reported_as_lost(care):
    it = care()
    entry = it.missed(Heals.NEVER, note="not this")
    (effect,) = it.closed()

    assert effect.notice.status == "unrecoverable"
    assert effect.notice.until == T0 + 20_000
    assert effect.notice.note == ""
    assert entry.gaps == it.it.totals == {"unrecoverable": 1}


# What heals by a replay


def test_a_replay_that_reaches_back_proves_that_nothing_is_missing(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    assert it.did() == []
    assert it.it.deadline == 22.0
    it.started(entry, 20.1, oldest=T0 + 5_000, newest=T0 + 20_000, rows=3)

    (effect,) = it.closed()
    assert (effect.notice.status, effect.notice.until) == ("recovered", T0 + 20_000)


def test_a_replay_that_does_not_reach_back_proves_that_something_may_be(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.started(entry, 20.1, oldest=T0 + 5_001, newest=T0 + 20_000, rows=5)

    (effect,) = it.closed()
    assert (effect.notice.status, effect.notice.until) == (
        "unrecoverable",
        T0 + 5_001,
    )


@pytest.mark.parametrize("oldest", [0, T0 + 5_001])
def test_a_few_rows_that_do_not_reach_back_are_no_replay(care, oldest):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.started(entry, 20.1, oldest=oldest, newest=T0 + 20_000, rows=4)

    assert it.did() == [
        do.Backfill(entry.subscription, entry.gap.number, 1, T0, entry.gap.delivered)
    ]
    it.answered(entry, 20.5, oldest=T0 + 5_000, newest=T0 + 20_000)
    assert it.did() == [do.Release(entry.subscription)]
    assert it.it.deadline == 25.0


@pytest.mark.parametrize("heals", [Heals.REQUEST, Heals.NEVER])
def test_what_comes_before_the_grant_says_nothing_of_a_feed_that_does_not_replay(
    care, heals
):
    it = care()
    entry = it.hold(heals)
    entry.continuity.newest = T0 + 5_000
    it.lose()
    it.did()
    it.started(entry, 20.1, oldest=T0 + 5_000, newest=T0 + 20_000, rows=5)

    assert it.did() == []
    assert entry.gap is not None


def test_a_replay_that_does_not_come_is_asked_for(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.it.inspect(21.9)
    assert it.did() == []
    it.it.inspect(22.0)

    assert it.did() == [
        do.Backfill(entry.subscription, entry.gap.number, 1, T0, entry.gap.delivered)
    ]
    assert it.it.deadline == inf
    it.started(entry, 22.5, oldest=T0 + 1, newest=T0 + 20_000, rows=30)
    assert it.did() == []


# What heals by being asked for


def test_history_is_asked_for_at_once_while_live_rows_wait(care):
    it = care()
    entry = it.missed(Heals.REQUEST)

    assert it.did() == [
        do.Backfill(entry.subscription, entry.gap.number, 1, T0, entry.gap.delivered)
    ]
    assert entry.continuity.is_holding
    assert it.it.deadline == 22.0


def test_a_read_begins_a_little_before_what_is_known(care):
    it = care(Policy(recovery_overlap=1.5))
    entry = it.missed(Heals.REQUEST)

    assert [effect.since for effect in it.did()] == [T0 + 3_500]
    assert entry.gap.since == T0 + 5_000


def test_a_read_begins_at_a_whole_millisecond(care):
    it = care(Policy(recovery_overlap=0.0015))
    it.missed(Heals.REQUEST)

    assert [effect.since for effect in it.did()] == [T0 + 4_998]


def test_what_was_read_is_released_and_read_again_five_seconds_after_the_grant(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.did()
    it.answered(entry, 20.5)

    assert it.did() == [do.Release(entry.subscription)]
    assert it.it.deadline == 25.0
    it.it.inspect(24.9)
    assert it.did() == []
    it.it.inspect(25.0)
    assert it.did() == [
        do.Backfill(entry.subscription, entry.gap.number, 2, T0, entry.gap.delivered)
    ]
    assert it.it.deadline == inf


def test_the_second_read_settles_the_gap(care):
    it = care()
    entry = it.missed(Heals.REQUEST, note="but not everything")
    entry.gap.recovered_before = 7
    it.answered(entry, 20.5)
    it.it.inspect(25.0)
    it.did()
    it.answered(entry, 25.5)

    assert it.did() == [
        do.Release(entry.subscription),
        do.CloseGap(
            say.Gap(
                entry.subscription,
                T0 + 5_000,
                T0 + 25_500,
                "recovered",
                0,
                Cause.NETWORK,
                "but not everything",
            ),
            7,
        ),
    ]
    assert entry.gap is None


def test_a_gap_remembers_how_much_was_recovered_before_it(care):
    it = care()
    entry = it.hold()
    entry.continuity.recovered = 4
    it.lose()

    assert entry.gap.recovered_before == 4


def test_a_read_that_began_late_enough_is_the_last_one(care):
    it = care(Policy(second_read_after=0.0))
    entry = it.missed(Heals.REQUEST)
    it.answered(entry, 20.5)

    assert entry.gap is None


def test_a_slow_first_read_is_followed_by_the_second_at_once(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.did()
    it.answered(entry, 29.0)

    assert it.it.deadline == 29.0
    it.it.inspect(29.0)
    assert [effect.reading for effect in it.did() if hasattr(effect, "reading")] == [2]


@pytest.mark.parametrize("read", [1, 2])
def test_history_that_does_not_reach_all_the_way_proves_nothing(care, read):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.answered(entry, 20.5, complete=read != 1)
    it.it.inspect(25.0)
    it.answered(entry, 25.5, complete=read != 2)

    assert [effect.notice.status for effect in it.closed()] == ["unrecoverable"]


def test_rows_wait_no_longer_than_two_seconds(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.did()
    it.it.inspect(21.9)
    assert it.did() == []
    it.it.inspect(22.0)

    assert it.did() == [do.Release(entry.subscription)]
    assert it.it.deadline == inf
    assert entry.gap.is_reading
    it.it.inspect(22.1)
    assert it.did() == []


def test_no_more_rows_wait_than_there_is_room_for(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.did()
    it.rows(entry, *range(10_000))
    it.it.inspect(20.5)

    assert it.did() == [do.Release(entry.subscription)]
    assert entry.gap.hold_until == inf


# Reads that fail


def test_a_read_that_fails_is_tried_again_later_and_later(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    now, pauses = 20.5, []
    for _ in range(7):
        it.answered(entry, now, failed=True)
        pauses.append(entry.gap.read_at - now)
        now = entry.gap.read_at
        it.it.inspect(now)

    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    assert [e for e in it.did() if isinstance(e, do.Release)] == [
        do.Release(entry.subscription)  # at 22.0: the rows that waited
    ]


def test_a_feed_whose_history_cannot_be_read_is_unreconciled(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    assert list(it.it.unreconciled(20.4)) == []
    it.answered(entry, 20.5, failed=True)
    assert list(it.it.unreconciled(20.5)) == [entry]

    it.it.inspect(22.5)
    it.answered(entry, 23.0)
    assert list(it.it.unreconciled(23.0)) == []


def test_failures_are_counted_anew_after_a_success_and_after_a_loss(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    for now in (20.5, 22.5):
        it.answered(entry, now, failed=True)
        it.it.inspect(entry.gap.read_at)
    assert entry.gap.failures == 2
    it.lose(now=30.0)
    it.grant(entry, 40.0)

    assert (entry.gap.failures, entry.gap.reading) == (0, 1)
    assert entry.gap.granted_at == 40.0


def test_what_was_broken_before_a_loss_may_be_whole_after_it(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.answered(entry, 20.5, complete=False)
    it.lose(now=21.0)
    it.grant(entry, 30.0)
    it.answered(entry, 30.5)
    it.it.inspect(35.0)
    it.answered(entry, 35.5)

    assert [effect.notice.status for effect in it.closed()] == ["recovered"]


# Answers that come too late


def test_an_answer_about_another_gap_is_no_news(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.did()
    it.answered(entry, 20.5, number=entry.gap.number + 1)

    assert it.did() == []
    assert entry.gap.is_reading


def test_a_second_answer_to_one_read_is_no_news(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.answered(entry, 20.5)
    it.did()
    it.answered(entry, 20.6)

    assert it.did() == []


def test_an_answer_to_a_question_of_the_connection_before_is_no_news(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    number = entry.gap.number
    it.lose(now=21.0)
    it.grant(entry, 22.0)
    it.did()
    it.answered(entry, 22.1, number=number)

    assert it.did() == []


def test_an_answer_without_a_gap_is_no_news(care):
    it = care()
    entry = it.hold()
    it.answered(entry, 22.1, number=1)

    assert it.did() == []


# What another connection carried is not missing


def test_what_another_connection_carried_is_not_looked_for(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.it.carried(entry.subscription, T0 + 9_000)
    it.started(entry, 21.0, oldest=T0 + 9_000, newest=T0 + 20_000, rows=9)

    (closed,) = it.closed()
    assert (closed.notice.status, closed.notice.since) == ("recovered", T0 + 9_000)


@pytest.mark.parametrize(("newest", "shown"), [(15_000, 15_000), (14_999, 0)])
def test_a_read_from_where_another_one_had_come_shows_what_was_new_then(
    care, newest, shown
):
    it = care()
    entry = it.missed(Heals.REQUEST)
    entry.continuity.newest = T0 + newest
    it.it.carried(entry.subscription, T0 + 20_000)

    assert entry.gap.delivered == (T0 + shown if shown else 0)


@pytest.mark.parametrize("until", [T0 + 4_000, T0 + 5_000])
def test_what_was_carried_before_a_gap_does_not_matter(care, until):
    it = care()
    entry = it.missed(Heals.REQUEST)
    before = entry.gap.delivered
    entry.continuity.newest = 0
    it.it.carried(entry.subscription, until)

    assert (entry.gap.since, entry.gap.delivered) == (T0 + 5_000, before)


def test_a_read_must_show_a_row_that_it_knows_by_its_key(care):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 5_000, T0 + 6_000)
    it.lose()
    assert (entry.gap.delivered, entry.gap.key) == (T0 + 6_000, T0 + 6_000)
    it.it.carried(entry.subscription, T0 + 12_000)
    assert (entry.gap.delivered, entry.gap.key) == (0, None)


def test_what_was_carried_of_a_feed_without_a_gap_is_no_news(care):
    it = care()
    entry = it.hold()
    it.it.carried(entry.subscription, T0)
    it.it.carried(Subscription("other"), T0)

    assert entry.gap is None


# Replays that were asked for are windows on the latest rows


def windows(it, entry, *spans):
    """Answer the reads of a replay with these spans, and return how it ended."""
    it.it.inspect(22.0)
    for number, (oldest, newest) in enumerate(spans):
        now = 22.5 if number == 0 else 25.5
        it.it.inspect(now)
        it.answered(entry, now, oldest=oldest, newest=newest)
        it.it.inspect(25.0)
    return [effect.notice.status for effect in it.closed()]


def test_windows_that_touch_leave_no_hole(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    spans = (T0 + 5_000, T0 + 20_000), (T0 + 20_000, T0 + 30_000)

    assert windows(it, entry, *spans) == ["recovered"]


@pytest.mark.parametrize(
    "spans",
    [
        [(T0 + 5_001, T0 + 20_000), (T0 + 9_000, T0 + 30_000)],
        [(T0 + 5_000, T0 + 20_000), (T0 + 20_001, T0 + 30_000)],
    ],
)
def test_windows_that_do_not_touch_leave_a_hole(care, spans):
    it = care()
    entry = it.missed(Heals.REPLAY)

    assert windows(it, entry, *spans) == ["unrecoverable"]


def test_an_empty_window_says_only_what_it_says(care):
    it = care()
    entry = it.missed(Heals.REPLAY)

    assert windows(it, entry, (0, 0), (T0 + 5_000, T0 + 9_000)) == ["recovered"]


def test_an_empty_window_may_say_that_it_was_not_all(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.it.inspect(22.0)
    it.answered(entry, 22.5, complete=False)
    it.it.inspect(25.0)
    it.answered(entry, 25.5, oldest=T0 + 5_000, newest=T0 + 9_000)

    assert [effect.notice.status for effect in it.closed()] == ["unrecoverable"]


@pytest.mark.parametrize(
    ("delivered", "fate"), [(T0 + 5_000, "unrecoverable"), (0, "recovered")]
)
def test_no_window_but_empty_ones_proves_nothing_of_a_feed_that_spoke(
    care, delivered, fate
):
    it = care()
    entry = it.missed(Heals.REPLAY, since=delivered)

    assert windows(it, entry, (0, 0), (0, 0)) == [fate]


def test_a_window_after_a_loss_must_reach_back_to_what_was_known(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.it.inspect(22.0)
    it.answered(entry, 22.5, oldest=T0 + 5_000, newest=T0 + 20_000)
    it.lose(now=23.0)
    it.grant(entry, 30.0)
    assert entry.gap.reached == 0
    it.it.inspect(32.0)
    it.answered(entry, 36.0, oldest=T0 + 6_000, newest=T0 + 30_000)
    it.it.inspect(36.0)
    it.answered(entry, 36.5, oldest=T0 + 6_000, newest=T0 + 30_000)

    assert [effect.notice.status for effect in it.closed()] == ["unrecoverable"]


# Several connections


def shared(care, *, delivered=T0 + 9_000):
    """Have a feed of which another connection has brought more."""
    it = care()
    entry = it.hold(now=4.0)
    entry.continuity.is_shared = True
    it.rows(entry, delivered)
    return it, entry


@pytest.mark.parametrize("least_delay", [-EPOCH, inf])
def test_what_came_over_another_connection_says_nothing_of_this_one(care, least_delay):
    it, entry = shared(care)
    it.it.least_delay = least_delay
    entry.venue_time = T0 + 6_000
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [T0 + 6_000]
    assert entry.gap.delivered == T0 + 9_000


def test_what_came_over_this_one_may_be_newer_than_what_was_new(care):
    it, entry = shared(care)
    entry.venue_time = T0 + 9_500
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [T0 + 9_000]


@pytest.mark.parametrize(
    ("delivered", "least_delay", "since"),
    [
        (T0 + 9_000, -EPOCH, T0 + 4_000 - 60_000),
        (T0 - 90_000, -EPOCH, T0 - 90_000),
        (T0 + 9_000, inf, T0 + 9_000),
    ],
)
def test_where_nothing_came_over_it_it_was_whole_when_it_was_granted(
    care, delivered, least_delay, since
):
    it, _ = shared(care, delivered=delivered)
    it.it.least_delay = least_delay
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [since]


def test_the_server_may_say_when_it_was_granted(care):
    it, _ = shared(care)
    it.it.opened(EPOCH + 4.0, 4.0)
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [T0 + 4_000 - 60_000]


def test_of_what_spoke_without_a_grant_only_the_newest_row_is_known(care):
    it = care()
    it.it.least_delay = -EPOCH
    it.registry.want(Subscription("asked"), Traits("asked", is_lossless=True))
    (entry,) = it.registry.take(0.0, 99, 99)
    entry.is_speaking = entry.continuity.is_shared = True
    it.rows(entry, T0 + 9_000)
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [T0 + 9_000]


def test_a_state_is_the_newest_one_whoever_brought_it(care):
    it = care()
    entry = it.hold(Heals.ITSELF)
    entry.continuity.is_shared = True
    entry.continuity.newest, entry.venue_time = T0 + 9_000, T0 + 6_000
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [T0 + 9_000]


def test_what_came_after_a_settlement_is_not_settled_with_it(care):
    it = care()
    it.it.least_delay = -EPOCH
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.doubt(Cause.SILENT, 10.0)
    for now in (10.5, 15.5):
        it.rows(entry, T0 + round(now * 1000))
        it.it.inspect(now)
        it.answered(entry, now)

    assert entry.sure == T0 + 10_000


# Whose clock it is


def test_what_the_server_says_of_the_time_goes_before_our_own_clock(care):
    it = care()
    it.it.clock_offset = EPOCH + 600  # ours is ahead by ten minutes
    it.it.opened(EPOCH + 4.0, 4.5)
    entry = it.hold(Heals.NEVER, now=4.5)
    it.lose(now=10.0)
    assert it.told()[0].since == T0 + 4_000  # half a second cut off, never added

    it.grant(entry, 20.0)
    assert it.closed()[0].notice.until == T0 + 20_500  # and here a second added


def test_a_server_that_says_nothing_leaves_what_another_one_said(care):
    it = care()
    it.it.opened(EPOCH + 4.0, 4.0)
    it.it.clock_offset = 0.0
    it.it.opened(None, 8.0)
    it.hold(Heals.NEVER, now=9.0)
    it.lose(now=10.0)

    assert [gap.since for gap in it.told()] == [T0 + 9_000]


def test_what_the_data_says_of_the_time_goes_before_all(care):
    it = care()
    it.it.opened(EPOCH + 9.0, 4.0)
    it.it.least_delay = -EPOCH
    entry = it.hold(Heals.NEVER, now=4.0)
    it.lose(now=10.0)
    assert [gap.since for gap in it.told()] == [T0 + 4_000]

    it.grant(entry, 20.0)
    assert it.closed()[0].notice.until == T0 + 20_000


# Doubt


def test_doubt_opens_a_gap_and_asks_at_once_while_rows_go_on(care):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.mark()
    it.rows(entry, T0 + 9_000)
    it.it.doubt(Cause.SILENT, 10.0)

    assert it.did() == [
        do.Announce(
            say.Gap(entry.subscription, T0 + 5_000, None, "open", 0, Cause.SILENT)
        ),
        do.Backfill(
            entry.subscription, entry.gap.number, 1, T0, T0 + 9_000, T0 + 9_000
        ),
    ]
    assert not entry.continuity.is_holding
    it.answered(entry, 10.5)
    assert it.it.deadline == 15.0


def test_doubt_is_about_what_must_not_be_lost_and_is_held(care):
    it = care()
    it.hold(Heals.ITSELF, name="book")
    lost = it.hold(name="asked")
    lost.holding = "asked"
    it.it.doubt(Cause.SILENT, 10.0)

    assert it.did() == []


@pytest.mark.parametrize("heals", [Heals.NEVER, Heals.REPLAY, Heals.REQUEST])
def test_what_may_be_lost_is_not_doubted_however_it_heals(care, heals):
    it = care()
    it.hold(heals, is_lossless=False)
    it.it.doubt(Cause.SILENT, 10.0)

    assert it.did() == []


def test_doubt_goes_on_to_the_feeds_that_follow(care):
    it = care()
    it.hold(Heals.ITSELF, name="book")
    open_already = it.hold(name="one")
    it.it.renewed(open_already, 5.0)
    last = it.hold(name="last")
    it.did()
    it.it.doubt(Cause.SILENT, 10.0)

    assert [gap.subscription for gap in it.told()] == [last.subscription]


def test_doubt_about_what_nobody_keeps_is_a_loss(care):
    it = care()
    it.hold(Heals.NEVER, name="notes")
    entry = it.hold(Heals.REQUEST, name="fills")
    it.it.doubt(Cause.SILENT, 10.0)

    statuses = [e.notice.status for e in it.effects if isinstance(e, do.CloseGap)]
    assert statuses == ["unrecoverable"]
    assert entry.gap is not None


def test_doubt_about_a_replaying_feed_asks_for_the_latest_rows(care):
    it = care()
    entry = it.hold(Heals.REPLAY)
    it.it.doubt(Cause.SILENT, 10.0)

    assert [e.reading for e in it.did() if isinstance(e, do.Backfill)] == [1]
    assert entry.gap.granted_at == 10.0


def test_doubt_while_a_gap_is_open_only_puts_its_end_off(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.did()
    it.it.doubt(Cause.SILENT, 24.0)
    assert it.did() == []
    it.answered(entry, 24.5)

    assert it.it.deadline == 29.0


def test_what_is_sure_is_how_far_every_feed_had_come(care):
    it = care()
    one, other = it.hold(name="one"), it.hold(name="other")
    it.rows(one, T0 + 5)
    it.it.mark()

    assert (one.sure, other.sure) == (T0 + 5, 0)


def muted(care, *, least_delay):
    """Bring a feed that says nothing any more to where that was declared."""
    it = care()
    it.it.least_delay = least_delay
    entry = it.hold(Heals.NEVER)
    it.rows(entry, T0 + 5_000)
    it.it.mark()
    it.it.doubt(Cause.SILENT, 10.0)
    assert [(e.notice.since, e.notice.until) for e in it.closed()] == [
        (T0 + 5_000, T0 + 10_000)
    ]
    return it, entry


@pytest.mark.parametrize("loses", ["doubt", "lost"])
def test_what_was_declared_lost_is_not_declared_again(care, loses):
    it, _ = muted(care, least_delay=-EPOCH)
    getattr(it.it, loses)(Cause.SILENT, 20.0)

    assert [gap.since for gap in it.told()] == [T0 + 10_000]


def test_what_came_after_the_declared_loss_is_where_the_next_one_begins(care):
    it, entry = muted(care, least_delay=-EPOCH)
    it.rows(entry, T0 + 12_000)
    it.it.mark()
    it.it.doubt(Cause.SILENT, 20.0)

    assert [gap.since for gap in it.told()] == [T0 + 12_000]


@pytest.mark.parametrize(
    ("least_delay", "server_time", "until"),
    [(2.0, None, 8_000), (inf, 8.0, 9_000)],  # the server cuts seconds off
)
def test_a_loss_declared_by_a_slow_clock_of_the_venue_is_not_declared_again(
    care, least_delay, server_time, until
):
    it = care()
    it.it.clock_offset, it.it.least_delay = 0.0, least_delay
    it.it.opened(server_time, 10.0)
    entry = it.hold(Heals.NEVER)
    it.rows(entry, 5_000)
    for now in (10.0, 20.0):
        it.it.doubt(Cause.SILENT, now)

    assert [gap.since for gap in it.told()] == [5_000, until]


def test_a_loss_declared_by_our_own_clock_may_be_declared_again(care):
    it, _ = muted(care, least_delay=inf)  # which may be ahead of the venue's
    it.it.doubt(Cause.SILENT, 20.0)

    assert [gap.since for gap in it.told()] == [T0 + 5_000]


def test_what_was_proven_by_a_replay_may_be_doubted_from_its_end(care):
    it = care()
    it.it.least_delay = -EPOCH
    entry = it.missed(Heals.REPLAY)
    it.rows(entry, T0 + 5_000, T0 + 8_000)
    it.started(entry, 20.5, oldest=T0 + 5_000, newest=T0 + 8_000, rows=30)
    it.it.doubt(Cause.SILENT, 30.0)

    assert [gap.since for gap in it.told()] == [T0 + 8_000]


@pytest.mark.parametrize(
    ("least_delay", "since"), [(-EPOCH, T0 + 10_000), (inf, T0 + 9_000)]
)
def test_what_was_recovered_is_beyond_doubt(care, least_delay, since):
    it = care()
    it.it.least_delay = least_delay  # what the venue's clock shows, or nobody knows
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.mark()
    it.it.doubt(Cause.SILENT, 10.0)
    it.rows(entry, T0 + 9_000)
    for now in (10.5, 15.5):
        it.it.inspect(now)
        it.answered(entry, now, complete=True)
    assert [e.notice.status for e in it.closed()] == ["recovered"]
    it.it.doubt(Cause.SILENT, 20.0)

    assert [gap.since for gap in it.told()] == [since]


def test_a_doubt_that_is_not_settled_well_ends_where_it_began(care):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.mark()
    it.it.doubt(Cause.SILENT, 10.0)
    for now in (10.5, 15.5):
        it.it.inspect(now)
        it.answered(entry, now, complete=False)

    assert [e.notice.until for e in it.closed()] == [T0 + 10_000]


def noise(care, *moments):
    """Doubt a feed's completeness again and again."""
    it = care()
    it.it.least_delay = -EPOCH
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    for now in moments:
        it.it.doubt(Cause.PROTOCOL_ERROR, now)
        it.rows(entry, T0 + round(now * 1000))
    return it, entry


def test_doubts_put_the_reads_off_as_well(care):
    it, entry = noise(care, 10.0)
    it.answered(entry, 10.5)
    assert entry.gap.read_at == 15.0
    it.it.doubt(Cause.PROTOCOL_ERROR, 13.0)
    assert entry.gap.read_at == 18.0
    it.it.doubt(Cause.PROTOCOL_ERROR, 14.0)
    assert entry.gap.read_at == 19.0
    it.it.inspect(19.0)
    it.it.doubt(Cause.PROTOCOL_ERROR, 19.1)  # while it is being read
    assert entry.gap.read_at == inf


def test_doubt_without_end_ends_one_gap_after_the_other(care):
    it, entry = noise(care, 10.0)
    it.answered(entry, 10.5)
    now = 11.0
    reads = 0
    while it.it.totals["recovered"] < 3:
        it.it.inspect(now)
        if entry.gap.is_reading:
            reads += 1
            it.answered(entry, now)
        it.it.doubt(Cause.PROTOCOL_ERROR, now)
        now += 2.0

    assert 3 * 30 < now < 3 * 45
    assert reads <= 3 * 3
    told = [notice.since for notice in it.told() if notice.status == "open"]
    assert told == sorted(set(told))
    assert len(told) == 4  # the last one is open
    assert entry.gap.cause is Cause.PROTOCOL_ERROR


def test_a_doubt_that_comes_too_late_for_a_gap_begins_the_next_one(care):
    it, entry = noise(care, 10.0)
    it.answered(entry, 10.5)
    it.it.doubt(Cause.SILENT, 39.0)
    it.rows(entry, T0 + 40_000)
    it.it.mark()
    for late in (41.0, 43.0):
        it.rows(entry, T0 + round(late * 1000))
        it.it.doubt(Cause.PROTOCOL_ERROR, late)
        it.it.mark()  # a ping leaves, which makes nothing sure that is doubted
    it.did()
    it.it.inspect(44.0)
    it.answered(entry, 44.5)

    closed, opened = (effect.notice for effect in it.did() if hasattr(effect, "notice"))
    assert (closed.status, closed.cause) == ("recovered", Cause.PROTOCOL_ERROR)
    assert (opened.since, opened.cause) == (T0 + 40_000, Cause.PROTOCOL_ERROR)


def test_a_gap_takes_in_the_doubts_of_half_a_minute(care):
    it, entry = noise(care, 10.0)
    it.it.doubt(Cause.SILENT, 40.0)
    assert (entry.gap.granted_at, entry.gap.next_cause) == (40.0, None)
    it.it.doubt(Cause.SILENT, 40.1)

    assert (entry.gap.granted_at, entry.gap.next_cause) == (40.0, Cause.SILENT)


def test_the_next_gap_begins_with_what_had_come_when_it_was_doubted(care):
    it, entry = noise(care, 10.0)
    it.answered(entry, 10.5)
    it.rows(entry, T0 + 40_000)
    it.it.doubt(Cause.SILENT, 41.0)
    it.rows(entry, T0 + 42_000)
    other = it.hold(name="other", now=43.0)
    it.it.inspect(44.0)
    it.answered(entry, 44.5)

    assert [gap.since for gap in it.told()] == [T0 + 5_000, T0 + 40_000]
    assert other.gap is None


def test_a_doubt_about_one_feed_is_about_that_one(care):
    it = care()
    one, other = it.hold(name="one"), it.hold(name="other")
    it.it.doubt(Cause.PROTOCOL_ERROR, 10.0, other.subscription)

    assert (one.gap, other.gap is not None) == (None, True)


def test_a_state_of_which_each_change_counts_is_not_doubted(care):
    it = care()
    it.hold(Heals.ITSELF, is_lossless=True)
    it.it.doubt(Cause.PROTOCOL_ERROR, 10.0)

    assert it.did() == []


def test_a_history_that_trails_is_read_until_it_does_not(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.answered(entry, 20.5, trails=True)
    assert entry.gap.read_at == 25.5
    for now in (25.5, 30.5):
        it.it.inspect(now)
        it.answered(entry, now, trails=True)
        assert entry.gap.read_at == now + 5.0
    it.it.inspect(35.5)
    it.answered(entry, 35.5)

    assert [effect.notice.status for effect in it.closed()] == ["recovered"]


def test_a_history_that_trails_for_long_proves_nothing(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    now = 20.5
    while entry.gap is not None:
        it.it.inspect(now)
        it.answered(entry, now, trails=True)
        now += 5.0

    assert [effect.notice.status for effect in it.closed()] == ["unrecoverable"]
    assert 50.0 < now <= 60.0


@pytest.mark.parametrize(("now", "ends"), [(49.9, []), (50.0, ["unrecoverable"])])
def test_a_history_may_trail_for_half_a_minute(care, now, ends):
    it = care()
    entry = it.missed(Heals.REQUEST)
    it.answered(entry, 20.5, trails=True)
    it.it.inspect(now)
    it.answered(entry, now, trails=True)

    assert [effect.notice.status for effect in it.closed()] == ends


def test_a_gap_that_is_not_settled_soon_is_worth_a_word(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    assert list(it.it.unreconciled(35.0)) == []
    assert list(it.it.unreconciled(35.1)) == [entry]
    replayed = it.missed(Heals.REPLAY, name="other")
    assert replayed not in list(it.it.unreconciled(99.0))  # nothing was asked yet


def test_a_doubt_about_trades_ends_where_the_last_window_begins(care):
    it = care()
    entry = it.hold(Heals.REPLAY)
    it.rows(entry, T0 + 5_000)
    it.it.doubt(Cause.SILENT, 10.0)
    for now, span in ((10.5, (7_000, 10_000)), (15.5, (13_000, 15_000))):
        it.it.inspect(now)
        oldest, newest = (T0 + at for at in span)
        it.answered(entry, now, oldest=oldest, newest=newest)

    assert [e.notice.until for e in it.closed()] == [T0 + 13_000]


def test_a_history_that_lacks_something_says_nothing_of_what_came_live(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    for now in (20.5, 25.0):
        it.it.inspect(now)
        it.answered(entry, now, oldest=T0 + 24_000, newest=T0 + 24_500, complete=False)

    (closed,) = it.closed()
    assert (closed.notice.status, closed.notice.until) == ("unrecoverable", T0 + 20_000)


def test_a_gap_that_windows_close_ends_now_by_the_clock_that_is_known(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.it.inspect(22.0)
    it.answered(entry, 22.5, oldest=T0, newest=T0 + 90_000)
    it.it.inspect(25.0)
    it.answered(entry, 25.5, oldest=T0 + 90_000, newest=T0 + 95_000)

    (closed,) = it.closed()
    assert (closed.notice.status, closed.notice.until) == ("recovered", T0 + 25_500)


def test_what_was_settled_need_not_be_shown_again(care):
    it = care()
    it.it.least_delay = -EPOCH
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    for now in (100.0, 200.0):
        it.did()
        it.it.doubt(Cause.SILENT, now)
        read = next(e for e in it.did() if isinstance(e, do.Backfill))
        for at in (now + 0.5, now + 5.5):
            it.it.inspect(at)
            it.answered(entry, at)

    assert (read.since, read.delivered) == (T0 + 95_000, 0)  # a quiet hundred seconds


def test_what_was_delivered_just_before_must_be_shown(care):
    it = care()
    it.it.least_delay = -EPOCH
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    entry.settled = T0 + 10_000
    it.it.doubt(Cause.SILENT, 12.0)
    assert entry.gap.delivered == T0 + 5_000
    other = it.hold(name="other")
    it.rows(other, T0 + 5_000)
    other.settled = T0 + 10_001
    it.it.doubt(Cause.SILENT, 12.0)
    assert other.gap.delivered == 0


def test_a_doubt_may_know_from_when_it_is(care):
    it = care()
    entry = it.hold()
    it.rows(entry, T0 + 5_000)
    it.it.mark()
    it.rows(entry, T0 + 9_000)
    it.it.doubt(Cause.SILENT, 10.0, entry.subscription, T0 + 7_000)

    assert entry.gap.since == T0 + 7_000


def test_a_read_knows_what_it_must_show(care):
    it = care()
    entry = it.missed(Heals.REQUEST)
    assert entry.gap.delivered == T0 + 5_000
    other = it.hold(name="other")
    it.rows(other, T0 + 7_000)
    it.it.mark()
    it.rows(other, T0 + 9_000)
    it.it.doubt(Cause.SILENT, 22.0)
    assert (other.gap.since, other.gap.delivered) == (T0 + 7_000, T0 + 9_000)
    never = it.hold(name="never")
    it.it.doubt(Cause.SILENT, 22.0)
    assert never.gap.delivered == 0


# Several gaps


def test_the_next_moment_is_the_soonest_of_all_gaps(care):
    it = care()
    entries = [it.hold(name=name) for name in ("a", "b")]
    replay = it.hold(Heals.REPLAY, name="c")
    it.lose()
    it.grant(entries[1], 21.0)
    assert it.it.deadline == 23.0
    it.grant(entries[0], 20.0)
    assert it.it.deadline == 22.0
    it.it.granted(replay, 19.0)
    assert it.it.deadline == 21.0


def test_each_gap_has_a_number_of_its_own(care):
    it = care()
    numbers = set()
    entry = it.hold()
    for now in (10.0, 20.0, 30.0):
        it.lose(now=now)
        numbers.add(entry.gap.number)
        it.grant(entry, now + 1.0)

    assert len(numbers) == 3


def test_gaps_are_counted_by_how_they_ended_for_each_feed_and_in_all(care):
    it = care()
    one, other = it.hold(Heals.NEVER, "one"), it.hold(Heals.ITSELF, "other")
    for now in (10.0, 20.0):
        it.lose(now=now)
        it.grant(one, now + 1.0)
        it.grant(other, now + 1.0)
        it.started(other, now + 2.0)

    assert one.gaps == {"unrecoverable": 2}
    assert other.gaps == {"recovered": 2}
    assert it.it.totals == {"unrecoverable": 2, "recovered": 2}


def test_two_recoveries_share_nothing(care):
    one, other = care(), care()
    one.missed(Heals.NEVER)

    assert other.it.totals == {}
    assert other.it.deadline == inf


# Frames that are changes


def test_the_first_frame_after_a_grant_ends_a_gap_of_changes(care):
    it = care()
    entry = it.missed(Heals.RESYNC)
    assert it.did() == []

    it.started(entry, 21.0)
    (closed,) = it.closed()
    assert closed.notice.status == "recovered"
    assert closed.notice.until == T0 + 21_000


def test_a_doubt_about_changes_has_the_whole_sent_again(care):
    it = care()
    entry = it.hold(Heals.RESYNC)
    entry.is_speaking = True
    it.it.doubt(Cause.SILENT, 30.0)

    assert [gap.status for gap in it.told()] == ["open"]
    assert list(it.registry.take(30.0, 99, 99)) == [entry]
    assert entry.holding == "leaving"
    it.registry.settle({"type": "feed"}, 30.1, subscribed=False)
    it.grant(entry, 30.2)
    it.started(entry, 30.3)
    (closed,) = it.closed()
    assert closed.notice.status == "recovered"
    assert entry.gap is None


def test_a_late_change_of_what_was_given_up_is_not_the_whole(care):
    it = care()
    entry = it.hold(Heals.RESYNC)
    it.it.doubt(Cause.SILENT, 30.0)
    list(it.registry.take(30.0, 99, 99))
    event = on.DataStarted(1, entry.subscription, 0, 0, 0)

    assert it.it.is_behind(entry, event)
    it.registry.settle({"type": "feed"}, 30.1, subscribed=False)
    assert it.it.is_behind(entry, event)
    it.grant(entry, 30.2)
    assert not it.it.is_behind(entry, event)


def test_a_further_doubt_about_changes_has_it_sent_once_more(care):
    it = care()
    entry = it.missed(Heals.RESYNC)
    it.it.doubt(Cause.PROTOCOL_ERROR, 21.0)
    it.it.doubt(Cause.PROTOCOL_ERROR, 22.0)
    it.started(entry, 23.0)
    assert it.closed() == []  # this may have come before what was lost
    assert it.it.deadline == 27.0

    it.it.inspect(26.9)
    assert not it.registry.has_unwanted
    it.it.inspect(27.0)
    assert list(it.registry.take(27.0, 99, 99)) == [entry]
    assert it.it.deadline == inf
    it.registry.settle({"type": "feed"}, 27.1, subscribed=False)
    it.grant(entry, 27.2)
    it.started(entry, 27.3)
    assert [closed.notice.status for closed in it.closed()] == ["recovered"]


def test_doubts_about_changes_that_never_end_make_another_gap(care):
    it = care()
    entry = it.missed(Heals.RESYNC)
    entry.continuity.newest = entry.sure = 0
    it.it.doubt(Cause.SILENT, 50.1)
    it.started(entry, 50.2)

    found = it.did()
    ended = [e.notice.status for e in found if isinstance(e, do.CloseGap)]
    begun = [e.notice.status for e in found if isinstance(e, do.Announce)]
    assert (ended, begun) == (["recovered"], ["open"])
    assert entry.gap is not None


def test_what_nobody_wants_any_more_is_not_doubted(care):
    it = care()
    entry = it.hold()
    it.registry.release(entry.subscription)
    it.it.doubt(Cause.PROTOCOL_ERROR, 5.0)

    assert it.did() == []
    assert it.registry.gapped == {}


def test_after_a_replay_that_proved_all_the_feed_is_sure_as_far_as_it_came(care):
    it = care()
    entry = it.missed(Heals.REPLAY)
    it.it.least_delay = 0.0
    it.started(entry, 21.0, oldest=T0 + 1_000, newest=T0 + 9_000, rows=9)

    assert entry.settled == 0
    assert entry.sure == entry.continuity.newest == T0 + 5_000
