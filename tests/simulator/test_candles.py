from __future__ import annotations

import pytest

from bistoury.simulator.backstory import Backstory
from bistoury.simulator.bars import HOUR, MINUTE, opening
from bistoury.simulator.candles import MOST_BARS, Candles

START = 1_760_000_040_000 // MINUTE * MINUTE


@pytest.fixture
def candles():
    past = Backstory(
        "s", start=START, ticks=50_000, rate=1.0, lots=100, span=100 * 24 * HOUR
    )
    return Candles(past)


def test_a_bar_is_final_when_its_time_is_over_even_without_a_next_trade(candles):
    candles.roll(START)
    candles.add(START + 5_000, 50_001, 3)

    early = candles.roll(START + 59_999)
    late = dict(candles.roll(START + MINUTE))

    assert early == []
    assert late["1m"][:5] == (START, 50_001, 50_001, 50_001, 50_001)
    assert candles.current("1m") is None


@pytest.mark.parametrize("interval", ["1d", "1w", "1M"])
def test_a_long_bar_joins_past_and_present(candles, interval):
    before = candles.current(interval)
    candles.add(START + 1, 70_000, 3)

    after = candles.current(interval)

    assert after.time == opening(START, interval)
    assert (after.open, after.close, after.high) == (before.open, 70_000, 70_000)
    assert after.volume == before.volume + 3


def test_only_the_latest_bars_exist(candles):
    bars = candles.between("1m", 0, START, START, None)

    assert len(bars) == MOST_BARS - 1
    assert bars[-1].time == START - MINUTE


def test_an_empty_range_has_no_bars(candles):
    assert candles.between("1m", START, START - 1, START, None) == []


def test_the_day_counts_what_was_traded(candles):
    volume, notional = candles.day()
    candles.add(START + 1, 50_000, 7)

    assert candles.day() == (volume + 7, notional + 350_000)
