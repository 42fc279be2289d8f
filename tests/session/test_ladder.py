from __future__ import annotations

from math import inf

from bistoury.session.ladder import Ladder


def test_a_fresh_feed_is_on_no_rung():
    ladder = Ladder()

    assert not ladder.is_stale
    assert not ladder.has_failed
    assert (ladder.next_at, ladder.tries, ladder.quiet_for) == (inf, 0, 0.0)
    assert not ladder.is_lagging
    assert (ladder.late_frames, ladder.judged) == (0, 0)


def test_a_feed_is_stale_from_the_warning_on():
    assert Ladder(warned_at=5.0).is_stale


def test_a_feed_has_failed_when_everything_was_tried():
    ladder = Ladder(warned_at=5.0, has_reconnected=True)
    assert ladder.has_failed

    ladder.next_at = 9.0
    assert not ladder.has_failed
    assert not Ladder(warned_at=5.0).has_failed
    assert not Ladder(has_reconnected=True).has_failed


def test_news_takes_it_off_the_ladder():
    ladder = Ladder(5.0, 7.0, 9.0, 2, has_reconnected=True, is_lagging=True)
    ladder.reset()

    assert ladder == Ladder(quiet_for=7.0, is_lagging=True)


def test_a_feed_is_fresh_that_is_neither_stale_nor_late():
    assert Ladder().is_fresh
    assert not Ladder(warned_at=1.0).is_fresh
    assert not Ladder(is_lagging=True).is_fresh
