"""The paper venue and what it does not know: stale feeds, gaps, restarts."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.venue import PaperVenue

D = Decimal


def rest(market, orders, sz="1", at=10):
    limit, _ = orders
    number = market.order(at, limit(True, "99", sz))
    market.bbo(at + 140, ("99", "1"), ("101", "1"))
    market.pass_time(at + 200)
    return market.statuses(number)[0]["resting"]["oid"]


def states(market):
    return [it.state for it in market.of(said.FeedChanged)]


# Stale


def test_a_feed_goes_stale_at_its_time_and_comes_back_with_a_book(market):
    market.pass_time(4999)
    assert states(market) == ["live"]
    market.pass_time(60_000)
    assert states(market) == ["live", "stale"]
    assert (
        market.of(said.FeedChanged)[-1].at - market.of(said.FeedChanged)[0].at == 5000
    )
    market.bbo(61_000, ("99", "1"), ("101", "1"))
    assert states(market)[-1] == "live"


def test_an_order_that_meets_a_stale_feed_is_refused(market, orders):
    limit, _ = orders
    number = market.order(6000, limit(True, "101", "1", "Ioc"))
    market.pass_time(7000)
    (status,) = market.statuses(number)
    assert status["error"].startswith("Paper: no live data for BTC (no book for 5 s)")
    assert market.fills == []


def test_an_order_whose_evidence_never_comes_is_refused_when_the_feed_goes_stale(
    market, orders
):
    limit, _ = orders
    number = market.order(3000, limit(True, "101", "1", "Ioc"))
    market.pass_time(4900)
    assert number not in market.answers
    market.pass_time(5100)
    assert "error" in market.statuses(number)[0]


def test_a_cancel_works_although_nothing_is_known(market, orders):
    oid = rest(market, orders)
    market.pass_time(20_000)
    number = market.cancel(20_010, oid)
    market.pass_time(20_300)
    assert market.statuses(number) == ["success"]
    assert market.account().done[oid].is_uncertain


def test_a_feed_that_is_called_stale_is_not_traded_on(market, orders):
    rest(market, orders)
    market.send(300, "paper:stale", {"feed": "l2Book:fast", "coin": "BTC"})
    market.bbo(400, ("97", "1"), ("98", "9"))
    assert market.fills == []
    assert states(market)[-1] == "stale"
    market.book(500, [("97", "1")], [("98", "9")], fast=True)
    market.bbo(510, ("97", "1"), ("98", "9"))
    assert [it.px for it in market.fills] == [99]


def test_a_quiet_feed_is_not_stale(market):
    for feed in ("trades", "bbo"):
        market.send(300, "paper:stale", {"feed": feed, "coin": "BTC"})
    assert states(market) == ["live"]


# Gaps


def lose(market, at, until, status, feeds=("trades", "bbo", "l2Book")):
    """Let a gap open at ``at`` and end at ``until``."""
    for feed in feeds:
        market.gap(at, feed=feed, since=at - 100)
    market.trade(until - 200, "A", "98", "50", time=at + 100, recovered=True)
    for feed in feeds:
        market.gap(until - 100, status, feed=feed, since=at - 100, until=until)


@pytest.mark.parametrize("status", ["recovered", "unrecoverable"])
def test_nothing_is_filled_inside_a_gap(market, orders, status):
    limit, _ = orders
    rest(market, orders)
    market.gap(400, since=300)
    number = market.order(500, limit(True, "101", "1", "Ioc"))
    for at in range(600, 2000, 100):
        market.bbo(at, ("97", "1"), ("98", "9"))
        market.trade(at, "A", "97", "9")
    assert market.fills == []
    assert "missed: trades" in market.statuses(number)[0]["error"]
    market.gap(2000, status, since=300, until=2000)
    market.bbo(2100, ("98", "1"), ("100", "1"))
    assert market.fills == []
    market.trade(2200, "A", "97", "9")
    assert [it.time - market.fills[0].time for it in market.fills] == [0]
    assert market.fills[0].time >= market.of(said.FeedChanged)[-1].until


def test_what_rested_across_a_lost_stretch_is_uncertain_and_behind_the_queue(
    market, orders
):
    oid = rest(market, orders)
    lose(market, 400, 2000, "unrecoverable")
    market.bbo(2000, ("99", "7"), ("101", "1"))
    assert market.account().orders[oid].is_uncertain
    assert market.desk.coin("BTC").resting.entry(oid).place.ahead == 7
    assert market.fills == []


def test_what_rested_across_a_recovered_stretch_is_certain_and_not_filled_by_it(
    market, orders
):
    oid = rest(market, orders)
    lose(market, 400, 2000, "recovered")
    market.bbo(2000, ("99", "7"), ("101", "1"))
    assert not market.account().orders[oid].is_uncertain
    assert market.fills == []


def test_replayed_trades_fill_when_that_is_wanted_and_say_so(begun, orders):
    market = begun(on_gap="replay_backfill")
    rest(market, orders)
    lose(market, 400, 2000, "recovered")
    market.bbo(2000, ("99", "7"), ("101", "1"))
    (made,) = market.fills
    assert made.quality == "backfilled"
    assert made.cause.startswith("trades:BTC:")
    # Dated when it was found out, not inside the gap.
    assert made.time >= market.of(said.FeedChanged)[-1].until


def test_a_missed_trade_from_before_an_order_does_not_fill_it(begun, orders):
    market = begun(on_gap="replay_backfill")
    rest(market, orders)
    market.gap(400, since=50)
    market.gap(2000, "recovered", since=50, until=2000)
    market.trade(2000, "A", "98", "9", time=100, recovered=True)
    market.bbo(2000, ("99", "7"), ("101", "1"))
    assert market.fills == []


def test_a_lost_stretch_is_not_replayed(begun, orders):
    market = begun(on_gap="replay_backfill")
    rest(market, orders)
    lose(market, 400, 2000, "unrecoverable")
    market.bbo(2000, ("99", "7"), ("101", "1"))
    assert market.fills == []


def test_an_order_the_market_has_gone_through_is_filled_at_its_price(market, orders):
    rest(market, orders, sz="3")
    lose(market, 400, 2000, "unrecoverable")
    market.bbo(2000, ("90", "1"), ("91", "0.5"))
    (made,) = market.fills
    assert (made.px, made.sz, made.quality) == (99, D("0.5"), "uncertain")


def test_the_pessimist_takes_all_of_it(begun, orders):
    market = begun(on_gap="pessimistic")
    rest(market, orders, sz="3")
    lose(market, 400, 2000, "unrecoverable")
    market.bbo(2000, ("90", "1"), ("91", "0.5"))
    assert [(it.px, it.sz) for it in market.fills] == [(99, 3)]


def test_other_coins_trade_on(market, orders):
    limit, _ = orders
    market.book(100, [("9", "100")], [("11", "100")], coin="ETH")
    market.mark(100, "10", coin="ETH")
    market.gap(200, since=150)
    market.order(300, limit(True, "11", "2", "Ioc", asset=1))
    market.bbo(500, ("9", "100"), ("11", "100"), coin="ETH")
    assert [it.coin for it in market.fills] == ["ETH"]


def test_history_and_aggregated_books_are_not_traded_on(market, orders):
    rest(market, orders)
    market.trade(300, "A", "98", "9", snapshot=True)
    data = {
        "coin": "BTC",
        "time": market.desk.now + 1,
        "levels": [[], []],
        "spread": "1",
    }
    market.send(310, "l2Book", data)
    assert market.fills == []
    assert market.desk.coin("BTC").book.bids.best.px == 99


def test_what_is_not_ours_is_ignored(market):
    market.send(10, "allMids", {"mids": {}})
    market.bbo(20, ("1", "1"), ("2", "1"), coin="XYZ")
    market.send(30, "trades", [])
    assert "XYZ" not in market.desk.coins


# Restarts


def test_resting_orders_are_canceled_by_a_restart(market, begun, orders):
    oid = rest(market, orders)
    again = begun(Accounts.folded(market.events, {}))
    assert again.account().orders == {}
    assert again.account().done[oid].status == "canceled"
    assert again.of(said.OrderChanged)[0].cause == "restart"


def test_or_kept_behind_the_queue_and_uncertain(market, begun, orders):
    oid = rest(market, orders)
    again = begun(Accounts.folded(market.events, {}), restart="keep")
    assert again.account().orders[oid].is_uncertain
    again.bbo(400, ("99", "4"), ("101", "1"))
    again.trade(500, "A", "99", "1.5")  # the first book had one before it
    assert [it.sz for it in again.fills] == [D("0.5")]


def test_numbers_go_on_after_a_restart(market, begun, orders):
    limit, _ = orders
    rest(market, orders)
    again = begun(Accounts.folded(market.events, {}))
    assert again.events[0].seq == market.events[-1].seq + 1
    number = again.order(400, limit(True, "90", "1"))
    again.bbo(600, ("99", "1"), ("101", "1"))
    again.pass_time(700)
    assert again.statuses(number)[0]["resting"]["oid"] == 2


def test_a_reset_begins_anew_and_cancels_what_rests(market, orders):
    rest(market, orders)
    market.send(500, "paper:open", {"account": "main", "cash": "500"})
    assert market.account().raw_usd == 500
    assert market.account().orders == {}
    assert len(market.desk.coin("BTC").resting) == 0
    assert market.of(said.OrderChanged)[-1].order.status == "canceled"


def test_what_was_done_is_not_done_again_after_a_reset_and_a_restart(
    market, begun, orders
):
    limit, _ = orders
    first = market.order(10, limit(True, "101", "1", "Ioc"), nonce=7)
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.pass_time(300)
    market.send(500, "paper:open", {"account": "main", "cash": "500"})
    again = begun(Accounts.folded(market.events, {}))
    number = again.order(600, limit(True, "101", "1", "Ioc"), nonce=7)
    again.bbo(900, ("99", "1"), ("101", "1"))
    again.pass_time(1000)
    assert again.answers[number] == market.answers[first]
    assert again.fills == []


# Determinism

moves = st.lists(
    st.one_of(
        st.tuples(
            st.just("order"), st.booleans(), st.integers(95, 105), st.integers(1, 5)
        ),
        st.tuples(
            st.just("bbo"), st.integers(95, 104), st.integers(1, 3), st.integers(1, 5)
        ),
        st.tuples(
            st.just("trade"), st.booleans(), st.integers(94, 106), st.integers(1, 8)
        ),
        st.tuples(st.just("gap"), st.booleans(), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(
            st.just("wait"), st.booleans(), st.integers(1, 9000), st.integers(0, 1)
        ),
    ),
    max_size=30,
)


def told(begun, orders, story, extra=(), **config):
    limit, _ = orders
    market, at, gap = begun(seed=5, **config), 100, 0
    for kind, first, second, third in story:
        at += 40
        if kind == "order":
            market.order(at, limit(first, second, third))
        elif kind == "bbo":
            market.bbo(at, (first, third), (first + second, third))
        elif kind == "trade":
            market.trade(at, "B" if first else "A", second, third)
        elif kind == "gap" and not gap:
            gap = at
            market.gap(at, since=at - 30)
        elif kind == "gap":
            market.gap(
                at, "recovered" if first else "unrecoverable", since=gap - 30, until=at
            )
            gap = 0
        else:
            at += second
        for step in extra:
            market.pass_time(at + step)
    market.pass_time(at + 60_000)
    return market


@settings(max_examples=40)
@given(story=moves)
def test_the_same_messages_make_the_same_facts_however_often_anybody_looks(
    begun, orders, story
):
    lognormal = {"entry_latency": "lognormal(0.05, 0.8)"}
    once = told(begun, orders, story, **lognormal)
    often = told(begun, orders, story, extra=(0, 10, 20, 39), **lognormal)
    assert [said.encode(it) for it in once.events] == [
        said.encode(it) for it in often.events
    ]
    # And again from what was taken.
    again = PaperVenue(once.desk.universe, once.config)
    again.start(once.taken[0][0])
    for at, message in once.taken:
        again.take(at, message)
    again.advance(once.desk.now)
    assert [said.encode(it) for it in again.drain()] == [
        said.encode(it) for it in once.events
    ]


@settings(max_examples=60)
@given(story=moves)
def test_no_fill_is_dated_or_made_inside_a_gap(begun, orders, story):
    market = told(begun, orders, story)
    feeds = market.of(said.FeedChanged)
    for made in market.fills:
        before = [it for it in feeds if it.seq < made.seq]
        assert before[-1].state == "live"
        for it in feeds:
            if it.until is not None:
                assert not it.since < made.time < it.until or made.time <= it.since


@settings(max_examples=60)
@given(story=moves)
def test_equity_never_jumps_but_by_a_journalled_event(begun, orders, story):
    market = told(begun, orders, story)
    accounts, marks = Accounts(dict(market.desk.accounts.px_decimals)), {"BTC": D(100)}
    value = None
    for event in market.events:
        accounts.apply(event)
        account = accounts.by_name.get("main")
        now = account.value(marks) if account else None
        if isinstance(event, said.Filled):
            signed = event.sz if event.is_buy else -event.sz
            assert now == value + signed * (100 - event.px) - event.fee
        elif not isinstance(event, said.AccountOpened):
            assert now == value
        value = now
    assert accounts.by_name == market.desk.accounts.by_name


def test_a_command_stopped_before_its_answer_is_not_done_again(market, begun, orders):
    limit, _ = orders
    # Two coins: the second never has its evidence before the end.
    market.book(5, [("9", "100")], [("11", "100")], coin="ETH")
    market.order(10, limit(True, "90", "1"), limit(True, "8", "2", asset=1), nonce=7)
    market.bbo(150, ("99", "1"), ("101", "1"))
    assert [it.coin for it in market.account().orders.values()] == ["BTC"]
    again = begun(Accounts.folded(market.events, {}), restart="keep")
    number = again.order(500, limit(True, "90", "1"), nonce=7)
    assert again.statuses(number) == [{"resting": {"oid": 1}}]
    again.bbo(800, ("99", "1"), ("101", "1"))
    assert len(again.account().orders) == 1


def test_a_context_without_a_mark_changes_nothing(market):
    ctx = {"markPx": None, "oraclePx": "100", "funding": "0.0001"}
    market.send(100, "activeAssetCtx", {"coin": "BTC", "ctx": ctx})
    assert market.desk.coin("BTC").context.mark == 100
