"""The end of the demonstration."""

from __future__ import annotations

import pytest
from rich.console import Console

from bistoury.cli.demonstration.accounts import (
    accounts,
    duration,
    states,
    total,
    verdict,
)
from bistoury.cli.demonstration.play import Outcome
from bistoury.cli.demonstration.proof import Row
from bistoury.cli.demonstration.stage import Feed

GOOD = Row("trades:BTC", 10, 10, 3, 0, 0, 0, 0)
GAPPED = Row("trades:ETH", 10, 8, 3, 2, 0, 0, 0)
BAD = Row("trades:SOL", 10, 9, 3, 0, 1, 2, 1)
FEED = Feed({"type": "trades", "coin": "BTC"}, "trades:BTC")
ORDERS = Feed({"type": "orderUpdates", "user": "0x" + "ab" * 20}, "orderUpdates:x")


def outcome(*rows):
    return Outcome(
        [], [(FEED, row) for row in rows], [(FEED, 0.5), (ORDERS, None)], 9, 1
    )


def shown(renderable):
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_the_table_adds_streams_up_and_fits_eighty_columns():
    text = shown(accounts(outcome(GOOD, BAD)))

    assert text.splitlines()[-1].split() == ["all", "20", "19", "6", "0", "1", "2"]
    assert all(len(line) <= 80 for line in text.splitlines())


def test_states_say_how_old_they_are_and_users_are_shortened():
    text = shown(states(outcome()))

    assert "0.50 s ago" in text
    assert "never came" in text
    assert "orderUpdates 0x…babab" in text


def test_the_verdict_is_good_when_all_came_once():
    assert "none lost, none repeated" in verdict(outcome(GOOD))


def test_a_declared_gap_is_told_and_no_failure():
    assert outcome(GOOD, GAPPED).is_sound
    assert "2 in declared gaps" in verdict(outcome(GOOD, GAPPED))


def test_the_verdict_is_bad_when_something_is_lost_or_repeated():
    assert not outcome(GOOD, BAD).is_sound
    assert "1 events lost, 2 repeated, 1 never" in shown(verdict(outcome(GOOD, BAD)))


def test_sums_every_figure():
    assert total([GOOD, BAD]) == Row("all", 20, 19, 6, 0, 1, 2, 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0012, "1 ms"), (0.0994, "99 ms"), (0.1, "0.10 s"), (7, "7.00 s")],
)
def test_says_durations_in_words(seconds, text):
    assert duration(seconds) == text
