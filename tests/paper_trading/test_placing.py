"""What becomes of orders: taken, resting, refused; and of resting ones, in the end."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistoury.paper_trading import events as said

D = Decimal


def prices(market):
    return [(str(it.px), str(it.sz), it.crossed) for it in market.fills]


def statuses(market, oid):
    return [
        it.order.status for it in market.of(said.OrderChanged) if it.order.oid == oid
    ]


# Taking


def test_a_taker_walks_the_book_after_its_latency_and_not_before(market, orders):
    limit, _ = orders
    number = market.order(10, limit(True, "105", "2.5", "Ioc"))
    market.bbo(109, ("99", "1"), ("100", "9"))  # gone before the order arrives
    assert market.fills == []
    market.bbo(150, ("99", "1"), ("101", "1"))
    assert prices(market) == [("101", "1", True), ("102", "1.5", True)]
    assert number not in market.answers
    market.pass_time(200)
    assert market.statuses(number) == [
        {"filled": {"totalSz": "2.5", "avgPx": "101.6", "oid": 1}}
    ]


def test_depth_used_up_ends_an_ioc_and_nothing_is_made_up(begun, orders):
    limit, _ = orders
    market = begun()
    number = market.order(10, limit(True, "150", "50", "Ioc"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.pass_time(300)
    assert market.statuses(number)[0]["filled"]["totalSz"] == "8.0"
    assert statuses(market, 1)[-1] == "canceled"


def test_what_a_gtc_does_not_find_rests(market, orders):
    limit, _ = orders
    number = market.order(10, limit(True, "101", "3"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.pass_time(300)
    assert market.statuses(number) == [{"resting": {"oid": 1}}]
    assert market.account().orders[1].sz == 2
    assert prices(market) == [("101", "1", True)]


def test_a_level_is_not_taken_twice_however_often_it_is_shown(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "101", "1", "Ioc"), limit(True, "101", "1", "Ioc"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    assert prices(market) == [("101", "1", True)]
    market.order(160, limit(True, "101", "9"))
    for at in range(300, 3000, 300):
        market.bbo(at, ("99", "1"), ("101", "1"))
    assert len(market.fills) == 1
    market.bbo(3000, ("99", "1"), ("101", "3"))
    assert [it.sz for it in market.fills] == [1, 2]


def test_a_level_that_is_too_old_is_not_there(begun, orders):
    limit, _ = orders
    market = begun(max_level_age=2.0)
    for at in range(500, 5000, 500):
        market.bbo(at, ("99", "1"), ("101", "1"))
    market.order(4600, limit(True, "105", "3", "Ioc"))
    market.bbo(5000, ("99", "1"), ("101", "1"))
    assert prices(market) == [("101", "1", True)]


def test_a_fill_says_how_old_its_level_was(market, orders):
    limit, _ = orders
    market.bbo(1900, ("99", "1"), ("101", "1"))
    market.order(2000, limit(True, "105", "2", "Ioc"))
    market.bbo(2200, ("99", "1"), ("101", "1"))
    first, second = market.fills
    assert (first.quality, first.data_age) == ("live", 0)
    assert (second.quality, second.data_age) == ("stale_book", 2200)
    assert first.cause.startswith("bbo:BTC:")
    assert second.level_source == "l2Book"
    assert first.mid_at_decision == first.mid_at_arrival == 100


def test_who_would_trade_with_himself_loses_the_resting_order(market, orders):
    limit, _ = orders
    market.order(10, limit(False, "100.5", "1"), limit(False, "104", "1"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.order(160, limit(True, "101", "1", "Ioc"))
    market.bbo(300, ("99", "1"), ("101", "1"))
    assert statuses(market, 1)[-1] == "selfTradeCanceled"
    assert statuses(market, 2)[-1] == "open"  # farther than the taker went
    assert prices(market) == [("101", "1", True)]


# Resting


def rest(market, orders, is_buy, px, sz):
    limit, _ = orders
    market.order(10, limit(is_buy, px, sz))
    market.bbo(150, ("99", "1"), ("101", "1"))


def test_a_resting_order_waits_behind_what_is_shown(market, orders):
    rest(market, orders, True, "99", "2")
    market.trade(200, "A", "99", "1")
    assert market.fills == []
    market.trade(210, "A", "99", "0.5")
    assert prices(market) == [("99", "0.5", False)]
    assert market.fills[0].quality == "estimated_queue"
    assert market.fills[0].ahead == 0


def test_the_other_sides_trades_do_not_reach_it(market, orders):
    rest(market, orders, True, "99", "1")
    market.trade(200, "B", "101", "50")
    assert market.fills == []


def test_a_trade_beyond_the_price_fills_at_the_price(market, orders):
    rest(market, orders, True, "99", "2")
    market.trade(200, "A", "98", "1.5")
    assert prices(market) == [("99", "1.5", False)]
    assert market.fills[0].quality == "live"


def test_a_trade_is_one_budget_for_all_our_orders(market, orders):
    limit, _ = orders
    market.order(
        10, limit(True, "99", "1"), limit(True, "99", "1"), limit(True, "98.5", "1")
    )
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.trade(200, "A", "98", "2.5")
    assert [str(it.sz) for it in market.fills] == ["1", "1", "0.5"]


def test_a_trade_that_is_told_twice_counts_once(market, orders):
    rest(market, orders, True, "99", "5")
    for _ in range(2):
        market.trade(200, "A", "98", "1", tid=77)
    assert [str(it.sz) for it in market.fills] == ["1"]


def test_a_trade_from_before_the_order_was_there_does_not_fill_it(market, orders):
    rest(market, orders, True, "99", "1")
    market.trade(200, "A", "98", "1", time=120)
    assert market.fills == []


def test_an_offer_that_comes_to_the_price_fills_by_its_size(market, orders):
    rest(market, orders, True, "99", "2")
    market.bbo(300, ("98", "1"), ("99", "0.5"))
    assert prices(market) == [("99", "0.5", False)]
    market.bbo(300, ("98", "1"), ("99", "0.5"))  # the same news again
    assert len(market.fills) == 1
    market.bbo(310, ("98", "1"), ("98.5", "9"))
    assert prices(market)[1:] == [("99", "1.5", False)]


def test_touch_fills_when_the_price_is_traded(begun, orders):
    market = begun(queue="touch")
    rest(market, orders, True, "99", "2")
    market.trade(200, "A", "99", "0.001")
    assert prices(market) == [("99", "2", False)]


def test_margin_is_looked_at_again_when_a_resting_order_is_matched(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "99", "1500"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.mark(160, "140")
    market.mark(170, "100")
    market.order(180, limit(True, "98", "1500"))
    market.bbo(300, ("99", "1"), ("101", "1"))
    market.trade(310, "A", "97", "1400")
    market.trade(320, "A", "97", "900")
    assert "marginCanceled" in [it.order.status for it in market.of(said.OrderChanged)]
    spent = sum(it.sz * it.px for it in market.fills)
    assert spent <= D(10_000) * 20


def test_reduce_only_orders_shrink_with_the_position_and_end_with_it(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "101", "1", "Ioc"))
    market.bbo(150, ("99", "1"), ("101", "1"))
    market.order(160, limit(False, "110", "1", reduce_only=True))
    market.bbo(300, ("99", "1"), ("101", "1"))
    market.order(310, limit(False, "99", "0.4", "Ioc"))
    market.bbo(450, ("99", "1"), ("101", "1"))
    assert market.account().orders[2].sz == D("0.6")
    market.order(460, limit(False, "99", "0.6", "Ioc"))
    market.bbo(600, ("99", "1"), ("101", "1"))
    assert statuses(market, 2)[-1] == "reduceOnlyCanceled"


@pytest.mark.parametrize(
    ("start", "signed", "words"),
    [
        (0, 1, "Open Long"),
        (1, 1, "Open Long"),
        (-1, -1, "Open Short"),
        (2, -1, "Close Long"),
        (-2, 2, "Close Short"),
        (1, -2, "Long > Short"),
        (-1, 2, "Short > Long"),
    ],
)
def test_fills_are_called_as_the_venue_calls_them(start, signed, words):
    from bistoury.paper_trading.desk import direction

    assert direction(D(start), D(signed)) == words


# Any market

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("order"),
            st.booleans(),
            st.integers(95, 105),
            st.integers(1, 5),
            st.sampled_from(["Gtc", "Ioc", "Alo"]),
        ),
        st.tuples(
            st.just("bbo"),
            st.integers(95, 104),
            st.integers(1, 3),
            st.integers(1, 5),
            st.just(""),
        ),
        st.tuples(
            st.just("trade"),
            st.booleans(),
            st.integers(94, 106),
            st.integers(1, 8),
            st.just(""),
        ),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(story=steps)
def test_fills_never_exceed_what_was_shown_and_traded(begun, orders, story):
    limit, _ = orders
    market, at = begun(), 100
    seen = {
        True: {D(px): D(sz) for px, sz in ((99, 1), (98, 2), (97, 5))},
        False: {D(px): D(sz) for px, sz in ((101, 1), (102, 2), (103, 5))},
    }
    shown = D(8 * 2)  # what the first book has on both sides
    traded = D(0)
    for kind, *what in story:
        at += 40
        if kind == "order":
            is_buy, px, sz, tif = what
            market.order(at, limit(is_buy, px, sz, tif))
        elif kind == "bbo":
            bid, spread, sz, _ = what
            market.bbo(at, (bid, sz), (bid + spread, sz))
            for side, top in ((True, D(bid)), (False, D(bid + spread))):
                shown += max(D(0), sz - seen[side].get(top, D(0)))
                seen[side][top] = D(sz)
            for px in [it for it in seen[True] if it > bid]:
                del seen[True][px]
            for px in [it for it in seen[False] if it < bid + spread]:
                del seen[False][px]
        else:
            is_buy, px, sz, _ = what
            market.trade(at, "B" if is_buy else "A", px, sz)
            traded += sz
            hit = seen[not is_buy]
            for it in list(hit):
                if it == px:
                    hit[it] = max(D(0), hit[it] - sz)
                elif (it < px) is is_buy:
                    del hit[it]
        for coin in market.desk.coins.values():
            for side in (coin.book.bids, coin.book.asks):
                assert all(0 <= it.taken <= it.sz for it in side.levels)
    assert sum((it.sz for it in market.fills), D(0)) <= shown + traded
    assert all(it.data_age <= 12_000 for it in market.fills)
    for made in market.fills:
        order = next(
            it.order for it in market.of(said.OrderChanged) if it.order.oid == made.oid
        )
        assert made.px <= order.px if made.is_buy else made.px >= order.px
    folded = type(market.desk.accounts).folded(
        [*market.events], dict(market.desk.accounts.px_decimals)
    )
    assert folded.by_name == market.desk.accounts.by_name


@settings(max_examples=60)
@given(story=steps, name=st.sampled_from(["power(2)", "log"]))
def test_the_cautious_queue_never_fills_more_of_a_resting_order(
    begun, orders, story, name
):
    limit, _ = orders
    made = []
    for queue in ("risk_averse", name):
        market, at = begun(queue=queue), 100
        market.order(at, limit(True, "98", "3", "Alo"))
        sums = []
        for kind, *what in story:
            at += 40
            if kind == "bbo":
                bid, spread, sz, _ = what
                market.bbo(at, (bid, sz), (bid + spread, sz))
            elif kind == "trade":
                is_buy, px, sz, _ = what
                market.trade(at, "B" if is_buy else "A", px, sz)
            sums.append(sum((it.sz for it in market.fills), D(0)))
        made.append(sums)
    assert all(a <= b for a, b in zip(*made, strict=True))


def test_a_position_is_not_turned_without_the_margin_for_the_other_side(begun, orders):
    limit, _ = orders
    market = begun(accounts={"main": D(9)})
    market.order(10, limit(True, "101", "1", "Ioc"))
    market.bbo(200, ("99", "9"), ("101", "9"))
    market.mark(300, "99")
    number = market.order(310, limit(False, "99", "3", "Ioc"))
    market.bbo(500, ("99", "9"), ("101", "9"))
    market.pass_time(600)
    assert market.statuses(number) == [
        {"error": "Insufficient margin to place order. asset=0"}
    ]
    assert market.account().positions["BTC"].szi == 1


def test_no_more_is_lost_at_once_than_there_is(begun, orders):
    limit, _ = orders
    market = begun(accounts={"main": D(100)})
    market.book(5, [("99", "1")], [("101", "1"), ("150", "50")])
    number = market.order(10, limit(True, "150", "20", "Ioc"))
    market.book(200, [("99", "1")], [("101", "1"), ("150", "50")])
    market.pass_time(300)
    assert [(it.sz, it.px) for it in market.fills] == [(1, 101)]
    assert "filled" in market.statuses(number)[0]
    assert market.account().done[1].status == "marginCanceled"
    number = market.order(310, limit(True, "150", "10", "Ioc"))
    market.book(500, [("99", "1")], [("150", "50")])
    market.pass_time(600)
    assert market.statuses(number) == [
        {"error": "Insufficient margin to place order. asset=0"}
    ]


def test_a_taker_does_not_get_what_the_trade_at_hand_took(market, orders):
    limit, _ = orders
    market.book(5, [("99", "1")], [("101", "1"), ("102", "4")])
    number = market.order(10, limit(True, "102", "5", "Ioc"))
    market.trade(150, "B", "102", "3")
    market.pass_time(300)
    assert "filled" in market.statuses(number)[0]
    assert [(it.sz, it.px) for it in market.fills] == [(1, 102)]


def test_an_own_order_behind_others_is_not_reached_by_what_they_satisfy(market, orders):
    limit, _ = orders
    market.book(5, [("99", "1")], [("101", "5")])
    market.order(10, limit(False, "101", "1"))
    market.book(200, [("99", "1")], [("101", "5")])
    market.order(210, limit(True, "101", "4", "Ioc"))
    market.book(400, [("99", "1")], [("101", "6")])
    assert market.account().orders[1].status == "open"
    assert market.fills[-1].sz == 4
    market.order(410, limit(True, "101", "5.5", "Ioc"))
    market.book(600, [("99", "1")], [("101", "6")])
    assert market.account().done[1].status == "selfTradeCanceled"


def test_a_post_only_order_is_refused_before_an_own_order_too(begun, orders):
    limit, _ = orders
    market = begun(accounts={"main": D(10_000), "other": D(10_000)})
    market.order(10, limit(True, "100", "1"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    numbers = [
        market.order(210, limit(False, "100", "1", "Alo"), account=name)
        for name in ("main", "other")
    ]
    market.bbo(400, ("99", "1"), ("101", "1"))
    market.pass_time(500)
    (refused,), (rests,) = (market.statuses(it) for it in numbers)
    assert "bbo was 100.0@101.0" in refused["error"]
    assert "resting" in rests
    assert market.account().orders[1].status == "open"
