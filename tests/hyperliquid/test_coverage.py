"""What one line missed is a gap only if no other line shows that it carried it."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from bistoury.hyperliquid.coverage import Coverage
from bistoury.hyperliquid.line import Line as RealLine
from bistoury.session import Cause, State, Subscription
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session.liveness import Liveness
from bistoury.session.model import Heals
from bistoury.session.notices import Gap

FILLS, TRADES = Subscription("userFills"), Subscription("trades")
BOOK = Subscription("l2Book")
HEALS = {FILLS: Heals.REQUEST, TRADES: Heals.REPLAY, BOOK: Heals.ITSELF}


class Line:
    """A line, as far as its group looks at it."""

    def __init__(self, number, clock):
        self.answers, self.clock = [], clock
        self.is_busy = self.is_hushed = False
        self.entries = {
            feed: SimpleNamespace(
                gap=None,
                is_held=True,
                venue_time=0,
                sure=0,
                news_at=0.0,
                traits=SimpleNamespace(heals=heals),
            )
            for feed, heals in HEALS.items()
        }
        self.liveness = Liveness(pings=1, pongs=1)
        self.session = SimpleNamespace(
            state=State.LIVE,
            connection_id=number,
            conversation=SimpleNamespace(
                liveness=self.liveness, is_hushed=lambda now: self.is_hushed
            ),
            registry=SimpleNamespace(entries=self.entries),
        )
        self.supervisor = self

    ping = RealLine.ping

    def now(self):
        return self.clock.now

    def feed(self, event):
        if isinstance(event, on.Carried):
            entry = self.entries[event.subscription]
            if entry.gap is not None:
                entry.gap.since = max(entry.gap.since, event.until)
            return
        assert isinstance(event, on.PingRequested)
        self.liveness.pings += not self.is_busy

    def brings(self, time, feed=FILLS):
        """Carry a row, or a state, of this venue time."""
        self.entries[feed].venue_time = time
        self.entries[feed].news_at = self.now()

    def wall(self):
        return 0.5 + self.now() / 1000

    def backfilled(self, wanted, found, *, complete):
        assert (found, complete) == ([], True)
        self.answers.append(wanted)

    def away(self):
        self.session.state = State.BACKOFF
        for entry in self.entries.values():
            entry.is_held = False
            entry.gap = entry.gap or lost(entry.venue_time)

    def back(self):
        self.session.state = State.LIVE
        self.session.connection_id += 10
        self.liveness.pings = self.liveness.pongs = 1
        for entry in self.entries.values():
            entry.is_held = True


def lost(since, granted_at=0.0):
    """Return what a session remembers of a gap."""
    return SimpleNamespace(since=since, granted_at=granted_at, cause=Cause.NETWORK)


class Lines:
    """Two lines or more, and what was told of their gaps."""

    def __init__(self, count=2):
        self.clock = SimpleNamespace(now=7.0)
        self.lines = [Line(number, self.clock) for number in range(1, count + 1)]
        self.it = Coverage(self.lines)
        self.told = []

    def __getitem__(self, number):
        return self.lines[number]

    def gap(self, number, feed=FILLS, since=100, **facts):
        """Let a line open a gap; return what the group tells."""
        entry = self[number].entries[feed]
        entry.gap = lost(since, self.clock.now)
        entry.venue_time = entry.venue_time or since
        gap = Gap(feed, since, None, "open", 0, Cause.NETWORK)
        return self.it.hear(self[number], msgspec.structs.replace(gap, **facts))

    def settle(self, number, status, feed=FILLS, since=100, until=200):
        self[number].entries[feed].gap = None
        gap = Gap(feed, since, until, status, 0, Cause.NETWORK)
        return self.it.hear(self[number], gap)

    def lose(self, number, since=100, feed=FILLS):
        self[number].away()
        return self.gap(number, feed, since)

    def read(self, number, feed=FILLS, reading=1):
        """Let a line want to read; return the read, and whether it was spared."""
        wanted = do.Backfill(feed, 1, reading, 95)
        return wanted, self.it.spares(self[number], wanted)

    def pong(self, number):
        self.it.look()
        self[number].liveness.pongs += 1
        return self.it.look()


@pytest.fixture
def two():
    return Lines()


def brief(gaps):
    return [(gap.status, gap.since) for gap in gaps]


def test_alone_every_gap_is_told_and_read():
    it = Lines(1)
    assert brief(it.lose(0)) == [("open", 100)]
    assert it.it.has_open_gaps
    it[0].back()
    assert it.read(0)[1] is False
    assert brief(it.settle(0, "recovered")) == [("recovered", 100)]
    assert not it.it.has_open_gaps


def test_what_the_other_line_shows_that_it_carried_is_neither_told_nor_read(two):
    assert two.lose(0) == []
    two[0].back()
    wanted, spared = two.read(0)
    assert spared
    assert two.it.look() == []
    assert two[1].liveness.pings == 2  # it is asked now, and not before
    assert two[0].answers == []
    assert two.it.is_owing(two[0])
    two.pong(1)
    assert two[0].answers == [wanted]
    assert not two.it.is_owing(two[0])
    second, _ = two.read(0, reading=2)
    assert two[0].answers == [wanted, second]
    assert two.settle(0, "recovered") == []
    assert not two.it.has_open_gaps


def test_an_answer_from_before_the_line_was_back_shows_nothing(two):
    two[1].liveness.pings = 2  # a ping is under way
    two.lose(0)
    two[0].back()
    two.read(0)
    assert two.it.look() == []
    assert two[1].liveness.pings == 2
    two.pong(1)
    assert two[0].answers == []
    assert two[1].liveness.pings == 3
    two.pong(1)
    assert len(two[0].answers) == 1


def test_a_line_that_cannot_be_asked_now_is_asked_later(two):
    two.lose(0)
    two[0].back()
    two.read(0)
    two[1].is_busy = True
    two.it.look()
    assert two[0].answers == []
    two[1].is_busy = False
    two.it.look()
    two.pong(1)
    assert len(two[0].answers) == 1


def test_one_ping_shows_it_for_every_feed_that_waits(two):
    two.lose(0)
    two.gap(0, TRADES)
    two[0].back()
    two.read(0)
    two.read(0, TRADES)  # too late for the ping that is under way
    assert two[1].liveness.pings == 2
    two.pong(1)
    assert len(two[0].answers) == 1
    assert two[1].liveness.pings == 3
    two.pong(1)
    assert len(two[0].answers) == 2


def test_if_the_other_line_was_dead_the_gap_is_real_from_where_both_were_gone(two):
    two.lose(0, since=100)
    two[0].back()
    wanted, _ = two.read(0)
    two.it.look()
    told = two.lose(1, since=90)  # what had come over it, long ago

    assert brief(told) == [("open", 100)]
    assert two.it.take_reads() == [(two[0], wanted)]
    assert two.it.take_reads() == []
    assert two[0].answers == []
    assert two.read(0)[1] is False
    two[1].back()
    assert brief(two.settle(1, "recovered", since=90)) == [("recovered", 100)]
    assert two.settle(0, "recovered", since=100) == []


def test_what_the_other_line_brought_before_it_failed_is_not_missing(two):
    two.lose(0, since=100)
    two[0].back()
    two.read(0)
    two[1].brings(900)
    two.clock.now += 1.1

    assert brief(two.it.look()) == [("open", 900)]
    assert two[0].entries[FILLS].gap.since == 900  # nor looked for
    assert brief(two.settle(0, "recovered", since=900)) == [("recovered", 900)]


def test_what_the_other_line_brought_until_the_line_was_back_leaves_no_gap(two):
    two.lose(0, since=100)
    two[0].back()
    two.settle(0, "unrecoverable", until=200)
    two[1].brings(200)
    two[1].away()

    assert two.it.look() == []
    assert not two.it.is_owing(two[0])


def test_what_ends_before_what_was_told_began_leaves_nothing_missing(two):
    two.lose(0, since=100)
    assert brief(two.lose(1, since=300)) == [("open", 300)]
    two[0].back()

    (told,) = two.settle(0, "unrecoverable", until=250)
    assert (told.since, told.until, told.status) == (300, 300, "recovered")


def test_what_was_proven_is_not_missing_when_the_line_goes_away_again(two):
    two.lose(0, since=100)
    two[0].back()
    two.read(0)
    two.it.look()
    two[1].brings(500)
    two.pong(1)
    two[0].away()
    two[0].back()
    two.it.look()
    two[1].brings(0)

    assert brief(two.lose(1, since=0)) == [("open", 500)]


def test_what_goes_on_missing_on_one_line_when_another_settles_it_is_owed(two):
    two[1].is_hushed = True
    assert brief(two.gap(0, since=100)) == [("open", 100)]  # and lasts
    two[1].is_hushed = False
    two.gap(1, since=90)
    assert brief(two.settle(1, "recovered", since=90, until=300)) == [
        ("recovered", 100)
    ]
    assert two.it.is_owing(two[0])
    two[1].brings(400)
    assert two.settle(0, "unrecoverable", since=100, until=500) == []
    told = two.lose(1, since=400)

    assert [(gap.status, gap.since, gap.until) for gap in told] == [
        ("open", 400, None),
        ("unrecoverable", 400, 500),
    ]


def test_nobody_owes_what_it_did_not_miss_when_a_gap_is_settled():
    it = Lines(3)
    del it[2].entries[FILLS]
    it[1].entries[FILLS].is_held = False
    assert brief(it.gap(0, since=100)) == [("open", 100)]
    assert brief(it.settle(0, "recovered", since=100)) == [("recovered", 100)]
    assert not any(it.it.is_owing(line) for line in it.lines)


def test_a_line_that_never_had_the_feed_brought_nothing_of_it():
    it = Lines(3)
    del it[2].entries[FILLS]
    it.lose(0, since=100)
    assert brief(it.lose(1, since=300)) == [("open", 300)]


def test_what_is_set_aside_for_a_line_was_not_brought_by_it(two):
    two.lose(0, since=100)
    two[0].back()
    two.settle(0, "unrecoverable", until=200)
    two[0].brings(700)  # after what it missed
    two[1].brings(150)
    told = two.lose(1, since=150)

    assert [(gap.status, gap.since, gap.until) for gap in told] == [
        ("open", 150, None),
        ("unrecoverable", 150, 200),
    ]


def test_what_the_other_line_carried_until_its_own_gap_is_not_missing(two):
    two.lose(0, since=100)
    two[0].back()
    two.read(0)

    assert brief(two.lose(1, since=300)) == [("open", 300)]
    assert brief(two.settle(0, "recovered", since=100)) == [("recovered", 300)]


def test_a_line_that_does_not_answer_at_once_covers_nothing(two):
    two.lose(0, since=100)
    two.clock.now = 50.0  # away for long: nobody was asked yet
    two[0].back()
    wanted, _ = two.read(0)
    two.clock.now = 51.0
    assert two.it.look() == []
    two.clock.now = 51.1
    assert brief(two.it.look()) == [("open", 100)]
    assert two.it.take_reads() == [(two[0], wanted)]


def test_a_third_line_that_steps_in_has_its_time_too():
    it = Lines(3)
    it.lose(0)
    it[0].back()
    it.read(0)
    it.it.look()
    it.clock.now += 1.1
    assert it.it.look() == []
    it.clock.now += 0.9
    it.pong(2)
    assert len(it[0].answers) == 1


def test_whoever_knows_less_does_not_settle_it(two):
    two.lose(0, since=100)
    two[0].back()
    two.read(0)
    two[1].away()
    assert brief(two.it.look()) == [("open", 100)]
    two.gap(1, since=900)
    two[1].back()

    assert two.settle(1, "recovered", since=900) == []
    assert two.it.has_open_gaps


def test_a_loss_without_a_word_of_its_gap_counts_too(two):
    two.lose(0)
    two[0].back()
    two.read(0)
    two[1].away()

    assert brief(two.it.look()) == [("open", 100)]


@pytest.mark.parametrize("is_gone", [True, False])
def test_another_connection_of_the_other_line_shows_nothing(two, is_gone):
    two.lose(0)
    two[0].back()
    wanted, _ = two.read(0)
    two.it.look()
    if is_gone:
        two.lines.remove(two[1])
    else:
        two[1].back()

    assert brief(two.it.look()) == [("open", 100)]
    assert two.it.take_reads() == [(two[0], wanted)]


def test_both_down_is_one_gap_from_where_the_second_one_began(two):
    assert two.lose(0, since=100) == []
    assert brief(two.lose(1, since=300)) == [("open", 300)]
    two[0].back()
    assert two.read(0)[1] is False
    assert brief(two.settle(0, "recovered", since=100)) == [("recovered", 300)]


def test_the_same_trouble_on_both_lines_is_a_gap(two):
    assert two.gap(0) == []
    two.read(0)
    assert brief(two.gap(1)) == [("open", 100)]
    assert two.read(1)[1] is False


def test_a_line_that_carries_no_data_though_it_answers_covers_nothing(two):
    two[1].is_hushed = True
    assert brief(two.gap(0)) == [("open", 100)]


@pytest.mark.parametrize("lacks", ["entry", "grant"])
def test_a_line_that_does_not_hold_the_feed_covers_nothing(two, lacks):
    if lacks == "entry":
        del two[1].entries[FILLS]
    else:
        two[1].entries[FILLS].is_held = False
    assert brief(two.lose(0)) == [("open", 100)]


def test_what_could_not_be_recovered_waits_for_the_other_line(two):
    two.lose(0)
    two[0].back()
    assert two.settle(0, "unrecoverable", until=200) == []
    assert two.it.is_owing(two[0])
    assert two.pong(1) == []
    assert not two.it.is_owing(two[0])
    assert not two.it.has_open_gaps


def test_what_could_not_be_recovered_and_was_not_carried_is_told_to_its_end(two):
    two.lose(0)
    two[0].back()
    two.settle(0, "unrecoverable", until=200)
    told = two.lose(1, since=90)

    assert [(gap.status, gap.since, gap.until) for gap in told] == [
        ("open", 100, None),
        ("unrecoverable", 100, 200),
    ]  # the first line carries what the second one missed now


def test_an_older_gap_that_is_told_late_leaves_a_newer_one_open(two):
    two.lose(0)
    two[0].back()
    two.settle(0, "unrecoverable", until=200)
    assert two.gap(0, since=300) == []
    two[1].away()

    told = [(gap.status, gap.since) for gap in two.it.look()]
    assert told == [("open", 100), ("unrecoverable", 100), ("open", 300)]
    assert two.it.has_open_gaps
    assert brief(two.settle(0, "recovered", since=300)) == [("recovered", 300)]


def test_what_a_line_recovered_by_itself_needs_nobody(two):
    two.lose(0)
    two[0].back()
    assert two.settle(0, "recovered") == []
    assert not two.it.is_owing(two[0])


def test_a_further_doubt_needs_a_further_proof(two):
    two.gap(0)
    two.read(0)
    two.it.look()
    two.pong(1)
    assert len(two[0].answers) == 1
    two.clock.now += 2.0
    two[0].entries[FILLS].gap.granted_at = two.clock.now  # without another word
    assert two.it.look() == []
    assert two.it.is_owing(two[0])
    assert two[1].liveness.pings == 3
    two.read(0, reading=2)
    two.pong(1)
    assert len(two[0].answers) == 2


def test_the_same_further_doubt_on_both_lines_is_a_gap(two):
    two.gap(0)
    two.read(0)
    two.it.look()
    two.pong(1)
    two.gap(1)
    two.read(1)
    two.it.look()
    two.pong(0)
    assert not two.it.has_open_gaps
    two.clock.now += 2.0
    for number in (0, 1):
        two[number].entries[FILLS].gap.granted_at = two.clock.now

    assert brief(two.it.look()) == [("open", 100)]


def test_a_line_that_goes_away_again_has_to_be_covered_anew(two):
    two.lose(0)
    two[0].back()
    two.read(0)
    two.it.look()
    two.pong(1)
    two[0].away()  # with its gap still open: nothing is said of another one
    two[0].back()
    assert two.it.look() == []
    assert two.it.is_owing(two[0])
    assert brief(two.lose(1)) == [("open", 100)]


def test_a_gap_that_was_shown_to_be_none_lets_its_line_cover_others(two):
    two.lose(0)
    two[0].back()
    two.read(0)
    two.it.look()
    two.pong(1)
    assert two[0].entries[FILLS].gap is not None
    assert two.lose(1, since=300) == []


def test_a_third_line_may_step_in():
    it = Lines(3)
    it.lose(0)
    it[0].back()
    wanted, _ = it.read(0)
    it.it.look()
    assert it.lose(1, since=300) == []
    it.it.look()
    it.pong(2)
    assert it[0].answers == [wanted]


def test_a_gap_is_told_again_only_if_it_began_earlier(two):
    two[1].is_hushed = two[0].is_hushed = True
    two[1].brings(100)
    assert brief(two.gap(0, since=80)) == [("open", 100)]
    assert two.gap(1, since=110) == []
    two.settle(1, "recovered", since=110)
    two[0].entries[FILLS].gap.since = 80
    # It is in doubt itself, from before what it brought last.
    assert brief(two.gap(1, since=90)) == [("open", 90)]
    assert two.settle(0, "recovered", since=100) == []
    assert brief(two.settle(1, "recovered", since=90)) == [("recovered", 90)]


def test_a_line_that_is_back_makes_good_what_the_other_one_missed_before(two):
    two.lose(0, since=100)
    two[0].back()
    two.read(0)
    two[1].away()
    two.it.look()
    two.gap(1, since=900)
    two[0].away()  # for long
    two[1].back()
    assert two.settle(1, "recovered", since=900) == []
    assert two.it.take_doubts() == [(two[1], FILLS, 100)]
    assert two.it.take_doubts() == []
    assert brief(two.settle(1, "recovered", since=100)) == [("recovered", 100)]


def test_a_state_that_any_line_brings_anew_is_not_missing_any_more(two):
    assert two.lose(0, since=100, feed=BOOK) == []
    assert brief(two.lose(1, since=300, feed=BOOK)) == [("open", 300)]
    two[1].back()

    (told,) = two.settle(1, "recovered", feed=BOOK, since=400, until=500)
    assert (told.status, told.since, told.until) == ("recovered", 300, 500)
    assert two.it.take_doubts() == []
    assert not two.it.has_open_gaps


@pytest.mark.parametrize(("time", "until"), [(600, 600), (0, 509)])
def test_a_state_is_brought_anew_by_a_line_that_never_lost_it_too(two, time, until):
    two[1].brings(300, BOOK)
    two[1].is_hushed = True
    assert brief(two.lose(0, since=100, feed=BOOK)) == [("open", 300)]
    two[1].is_hushed = False
    assert two.it.look() == []  # nothing came
    two.clock.now = 9.0
    two[1].brings(time, BOOK)

    (told,) = two.it.look()
    assert (told.status, told.since, told.until) == ("recovered", 300, until)
    assert not two.it.has_open_gaps


def test_a_state_older_than_what_was_delivered_replaces_nothing(two):
    two[1].brings(300, BOOK)
    two[1].is_hushed = True
    two.lose(0, since=100, feed=BOOK)
    two.clock.now = 9.0
    two[1].brings(300, BOOK)

    assert two.it.look() == []
    assert two.it.has_open_gaps


@pytest.mark.parametrize("what", ["rows", "gap", "entry"])
def test_only_a_state_and_only_where_it_is_whole_replaces_what_was_missed(two, what):
    feed = FILLS if what == "rows" else BOOK
    two[1].is_hushed = True
    two.lose(0, since=100, feed=feed)
    two.clock.now = 9.0
    two[1].brings(600, feed)
    if what == "gap":
        two.gap(1, feed, since=500)
    if what == "entry":
        del two[1].entries[feed]

    assert two.it.look() == []
    assert two.it.has_open_gaps


def test_what_nobody_wants_any_more_is_forgotten(two):
    two.lose(0)
    two.it.forget(FILLS)
    assert not two.it.is_owing(two[0])
    two[1].is_hushed = True
    two.gap(0, TRADES)
    two.it.forget(TRADES)
    assert not two.it.has_open_gaps


def test_what_a_line_missed_goes_with_it(two):
    two.lose(0)
    two.it.drop(two[0])
    assert not two.it.is_owing(two[0])


def test_what_no_line_can_look_back_to_is_given_up_and_not_asked_for_ever(two):
    two.lose(0)
    two.lose(1)
    for line in two.lines:
        line.back()
    asked = []
    for number in (1, 0, 1):
        assert two.settle(number, "recovered", since=150) == []
        asked += two.it.take_doubts()
    assert asked == [(two[number], FILLS, 100) for number in (1, 0, 1)]

    (ended,) = two.settle(1, "recovered", since=150, until=300)
    assert brief([ended]) == [("unrecoverable", 100)]
    assert ended.until == 300
    assert not two.it.has_open_gaps
    assert two.it.take_doubts() == []


@pytest.mark.parametrize(("pinged_at", "since"), [(1.0, 150), (6.0, 900)])
def test_a_line_whose_ping_was_swallowed_had_come_as_far_as_it_was_beyond_doubt(
    two, pinged_at, since
):
    two[1].brings(150)
    two[1].entries[FILLS].sure = 150
    two[1].liveness.heard_at = 5.0
    two[1].liveness.pinged(pinged_at, 14.0)
    assert two.gap(0, since=100) == []
    two.read(0)
    two[1].brings(900)  # what it brought before that was swallowed, perhaps
    two.clock.now += 1.1

    assert brief(two.it.look()) == [("open", since)]


def test_a_ping_is_numbered_if_it_was_sent_for_whoever_asked(two):
    line = two[0]
    line.is_busy = True
    assert line.ping() == 0
    line.is_busy = False
    assert line.ping() == line.liveness.pings == 2
    assert line.ping() == 0  # that one is under way
