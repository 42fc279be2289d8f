from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.hyperliquid import rest_paging
from bistoury.hyperliquid.rest_paging import (
    Pages,
    fill_key,
    funding_key,
    ledger_key,
    row_time,
)


def row(time, number=0):
    return {"time": time, "number": number}


def pages(full=3, **more):
    return Pages(full, lambda it: (it["time"], it["number"]), row_time, **more)


def read(venue, collecting, limit=3):
    """Play a venue that has these rows, oldest first, and no more per page."""
    start, asked = 0, 0
    while start is not None:
        page = [it for it in venue if it["time"] >= start][:limit]
        start = collecting.add(page)
        asked += 1
        assert asked < 100
    return collecting.rows


def test_a_short_page_is_the_last():
    assert pages().add([row(1), row(2)]) is None


def test_an_empty_page_is_the_last():
    assert pages().add([]) is None


def test_the_next_page_starts_at_the_last_row_inclusive():
    assert pages().add([row(1), row(2), row(5)]) == 5


def test_rows_that_share_the_edge_are_neither_lost_nor_repeated():
    venue = [row(1), row(2), row(5, 1), row(5, 2), row(6)]

    rows = read(venue, pages())

    assert rows == venue
    assert rows.complete


def test_equal_rows_are_still_several():
    venue = [row(1), row(2), row(5), row(5), row(6)]

    assert read(venue, pages()) == venue


def test_a_page_of_one_millisecond_is_stepped_over_and_owned_up_to():
    venue = [row(1, n) for n in range(5)] + [row(2)]

    rows = read(venue, pages())

    assert rows == [*venue[:3], row(2)]
    assert not rows.complete


def test_a_page_may_be_longer_than_full():
    collecting = pages()

    assert collecting.add([row(n) for n in range(1, 8)]) == 7
    assert collecting.add([row(7)]) is None
    assert len(collecting.rows) == 7


def test_merged_rows_are_asked_for_until_there_is_no_news():
    collecting = pages(may_merge=True)

    assert collecting.add([row(1), row(2)]) == 2
    assert collecting.add([row(2), row(4)]) == 4
    assert collecting.add([row(4)]) is None
    assert collecting.rows == [row(1), row(2), row(4)]


def test_a_venue_that_repeats_itself_is_not_asked_forever():
    collecting = pages()
    page = [row(1), row(2), row(5)]

    assert collecting.add(page) == 5
    assert collecting.add(page) is None
    assert collecting.rows == page


def test_pages_that_run_backwards_are_incomplete():
    collecting = pages()

    assert collecting.add([row(5), row(4), row(3)]) is None
    assert collecting.rows == [row(3), row(4), row(5)]
    assert not collecting.rows.complete


def test_pages_without_end_are_given_up(monkeypatch):
    monkeypatch.setattr(rest_paging, "MOST_PAGES", 2)
    collecting = pages()

    assert collecting.add([row(n) for n in (1, 2, 3)]) == 3
    assert collecting.add([row(n) for n in (3, 4, 5)]) is None
    assert not collecting.rows.complete


@given(st.lists(st.integers(1, 12), max_size=40), st.integers(2, 6))
def test_whatever_is_complete_is_everything(times, limit):
    venue = [row(time, number) for number, time in enumerate(sorted(times))]

    rows = read(venue, pages(full=limit), limit)

    if rows.complete:
        assert rows == venue
    assert all(it in venue for it in rows)
    assert len({it["number"] for it in rows}) == len(rows)


FILL = {"time": 1, "coin": "ETH", "oid": 2, "tid": 0}


def test_dust_conversions_are_told_apart_by_their_orders():
    assert fill_key(FILL) != fill_key({**FILL, "oid": 3})


def test_slices_are_told_apart_by_their_fills():
    assert fill_key({"fill": FILL, "twapId": 9}) == fill_key(FILL)
    assert row_time({"fill": FILL, "twapId": 9}) == 1


@pytest.mark.parametrize("wrap", [lambda it: it, lambda it: {"time": 1, "delta": it}])
def test_payments_and_rates_are_told_apart_by_coin(wrap):
    one, other = ({"time": 1, "coin": coin} for coin in ("ETH", "BTC"))

    assert funding_key(wrap(one)) != funding_key(wrap(other))


def test_movements_of_one_transaction_are_told_apart():
    one = {"time": 1, "hash": "0x1", "delta": {"type": "deposit", "usdc": "1.0"}}
    other = {**one, "delta": {"type": "deposit", "usdc": "2.0"}}
    turned = {**one, "delta": {"usdc": "1.0", "type": "deposit"}}

    assert ledger_key(one) != ledger_key(other)
    assert ledger_key(one) == ledger_key(turned)
