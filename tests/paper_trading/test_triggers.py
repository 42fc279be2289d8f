"""Orders that wait for the mark, or for each other."""

from decimal import Decimal

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts

D = Decimal


def long(market, orders, sz="1"):
    """Hold a long position of one."""
    limit, _ = orders
    market.order(10, limit(True, "101", sz, "Ioc"))
    market.bbo(200, ("99", "1"), ("101", "1"))


def placed(market, *rows, grouping="na", at=300):
    number = market.order(at, *rows, grouping=grouping)
    market.bbo(at + 200, ("99", "1"), ("101", "1"))
    market.pass_time(at + 300)
    return market.statuses(number)


def history(market, oid):
    return [
        it.order.status for it in market.of(said.OrderChanged) if it.order.oid == oid
    ]


@pytest.mark.parametrize(
    ("tpsl", "trigger_px", "mark"), [("sl", "95", "94.5"), ("tp", "105", "105")]
)
def test_a_trigger_fires_on_the_mark_and_sells(market, orders, tpsl, trigger_px, mark):
    long(market, orders)
    _, trigger = orders
    assert placed(market, trigger(False, trigger_px, "1", tpsl)) == [
        {"resting": {"oid": 2}}
    ]
    market.trade(700, "A", "94", "0.1")  # the last price is not the mark
    market.mark(800, "100")
    assert history(market, 2) == ["open"]
    market.mark(900, mark)
    assert history(market, 2) == ["open", "triggered"]
    market.bbo(1000, ("99", "1"), ("101", "1"))
    assert history(market, 2)[-1] == "filled"
    assert market.account().positions == {}
    assert market.fills[-1].px == 99


def test_a_triggered_market_order_takes_within_ten_percent(market, orders):
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "95", "1", "sl"))
    market.mark(900, "94")
    market.bbo(1000, ("80", "5"), ("101", "1"))
    assert market.account().done[2].status == "marketOrderNoLiquidityRejected"
    assert market.account().positions["BTC"].szi == 1


def test_a_triggered_limit_order_rests_at_its_price(market, orders):
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "95", "1", "sl", px="100", is_market=False))
    market.mark(900, "94")
    market.bbo(1000, ("93", "1"), ("101", "1"))
    assert history(market, 2) == ["open", "triggered", "open"]
    market.trade(1100, "B", "102", "4")
    assert market.fills[-1].px == 100


@pytest.mark.parametrize(("tpsl", "px"), [("sl", "101"), ("tp", "99")])
def test_a_trigger_that_would_fire_at_once_is_refused(market, orders, tpsl, px):
    long(market, orders)
    _, trigger = orders
    assert placed(market, trigger(False, px, "1", tpsl)) == [
        {"error": "Invalid TP/SL price. asset=0"}
    ]
    assert market.of(said.Rejected)[0].order.status == "badTriggerPxRejected"


def test_a_trigger_without_a_position_ends(market, orders):
    long(market, orders)
    limit, trigger = orders
    placed(market, trigger(False, "95", "1", "sl"))
    placed(market, limit(False, "99", "1", "Ioc"), at=700)
    market.mark(1100, "94")
    market.bbo(1200, ("93", "1"), ("101", "1"))
    assert history(market, 2)[-1] == "reduceOnlyCanceled"
    assert len(market.fills) == 2


def group(orders, px="99"):
    limit, trigger = orders
    return [
        limit(True, px, "1"),
        trigger(False, "110", "1", "tp"),
        trigger(False, "90", "1", "sl"),
    ]


def test_children_wait_until_their_parent_is_filled(market, orders):
    assert placed(market, *group(orders), grouping="normalTpsl") == [
        {"resting": {"oid": 1}},
        "waitingForFill",
        "waitingForFill",
    ]
    market.mark(700, "89")
    assert history(market, 3) == ["waiting"]
    market.mark(710, "100")
    market.trade(800, "A", "98", "0.4")
    assert history(market, 3) == ["waiting"]
    market.trade(810, "A", "98", "4")
    assert history(market, 3) == ["waiting", "open"]
    market.mark(900, "89")
    market.bbo(1000, ("88", "9"), ("101", "1"))
    assert history(market, 3)[-1] == "filled"
    assert history(market, 2)[-1] == "siblingFilledCanceled"
    assert market.account().positions == {}


def test_children_of_a_parent_filled_at_once_wait_for_the_mark(market, orders):
    assert (
        placed(market, *group(orders, "101"), grouping="normalTpsl")[1:]
        == ["waitingForTrigger"] * 2
    )


def test_children_end_with_their_parent(market, orders):
    placed(market, *group(orders), grouping="normalTpsl")
    market.trade(600, "A", "98", "0.4")
    market.cancel(700, 1)
    market.bbo(900, ("99", "1"), ("101", "1"))
    assert history(market, 2)[-1] == history(market, 3)[-1] == "canceled"


def test_children_of_a_parent_that_was_refused_are_refused(market, orders):
    rows = group(orders, px="100.123456")
    assert all("error" in it for it in placed(market, *rows, grouping="normalTpsl"))
    assert market.account().orders == {}


def test_position_orders_have_the_size_of_the_position(market, orders):
    long(market, orders)
    limit, trigger = orders
    rows = [trigger(False, "110", "0", "tp"), trigger(False, "90", "0", "sl")]
    placed(market, *rows, grouping="positionTpsl")
    market.bbo(690, ("99", "1"), ("102", "1"))  # the next 101 is another one
    placed(market, limit(True, "101", "0.5", "Ioc"), at=700)
    market.mark(1100, "89")
    market.bbo(1200, ("88", "9"), ("101", "1"))
    assert market.fills[-1].sz == D("1.5")
    assert market.account().orders == {}


