from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.simulator.book import Book


@given(st.integers(), st.lists(st.sampled_from(["stir", "buy", "sell"]), max_size=60))
def test_a_book_never_crosses_and_never_runs_dry(seed, moves):
    rng = Random(seed)
    book = Book(rng, 50_000, 100)
    for move in moves:
        if move == "stir":
            book.stir(rng)
        else:
            book.take(rng, buys=move == "buy")

        bids, asks = [b[0] for b in book.bids], [a[0] for a in book.asks]
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert bids[0] < asks[0]
        assert min(len(bids), len(asks)) >= 20
        assert all(level[1] > 0 and level[2] > 0 for level in book.bids + book.asks)


@pytest.mark.parametrize("buys", [True, False])
def test_an_aggressor_prints_at_the_touch_and_takes_it(buys):
    rng = Random(3)
    book = Book(rng, 50_000, 100)
    side = book.asks if buys else book.bids
    before = [list(level) for level in side]

    prints = book.take(rng, buys=buys)

    assert prints
    assert [px for px, _ in prints] == [level[0] for level in before[: len(prints)]]
    assert prints[0][1] <= before[0][1]


def test_buckets_floor_bids_and_ceil_asks():
    book = Book(Random(1), 50_000, 100)
    bids, asks = book.aggregated(2, 1)

    assert bids[0][0] <= book.bids[0][0]
    assert asks[0][0] >= book.asks[0][0]
    assert all(level[0] % 1000 == 0 for level in bids + asks)
    assert sum(level[2] for level in bids) == sum(level[2] for level in book.bids)
