"""With every order in sight: who stands before ours, to the last coin."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.paper_trading.order_level import ExactPlace, Orders
from bistoury.paper_trading.queueing import queue_model

D = Decimal
CAUTIOUS = queue_model("risk_averse")


def order(oid, px, sz, side="B"):
    return {"oid": oid, "limitPx": px, "sz": sz, "side": side, "coin": "BTC"}


def diff(oid, px, change):
    return {"oid": oid, "px": px, "coin": "BTC", "raw_book_diff": change}


def new(oid, px, sz):
    return diff(oid, px, {"new": {"sz": sz}})


def gone(oid, px):
    return diff(oid, px, "remove")


def shrunk(oid, px, sz):
    return diff(oid, px, {"update": {"origSz": "9", "newSz": sz}})


def standing(since=10):
    """Return a book with 3 and 2 at 99, and an order of ours behind them."""
    orders = Orders(10, [[order(1, "99", "3"), order(2, "99", "2")], []])
    return orders, ExactPlace(orders, D(99), since)


def block(orders, place, time, *rows):
    touched = orders.change(time, rows)
    if D(99) in touched:
        place.renew(orders.level(D(99)), touched[D(99)], time)


def test_cancels_ahead_count_and_cancels_behind_do_not():
    orders, place = standing()
    block(orders, place, 11, new(3, "99", "50"))
    assert place.ahead == 5
    block(orders, place, 12, gone(1, "99"))
    assert place.ahead == 2
    block(orders, place, 13, gone(3, "99"), shrunk(2, "99", "0.5"))
    assert place.ahead == D("0.5")


def test_who_was_there_first_is_ahead_although_he_is_told_later():
    orders, place = standing(since=12)
    block(orders, place, 12, new(3, "99", "4"))
    block(orders, place, 13, new(4, "99", "4"))
    assert place.ahead == 9


@pytest.mark.parametrize("late", ["trades", "orders"])
def test_a_trade_counts_once_whichever_feed_is_quicker(late):
    orders, place = standing()
    filled = (gone(1, "99"), shrunk(2, "99", "1"))
    if late == "trades":
        block(orders, place, 12, *filled)
        block(orders, place, 13, gone(2, "99"))  # and he canceled the rest
        assert place.traded(D(4), 12) == 0
        assert place.traded(D(2), 14) == 2
    else:
        assert place.traded(D(4), 12) == 0
        assert place.ahead == 1
        block(orders, place, 12, *filled)
        assert place.ahead == 1
        assert place.traded(D(3), 14) == 2


def test_trades_of_one_block_share_what_was_ahead():
    _, place = standing()
    assert [place.traded(D(4), 12) for _ in range(3)] == [0, 3, 4]


def test_the_venue_fills_by_it_and_says_so(market, orders):
    limit, _ = orders
    levels = [[order(1, "99", "0.4"), order(2, "99", "0.6")], []]
    whole = {"coin": "BTC", "time": market.desk.now, "height": 1, "levels": levels}
    market.send(5, "l4Book", {"Snapshot": whole})
    market.order(10, limit(True, "99", "2"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    update = {"time": market.desk.now + 10, "height": 2, "order_statuses": []}
    market.send(160, "l4Book", {"Updates": {**update, "book_diffs": [gone(2, "99")]}})
    market.trade(200, "A", "99", "0.5")
    made = market.fills[0]
    assert (made.sz, made.ahead, made.quality) == (D("0.1"), D("0.4"), "exact_queue")


def test_when_it_is_lost_the_place_is_reckoned_from_where_it_was(market, orders):
    limit, _ = orders
    levels = [[order(1, "99", "0.4")], []]
    whole = {"coin": "BTC", "time": market.desk.now, "height": 1, "levels": levels}
    market.send(5, "l4Book", {"Snapshot": whole})
    market.order(10, limit(True, "99", "2"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.send(160, "paper:orders_lost", {"coin": "BTC"})
    market.trade(200, "A", "99", "0.5")
    made = market.fills[0]
    assert (made.sz, made.quality) == (D("0.1"), "estimated_queue")


def test_orders_of_coins_nobody_trades_are_ignored(market):
    whole = {"coin": "WHO", "time": 1, "height": 1, "levels": [[], []]}
    market.send(5, "l4Book", {"Snapshot": whole})
    rows = [{**gone(1, "99"), "coin": "WHO"}, gone(7, "99")]
    update = {"time": 2, "height": 2, "order_statuses": [], "book_diffs": rows}
    market.send(6, "l4Book", {"Updates": update})
    assert market.desk.coin("BTC").resting.orders is None


@given(
    story=st.lists(
        st.tuples(st.sampled_from(["new", "gone", "trade"]), st.integers(1, 9)),
        max_size=40,
    )
)
def test_it_is_what_a_matching_engine_would_do(story):
    """A queue that is really matched gives our order the same, block by block."""
    orders, place = standing()
    queue = {1: D(3), 2: D(2), "ours": D(1000)}
    time, filled, next_oid = 10, D(0), 3
    for kind, size in story:
        time += 1
        rows = []
        if kind == "new":
            queue[next_oid] = D(size)
            rows.append(new(next_oid, "99", str(size)))
            next_oid += 1
        elif kind == "gone":
            others = [it for it in queue if it != "ours"]
            if others:
                oid = others[size % len(others)]
                del queue[oid]
                rows.append(gone(oid, "99"))
        else:
            left = D(size)
            for oid in list(queue):
                part = min(left, queue[oid])
                queue[oid] -= part
                left -= part
                if oid == "ours":
                    filled += part
                elif not queue[oid]:
                    del queue[oid]
                    rows.append(gone(oid, "99"))
                elif part:
                    rows.append(shrunk(oid, "99", str(queue[oid])))
            filled -= place.traded(D(size), time)
        block(orders, place, time, *rows)
        assert filled == 0