def test_position_orders_end_with_the_position(market, orders):
    long(market, orders)
    limit, trigger = orders
    placed(market, trigger(False, "90", "0", "sl"), grouping="positionTpsl")
    placed(market, limit(False, "99", "1", "Ioc"), at=700)
    assert history(market, 2)[-1] == "reduceOnlyCanceled"


def test_triggers_do_not_fire_while_the_feed_is_not_live(market, orders):
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "95", "1", "sl"))
    market.gap(700, since=650)
    market.mark(800, "90")
    assert history(market, 2) == ["open"]


@pytest.mark.parametrize(
    ("grouping", "first"), [("positionTpsl", "0"), ("normalTpsl", "1")]
)
def test_only_triggers_can_be_grouped(market, orders, grouping, first):
    limit, _ = orders
    rows = [limit(True, "101", first, "Ioc"), limit(False, "99", "1")]
    number = market.order(300, *rows, grouping=grouping)
    market.bbo(500, ("99", "1"), ("101", "1"))
    market.pass_time(600)
    assert market.answers[number]["status"] == "err"
    assert "has to be triggers" in market.answers[number]["response"]
    assert market.fills == []
    assert market.account().orders == {}


def modified(market, oid, row, at=600):
    number = market.act(
        at, {"type": "batchModify", "modifies": [{"oid": oid, "order": row}]}
    )
    market.bbo(at + 200, ("99", "1"), ("101", "1"))
    market.pass_time(at + 300)
    return market.statuses(number)


def test_a_child_that_is_changed_goes_on_waiting(market, orders):
    limit, trigger = orders
    placed(market, *group(orders), grouping="normalTpsl")
    assert modified(market, 3, trigger(False, "91", "1", "sl", r=False)) == [
        {"resting": {"oid": 4}}
    ]
    market.mark(1000, "90")
    assert history(market, 4) == ["waiting"]
    assert modified(market, 4, limit(False, "99", "1"), 1100) == [
        {"error": "Attempted to modify to invalid new order"}
    ]
    market.mark(1450, "100")
    market.trade(1500, "A", "98", "4")
    assert history(market, 4) == ["waiting", "open"]


def test_a_parent_that_is_changed_keeps_its_children(market, orders):
    limit, _ = orders
    placed(market, *group(orders), grouping="normalTpsl")
    modified(market, 1, limit(True, "98.5", "1"))
    market.trade(1000, "A", "98", "4")
    assert market.account().done[4].status == "filled"
    assert history(market, 2)[-1] == history(market, 3)[-1] == "open"
    modified(market, 2, orders[1](False, "111", "1", "tp"), 1100)
    market.mark(1500, "111")
    market.bbo(1600, ("110", "9"), ("112", "9"))
    assert history(market, 5)[-1] == "filled"
    assert history(market, 3)[-1] == "siblingFilledCanceled"
    assert market.account().orders == {}


def test_one_of_a_pair_that_is_changed_still_ends_with_the_other(market, orders):
    _, trigger = orders
    placed(market, *group(orders, "101"), grouping="normalTpsl")
    modified(market, 3, trigger(False, "91", "1", "sl"))
    market.mark(1000, "111")
    market.bbo(1100, ("110", "9"), ("112", "9"))
    assert history(market, 2)[-1] == "filled"
    assert history(market, 4)[-1] == "siblingFilledCanceled"


def test_a_position_order_that_is_changed_keeps_the_size_of_the_position(
    market, orders
):
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "90", "0", "sl"), grouping="positionTpsl")
    assert modified(market, 2, trigger(False, "91", "0", "sl")) == [
        {"resting": {"oid": 3}}
    ]
    market.mark(1000, "90.5")
    market.bbo(1100, ("90", "9"), ("91", "9"))
    assert history(market, 3)[-1] == "filled"
    assert market.account().positions == {}


def kept(begun, market, at):
    """The same account in an engine that starts again, on a book as it was."""
    again = begun(Accounts.folded(market.events, {}), restart="keep")
    again.bbo(at, ("99", "1"), ("101", "1"))
    return again


def test_a_limit_order_that_fired_and_rests_is_kept_as_one(begun, orders):
    market = begun()
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "105", "1", "tp", px="110", is_market=False))
    market.mark(700, "106")
    market.bbo(800, ("105", "1"), ("107", "1"))
    again = kept(begun, market, 1000)
    assert again.desk.coin("BTC").triggers == {}
    again.bbo(1100, ("112", "5"), ("113", "5"))
    assert [(it.oid, it.px) for it in again.fills] == [(2, 110)]


def test_a_stop_that_fired_is_matched_after_a_restart(begun, orders):
    market = begun()
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "95", "1", "sl"))
    market.mark(700, "94")
    assert market.account().orders[2].status == "triggered"
    again = kept(begun, market, 1000)
    assert [(it.oid, it.px) for it in again.fills] == [(2, 99)]
    assert again.account().positions == {}


def test_a_mark_that_came_while_the_feed_was_not_live_counts_when_it_is(market, orders):
    long(market, orders)
    _, trigger = orders
    placed(market, trigger(False, "95", "1", "sl"))
    market.pass_time(6000)
    market.mark(6100, "91")
    assert history(market, 2) == ["open"]
    market.bbo(6200, ("91", "1"), ("92", "1"))
    market.bbo(6300, ("91", "1"), ("92", "1"))
    assert history(market, 2) == ["open", "triggered", "filled"]
