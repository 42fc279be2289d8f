from __future__ import annotations

from itertools import pairwise

import pytest

from bistoury.simulator.backstory import Backstory
from bistoury.simulator.bars import HOUR, MINUTE

START = 1_760_000_000_000


@pytest.fixture
def past():
    return Backstory(
        "s", start=START, ticks=50_000, rate=1.0, lots=100, span=10 * 24 * HOUR
    )


def test_any_part_of_the_past_is_the_same_drawn_alone_or_together(past):
    other = Backstory(
        "s", start=START, ticks=50_000, rate=1.0, lots=100, span=10 * 24 * HOUR
    )
    together = past.minutes(START - 9 * HOUR, START)

    alone = other.minutes(START - 5 * HOUR, START - 4 * HOUR)

    assert len(alone) == 60
    assert alone == [
        bar for bar in together if START - 5 * HOUR <= bar.time < START - 4 * HOUR
    ]


def test_the_past_runs_up_to_the_present_price(past):
    bars = past.minutes(START - HOUR, START)

    assert bars[-1].close == 50_000
    assert bars[-1].time < START // MINUTE * MINUTE
    assert all(bar.low <= min(bar.open, bar.close) for bar in bars)
    assert all(bar.high >= max(bar.open, bar.close) for bar in bars)
    assert all(a.close == b.open for a, b in pairwise(bars))


def test_the_past_has_a_beginning(past):
    hours = past.hours(0, START)

    assert hours[0].time == past.begin
    assert len(hours) == (START // HOUR * HOUR - past.begin) // HOUR


def test_a_coin_that_never_trades_has_no_past():
    past = Backstory("s", start=START, ticks=50_000, rate=0.0, lots=100, span=24 * HOUR)

    assert len(past.minutes(0, START)) < 24 * 60
