from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.bars import INTERVALS, Bar, closing, first_trade, fold, opening

TIMES = st.integers(0, 2 * 10**12)


def moment(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


@given(TIMES, st.sampled_from(sorted(INTERVALS)))
def test_every_moment_is_in_exactly_one_bar(time, interval):
    start = opening(time, interval)

    assert start <= time <= closing(start, interval)
    assert opening(closing(start, interval), interval) == start
    assert opening(closing(start, interval) + 1, interval) > start


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("1d", moment(2026, 2, 18)),
        ("1w", moment(2026, 2, 16)),
        ("1M", moment(2026, 2, 1)),
        ("8h", moment(2026, 2, 18, 8)),
    ],
)
def test_long_bars_open_at_their_boundaries(interval, expected):
    assert opening(moment(2026, 2, 18, 13, 7), interval) == expected


def test_december_ends_with_the_year():
    assert closing(moment(2026, 12, 1), "1M") == moment(2027, 1, 1) - 1


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1))
def test_a_bar_of_trades_is_the_join_of_its_parts(trades):
    whole = first_trade(0, *trades[0])
    for trade in trades[1:]:
        whole = whole.traded(*trade)
    parts = [first_trade(0, *trade) for trade in trades]

    [joined] = fold(parts, "1m")

    assert joined == whole
    assert whole == Bar(
        0,
        trades[0][0],
        trades[-1][0],
        max(px for px, _ in trades),
        min(px for px, _ in trades),
        sum(sz for _, sz in trades),
        len(trades),
        sum(px * sz for px, sz in trades),
    )
