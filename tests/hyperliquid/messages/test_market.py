from __future__ import annotations

from bistoury.hyperliquid.messages.market import Bbo, Book, Level

LOW, HIGH = Level("1.0", "2.0", 3), Level("1.5", "1.0", 1)


def test_a_book_names_its_two_sides():
    book = Book("ETH", 1, ([LOW], [HIGH]))

    assert (book.bids, book.asks) == ([LOW], [HIGH])


def test_an_empty_side_has_no_best_price():
    assert Bbo("ETH", 1, [None, HIGH]).bid is None
    assert Bbo("ETH", 1, [LOW, HIGH]).ask is HIGH


def test_a_short_list_is_an_empty_side():
    assert Bbo("ETH", 1, [LOW]).bid is LOW
    assert Bbo("ETH", 1, [LOW]).ask is None
    assert Bbo("ETH", 1, []).bid is None
