from __future__ import annotations

from math import inf

import pytest

from bistoury.session import Subscription, Traits
from bistoury.session.entry import Entry, Holding
from bistoury.session.ladder import Ladder


def entry(**traits):
    return Entry(Subscription("trades"), Traits("t", **traits))


def test_a_new_entry_has_no_past():
    it = entry()

    assert (it.received, it.last_at, it.news_at, it.venue_time) == (0, 0.0, 0.0, 0)
    assert (it.looked, it.look_at, it.unanswered) == (0, 0.0, 0)
    assert (it.interval, it.longest, it.delay) == (0.0, 0.0, 0.0)
    assert (it.gap, it.gaps, it.ladder) == (None, {}, Ladder())
    assert (it.asked_at, it.granted_at, it.refused_at) == (inf, inf, inf)
    assert (it.is_renewing, it.has_raw_readers) == (False, False)
    assert it.continuity.limit == 0


def test_entries_are_themselves_and_no_others():
    assert entry() != entry()
    assert len({entry(), entry()}) == 2


def test_the_words_for_what_the_venue_holds_are_these():
    assert [str(it) for it in Holding] == ["nothing", "asked", "held", "leaving"]


@pytest.mark.parametrize("holding", list(Holding))
def test_is_held_when_the_venue_granted_it(holding):
    it = entry()
    it.holding = holding

    assert it.is_held is (holding is Holding.HELD)


@pytest.mark.parametrize(
    ("holding", "facts", "due"),
    [
        (Holding.NOTHING, {}, True),
        (Holding.ASKED, {}, True),
        (Holding.LEAVING, {}, True),
        (Holding.HELD, {}, False),
        (Holding.ASKED, {"is_wanted": False}, False),
        (Holding.ASKED, {"refusal": "no"}, False),
    ],
)
def test_is_due_when_it_is_wanted_and_not_held(holding, facts, due):
    it = entry()
    it.holding = holding
    for name, value in facts.items():
        setattr(it, name, value)

    assert it.is_due is due


@pytest.mark.parametrize(
    ("holding", "greets", "speaks", "live"),
    [
        (Holding.HELD, False, False, True),
        (Holding.HELD, True, False, False),
        (Holding.HELD, True, True, True),
        (Holding.ASKED, False, True, False),
    ],
)
def test_is_live_when_it_is_held_and_has_greeted(holding, greets, speaks, live):
    it = entry(greets=greets)
    it.holding, it.is_speaking = holding, speaks

    assert it.is_live is live


@pytest.mark.parametrize(
    ("wanted", "refusal", "granted", "may"),
    [
        (True, "", False, True),
        (True, "no", False, False),
        (True, "no", True, True),
        (False, "", True, False),
    ],
)
def test_may_be_asked_unless_it_was_refused_for_good(wanted, refusal, granted, may):
    it = entry()
    it.is_wanted, it.refusal, it.was_granted = wanted, refusal, granted

    assert it.may_be_asked is may


# Rhythm


def test_the_first_interval_is_the_usual_one_and_the_longest():
    it = entry()
    it.learn(2.0)

    assert (it.interval, it.longest) == (2.0, 2.0)


def test_the_usual_interval_follows_slowly():
    it = entry()
    it.learn(1.0)
    it.learn(2.0)
    assert it.interval == pytest.approx(1.1)

    it.learn(0.1)
    assert it.interval == pytest.approx(1.0)


def test_the_longest_interval_is_remembered_for_long():
    it = entry()
    it.learn(10.0)
    it.learn(1.0)
    assert it.longest == pytest.approx(9.91)

    it.learn(20.0)
    assert it.longest == 20.0
    for _ in range(600):
        it.learn(1.0)
    assert it.longest < 1.1


def test_a_longest_interval_never_falls_below_the_newest_one():
    it = entry()
    for seconds in (5.0, 4.0, 4.9, 0.0):
        it.learn(seconds)
        assert it.longest >= seconds


# Replays


def replaying(*, replays=True, is_speaking=False, granted_at=100.0):
    it = entry(replays=replays)
    it.is_speaking, it.granted_at = is_speaking, granted_at
    return it


def test_a_first_frame_right_after_the_grant_repeats_the_past():
    assert replaying().is_replaying(100.0)
    assert replaying().is_replaying(102.0)


def test_a_first_frame_long_after_the_grant_is_news():
    assert not replaying().is_replaying(102.001)


def test_a_frame_before_the_grant_repeats_the_past():
    # The acknowledgement may be lost; what comes then is the replay all the same.
    assert replaying(granted_at=inf).is_replaying(100.0)


@pytest.mark.parametrize("facts", [{"replays": False}, {"is_speaking": True}])
def test_other_frames_are_news(facts):
    assert not replaying(**facts).is_replaying(100.0)
