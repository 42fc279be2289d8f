"""One book out of everything that is shown."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bistoury.paper_trading.book import Book

D = Decimal


def shown(book, bids, asks, time, source="l2Book"):
    book.show(
        [(D(px), D(sz)) for px, sz in bids],
        [(D(px), D(sz)) for px, sz in asks],
        time,
        source,
    )


def ladder(side):
    return [(str(it.px), str(it.sz), it.time) for it in side.levels]


def deep():
    book = Book()
    shown(
        book,
        [("99", "1"), ("98", "2"), ("97", "3")],
        [("101", "1"), ("102", "2"), ("103", "3")],
        100,
    )
    return book


def test_a_bbo_renews_the_top_and_leaves_the_rest_its_age():
    book = deep()
    shown(book, [("99", "5")], [("101", "1")], 200, "bbo")
    assert ladder(book.bids) == [("99", "5", 200), ("98", "2", 100), ("97", "3", 100)]


def test_a_worse_top_takes_away_what_was_better():
    book = deep()
    shown(book, [("98", "4")], [("102", "2")], 200, "bbo")
    assert ladder(book.bids) == [("98", "4", 200), ("97", "3", 100)]
    assert ladder(book.asks) == [("102", "2", 200), ("103", "3", 100)]


def test_a_book_is_complete_as_far_as_it_goes_and_silent_beyond():
    book = deep()
    shown(book, [("99", "1"), ("97", "1")], [("101", "1")], 200, "l2Book:fast")
    assert ladder(book.bids) == [("99", "1", 200), ("97", "1", 200)]
    assert ladder(book.asks)[1:] == [("102", "2", 100), ("103", "3", 100)]


def test_older_news_changes_nothing_that_is_newer():
    book = deep()
    shown(book, [("99", "9")], [("101", "9")], 300, "bbo")
    shown(book, [("99", "1"), ("98", "7")], [("101", "1"), ("102", "7")], 200)
    assert ladder(book.bids)[0] == ("99", "9", 300)
    assert ladder(book.bids)[1] == ("98", "7", 200)


def test_an_empty_side_is_empty():
    book = deep()
    shown(book, [], [("101", "1")], 200, "bbo")
    assert book.bids.levels == []
    assert book.mid is None


def test_sides_that_would_cross_are_out_of_date():
    book = deep()
    shown(book, [("102", "1")], [], 90, "bbo")
    shown(book, [("102", "1")], [("104", "1")], 200, "bbo")
    assert ladder(book.asks)[0] == ("104", "1", 200)


def test_a_trade_takes_what_was_better_and_its_size():
    book = deep()
    book.traded(is_buy=True, px=D(102), sz=D("0.5"), time=150)
    assert ladder(book.asks) == [("102", "1.5", 100), ("103", "3", 100)]


def test_a_trade_takes_nothing_from_a_book_that_has_it_in_it():
    book = deep()
    book.traded(is_buy=True, px=D(101), sz=D(1), time=100)
    assert ladder(book.asks)[0] == ("101", "1", 100)


def walked(side, limit=None, now=100, max_age=10_000):
    walk = side.walk(D(limit) if limit else None, now, max_age)
    return [(str(level.px), available) for level, available in walk]


def test_a_taker_walks_up_to_its_limit():
    assert walked(deep().asks, "102") == [("101", 1), ("102", 2)]
    assert walked(deep().bids, "98") == [("99", 1), ("98", 2)]


def test_what_we_took_comes_back_only_by_what_a_level_grows():
    book = deep()
    book.asks.levels[0].take(D("0.75"))
    for sz, left in (("1", "0.25"), ("1.5", "0.75"), ("1", "0.25"), ("0.5", 0)):
        shown(book, [("99", "1")], [("101", sz)], 150, "bbo")
        assert sum(it for _, it in walked(book.asks, "101")) == D(left)
    shown(book, [("99", "1")], [("101", "2")], 160, "bbo")
    assert walked(book.asks, "101") == [("101", D("1.5"))]
    book.traded(is_buy=True, px=D("101"), sz=D("1.8"), time=170)
    shown(book, [("99", "1")], [("101", "3")], 180, "bbo")
    assert walked(book.asks, "101") == [("101", D("2.8"))]


def test_a_level_that_vanished_and_came_back_is_new():
    book = deep()
    book.asks.levels[0].take(D(1))
    shown(book, [("99", "1")], [("102", "1")], 150, "bbo")
    shown(book, [("99", "1")], [("101", "1")], 160, "bbo")
    assert walked(book.asks, "101") == [("101", 1)]


def test_a_taker_stops_before_a_level_that_is_too_old():
    book = deep()
    shown(book, [("99", "1")], [("101", "1")], 200, "bbo")
    assert walked(book.asks, now=200, max_age=99) == [("101", 1)]
    assert len(walked(book.asks, now=200, max_age=100)) == 3


rows = st.lists(
    st.tuples(st.integers(90, 110), st.integers(1, 9)), unique_by=lambda it: it[0]
)
frames = st.lists(
    st.tuples(st.sampled_from([1, 5, 20]), rows, rows, st.integers(1, 5)), max_size=20
)


@given(frames)
def test_a_book_is_always_in_order_and_never_crossed_at_one_time(story):
    book, time = Book(), 0
    for depth, below, above, step in story:
        time += step
        bids = sorted([it for it in below if it[0] < 100], reverse=True)[:depth]
        asks = sorted(it for it in above if it[0] > 100)[:depth]
        shown(book, bids, asks, time)
        for side in (book.bids, book.asks):
            prices = [it.px for it in side.levels]
            assert prices == sorted(prices, reverse=side.is_bid)
            assert len(set(prices)) == len(prices)
            assert side.by_px == {it.px: it for it in side.levels}
            assert all(it.sz > 0 for it in side.levels)
        if bids:
            assert book.bids.best.px == bids[0][0]
        if asks:
            assert book.asks.best.px == asks[0][0]


def test_older_news_brings_nothing_back_that_is_gone():
    book = deep()
    shown(book, [("99", "1"), ("97", "1")], [("102", "9"), ("104", "9")], 300, "fast")
    shown(book, [("99", "1")], [("102", "5")], 400, "bbo")
    before = ladder(book.bids), ladder(book.asks)
    # 98, 101 and 103 were not there any more; 100 and 100.5 may have been, earlier.
    shown(
        book,
        [("100", "1"), ("99", "1"), ("98", "7")],
        [("100.5", "1"), ("101", "1"), ("103", "7")],
        200,
    )
    shown(book, [("100", "9")], [("100.5", "9")], 350, "bbo")
    shown(book, [], [], 250, "bbo")
    assert (ladder(book.bids), ladder(book.asks)) == before


def test_older_news_tells_of_what_is_behind():
    book = Book()
    shown(book, [("99", "1")], [("101", "1")], 400, "bbo")
    shown(book, [("100", "1"), ("98", "2")], [("101", "3"), ("102", "2")], 300)
    assert ladder(book.bids) == [("99", "1", 400), ("98", "2", 300)]
    assert ladder(book.asks) == [("101", "1", 400), ("102", "2", 300)]
    shown(book, [("99", "1"), ("97", "1")], [("103", "1")], 200)
    assert ladder(book.bids)[1:] == [("98", "2", 300), ("97", "1", 200)]
    assert ladder(book.asks)[1:] == [("102", "2", 300), ("103", "1", 200)]


def test_older_news_brings_nothing_back_that_was_traded_through():
    book = deep()
    book.traded(is_buy=True, px=D("102"), sz=D(1), time=300)
    shown(book, [("99", "1")], [("101", "1"), ("102", "2"), ("103", "4")], 200)
    assert ladder(book.asks) == [("102", "1", 100), ("103", "4", 200)]


@given(
    st.permutations(range(6)),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=6, max_size=6),
)
def test_the_order_of_books_does_not_matter(order, tops):
    """Whatever comes late, the newest word about each price is what is known."""
    truth, book = Book(), Book()
    for known, turn in ((truth, range(6)), (book, order)):
        for n in turn:
            top, depth = tops[n]
            asks = [(D(top + it), D(n + 1)) for it in range(depth)]
            known.show([], asks, n + 1, "l2Book")
    assert ladder(book.asks) == ladder(truth.asks)
