"""Published against delivered."""

from __future__ import annotations

from collections import Counter

import pytest

from bistoury.cli.demonstration.proof import Declared, account_for
from bistoury.cli.demonstration.tape import Tape
from bistoury.simulator import Ledger

STREAM = "trades:BTC"


def account(published, delivered, gaps=(), recovered=()):
    ledger = Ledger()
    for time in published:
        ledger.record(STREAM, time, f"k{time}")
    tape = Tape(lambda: 0.0, lambda _, __: False)
    tape.events[STREAM] = Counter(f"k{time}" for time in delivered)
    tape.times[STREAM] = {f"k{time}": time for time in delivered}
    tape.recovered[STREAM] = {f"k{time}" for time in recovered}
    return account_for(STREAM, ledger, tape, gaps, since=10, until=20)


def test_all_is_well_when_everything_came_once():
    row = account([10, 15, 20], [10, 15, 20], recovered=[15])

    assert row.is_sound
    assert (row.published, row.delivered, row.recovered) == (3, 3, 1)


def test_what_did_not_come_is_lost():
    row = account([10, 15, 20], [10, 20])

    assert not row.is_sound
    assert row.lost == 1


def test_what_did_not_come_and_lies_in_a_declared_gap_is_not_lost():
    row = account([10, 15, 20], [10, 20], [Declared(STREAM, 12, 18)])

    assert row.is_sound
    assert (row.lost, row.in_gaps) == (0, 1)


@pytest.mark.parametrize(
    "gap",
    [
        Declared(STREAM, 16, 18),
        Declared(STREAM, 12, 14),
        Declared("trades:ETH", 12, 18),
    ],
)
def test_a_gap_elsewhere_excuses_nothing(gap):
    assert account([10, 15, 20], [10, 20], [gap]).lost == 1


def test_a_gap_without_an_end_reaches_as_far_as_there_is_anything():
    assert account([10, 15, 20], [10], [Declared(STREAM, None, None)]).is_sound


def test_what_came_twice_is_repeated():
    row = account([10, 15], [10, 15, 15])

    assert not row.is_sound
    assert row.repeated == 1


def test_what_was_never_published_is_invented():
    row = account([10], [10, 17])

    assert not row.is_sound
    assert row.invented == 1


def test_what_lies_outside_the_two_moments_is_no_part_of_it():
    row = account([5, 10, 25], [5, 10])

    assert row.is_sound
    assert row.published == 1
