"""Funding on the hour, and liquidation on the mark."""

import json
from decimal import Decimal

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.solvency import payment

D = Decimal
HOUR = 3_600_000


def first_hour(market):
    now = market.desk.now
    return (now // HOUR + 1) * HOUR - now


def hold(market, orders, sz="1", at=10, is_buy=True):
    limit, _ = orders
    market.order(at, limit(is_buy, "101" if is_buy else "99", sz, "Ioc"))
    market.bbo(at + 200, ("99", sz), ("101", sz))


def keep(market, start, end, **ctx):
    for at in range(start, end, 1000):
        market.bbo(at, ("99", "50"), ("101", "50"))
        market.mark(at, "100", **ctx)


# Funding


@pytest.mark.parametrize(
    ("szi", "oracle", "rate", "usdc"),
    [
        ("0.00061", "78500", "-0.0000104821", "0.000501"),
        ("-2", "100", "0.0000125", "0.0025"),
        ("2", "100", "0.0000125", "-0.0025"),
        ("0.00004", "70000", "0.0000004105", "-0.000001"),
    ],
)
def test_longs_pay_a_positive_rate_on_the_oracle_price(szi, oracle, rate, usdc):
    assert payment(D(szi), D(oracle), D(rate)) == D(usdc)


def test_recorded_payments_follow_from_one_plausible_oracle_price(samples):
    # The oracle price is not recorded; it can be bounded by every payment.
    def read(name):
        return json.loads((samples / f"{name}.json").read_text())

    rows = list(read("userFundings")[0]["message"]["data"]["fundings"])
    rows += [
        it["message"]["data"]["funding"]
        for it in read("user")
        if "funding" in it["message"]["data"]
    ]
    rows += [row["delta"] for it in read("rest_userFunding") for row in it["message"]]
    assert len(rows) >= 10
    for row in rows:
        usdc, szi, rate = D(row["usdc"]), D(row["szi"]), D(row["fundingRate"])
        least = abs(usdc) / abs(szi * rate)
        most = (abs(usdc) + D("0.000001")) / abs(szi * rate)
        middle = (least + most) / 2
        assert payment(szi, middle, rate) == usdc
        if row["coin"] == "BTC":
            assert least < 80_000
            assert most > 60_000


def test_funding_is_paid_on_the_hour_on_the_oracle_price(market, orders):
    hour = first_hour(market)
    hold(market, orders)
    keep(market, hour - 5000, hour + 5000, oracle="98", funding="0.0001")
    (paid,) = market.of(said.FundingPaid)
    assert paid.usdc == D("-0.0098")
    assert paid.time % HOUR == 0
    assert not paid.is_estimated
    assert market.account().totals.funding == D("-0.0098")


def test_funding_adds_up_over_positions_that_change(market, orders):
    # The sum over the hours of position x oracle x rate, whatever was added meanwhile.
    hour = first_hour(market)
    owed = D(0)
    for number in range(4):
        at = number * HOUR
        market.bbo(at + 5, ("99", "1"), ("102", "1"))  # the next 101 is another one
        hold(market, orders, at=at + 10, sz="1")
        keep(market, at + hour - 3000, at + hour + 1000, oracle="100", funding="0.0001")
        owed -= D(number + 1) * 100 * D("0.0001")
    assert market.account().totals.funding == owed
    assert len(market.of(said.FundingPaid)) == 4


def test_an_hour_without_data_is_owed_and_settled_by_the_venues_history(market, orders):
    hour = first_hour(market)
    hold(market, orders)
    market.pass_time(hour + HOUR + 1000)
    assert market.of(said.FundingPaid) == []
    due = market.venue.solvency.due["BTC"]
    assert len(due) == 2
    rows = [{"coin": "BTC", "fundingRate": "0.0002", "time": it + 63} for it in due]
    market.send(hour + HOUR + 2000, "paper:funding", {"coin": "BTC", "rows": rows})
    market.send(hour + HOUR + 2500, "paper:funding", {"coin": "BTC", "rows": rows})
    assert [it.usdc for it in market.of(said.FundingPaid)] == [D("-0.02")] * 2
    assert all(it.is_estimated for it in market.of(said.FundingPaid))
    assert market.venue.solvency.due == {}


def test_hours_missed_while_nothing_ran_are_owed_after_a_restart(begun, orders):
    first = begun()
    hold(first, orders)
    accounts = Accounts.folded(first.events, {})
    accounts.last_at -= 2 * HOUR
    again = begun(accounts)
    assert len(again.venue.solvency.due["BTC"]) == 2


def miss_an_hour(begun, orders):
    """Accounts ``main`` and ``b``, a long of one in ``main``, an hour in a gap."""
    market = begun(accounts={"main": D(10_000), "b": D(10_000)})
    hour = first_hour(market)
    hold(market, orders)
    market.bbo(hour - 1500, ("99", "1"), ("101", "1"))
    market.gap(hour - 1000, since=hour - 1100)
    market.pass_time(hour + 1)
    return market, hour


def end_the_gap(market, hour):
    market.gap(hour + 500, "recovered", since=hour - 1100, until=hour + 400)
    market.bbo(hour + 600, ("99", "9"), ("101", "9"))
    market.mark(hour + 600, "100")


def settle(market, at, due, rate="0.0002"):
    rows = [{"coin": "BTC", "fundingRate": rate, "time": it + 63} for it in due]
    return market.send(at, "paper:funding", {"coin": "BTC", "rows": rows})


def test_a_position_closed_before_its_hour_is_settled_pays_for_it(begun, orders):
    limit, _ = orders
    market, hour = miss_an_hour(begun, orders)
    end_the_gap(market, hour)
    market.order(hour + 700, limit(False, "99", "1", "Ioc"))
    market.bbo(hour + 900, ("99", "9"), ("101", "9"))
    assert market.account().positions == {}
    settle(market, hour + 2000, market.venue.solvency.due["BTC"])
    (paid,) = market.of(said.FundingPaid)
    assert (paid.szi, paid.usdc) == (1, D("-0.02"))
    assert market.account().totals.funding == D("-0.02")
    assert market.venue.solvency.due == {}


def test_an_hour_before_a_position_was_opened_costs_it_nothing(begun, orders):
    limit, _ = orders
    market, hour = miss_an_hour(begun, orders)
    end_the_gap(market, hour)
    market.order(hour + 700, limit(True, "101", "5", "Ioc"))
    market.order(hour + 700, limit(True, "101", "3", "Ioc"), account="b")
    market.bbo(hour + 900, ("99", "9"), ("101", "9"))
    assert market.account().positions["BTC"].szi == 6
    settle(market, hour + 2000, market.venue.solvency.due["BTC"])
    assert [(it.account, it.szi) for it in market.of(said.FundingPaid)] == [("main", 1)]


def test_what_is_owed_is_owed_after_a_restart_whatever_was_written_since(begun, orders):
    market, hour = miss_an_hour(begun, orders)
    market.pass_time(hour + 70_000)
    assert market.events[-1].at > market.of(said.FundingOwed)[0].at
    owed = market.venue.solvency.due
    again = begun(Accounts.folded(market.events, {}))
    assert again.venue.solvency.due == owed
    assert again.of(said.FundingOwed) == []
    settle(again, hour + 80_000, owed["BTC"])
    settle(again, hour + 80_001, owed["BTC"])
    assert [it.usdc for it in again.of(said.FundingPaid)] == [D("-0.02")]


def test_an_account_that_begins_anew_owes_nothing(begun, orders):
    market, hour = miss_an_hour(begun, orders)
    market.send(hour + 10, "paper:open", {"account": "main", "cash": "500"})
    assert market.venue.solvency.due == {}
    assert Accounts.folded(market.events, {}).owed == {}


# Liquidation


def rich(begun, orders, cash, sz, leverage=40, **config):
    """A market, and a long position of ``sz`` at 101 with ``cash``."""
    limit, _ = orders
    market = begun(**config)
    market.send(1, "paper:open", {"account": "small", "cash": cash})
    action = {
        "type": "updateLeverage",
        "asset": 0,
        "isCross": True,
        "leverage": leverage,
    }
    market.act(5, action, account="small")
    market.mark(140, "101")
    market.order(150, limit(True, "101", sz, "Ioc"), account="small")
    market.bbo(400, ("100", sz), ("101", sz))
    market.mark(410, "100")
    assert market.account("small").positions["BTC"].szi == D(sz)
    return market


def test_below_the_maintenance_margin_the_position_is_closed_at_the_market(
    begun, orders
):
    market = rich(begun, orders, "300", "100")
    market.bbo(500, ("99", "200"), ("101", "1"))
    market.mark(600, "99.2")  # value 300 - fee - 180 = 115.455, maintenance 124
    market.bbo(700, ("99", "200"), ("101", "1"))
    (told,) = market.of(said.Liquidated)
    assert told.method == "market"
    assert told.account_value < told.maintenance
    made = market.fills[-1]
    assert (made.liquidation, made.sz, made.px) == ("market", 100, 99)
    assert made.fee == D("4.455")
    account = market.account("small")
    assert account.positions == {}
    assert account.raw_usd > 0


def test_above_it_nothing_happens(begun, orders):
    market = rich(begun, orders, "300", "100")
    market.mark(600, "99.5")
    market.bbo(700, ("99", "200"), ("101", "1"))
    assert market.of(said.Liquidated) == []


def test_orders_end_before_the_position_does(begun, orders):
    market = rich(begun, orders, "300", "100")
    limit, _ = orders
    market.order(410, limit(False, "120", "1"), account="small")
    market.bbo(520, ("99", "200"), ("101", "1"))
    market.mark(600, "99.2")
    market.bbo(700, ("99", "200"), ("101", "1"))
    assert market.account("small").done[2].status == "liquidatedCanceled"


def test_orders_of_a_group_end_once(begun, orders):
    market = rich(begun, orders, "300", "100")
    limit, trigger = orders
    group = [limit(False, "120", "1"), trigger(True, "125", "1", "sl")]
    market.order(410, *group, grouping="normalTpsl", account="small")
    market.bbo(520, ("99", "200"), ("101", "1"))
    market.mark(600, "99.2")
    market.bbo(700, ("99", "200"), ("101", "1"))
    ended = [it.order for it in market.of(said.OrderChanged) if not it.order.is_live]
    statuses = {it.oid: it.status for it in ended if it.oid in (2, 3)}
    assert statuses == {2: "liquidatedCanceled", 3: "canceled"}
    assert len([it for it in ended if it.oid in (2, 3)]) == 2


def test_below_two_thirds_the_liquidator_keeps_the_margin(begun, orders):
    market = rich(begun, orders, "300", "100")
    market.mark(600, "98.6")  # value about 55, two thirds of the maintenance 82
    market.bbo(700, ("98", "200"), ("101", "1"))
    account = market.account("small")
    assert account.positions == {}
    assert account.raw_usd == 0
    assert account.totals.liquidation < 0
    made = market.fills[-1]
    assert (made.liquidation, made.px, made.fee) == ("backstop", D("98.6"), 0)
    assert [it.method for it in market.of(said.Liquidated)] == ["backstop"] * 2


def test_of_a_large_position_a_fifth_goes_first_and_all_of_it_within_30_seconds(
    begun, orders
):
    market = rich(begun, orders, "6000", "2000")
    market.bbo(500, ("99", "9000"), ("101", "1"))
    market.mark(600, "99.1")  # 198,200 USD
    market.bbo(700, ("99", "9000"), ("101", "1"))
    assert market.fills[-1].sz == 400
    market.mark(5000, "98.9")
    market.bbo(5100, ("99", "9000"), ("101", "1"))
    assert market.fills[-1].sz == 1600
    assert market.account("small").positions == {}


def test_nothing_is_liquidated_on_data_that_is_not_live(begun, orders):
    market = rich(begun, orders, "300", "100")
    market.gap(500, since=450)
    market.mark(600, "50")
    market.bbo(700, ("50", "200"), ("101", "1"))
    assert market.of(said.Liquidated) == []


def test_an_isolated_position_ends_alone(begun, orders):
    limit, _ = orders
    market = begun()
    action = {"type": "updateLeverage", "asset": 0, "isCross": False, "leverage": 40}
    market.act(5, action)
    market.order(150, limit(True, "101", "1", "Ioc"))
    market.bbo(400, ("100", "1"), ("101", "1"))
    cash = market.account().raw_usd
    market.mark(600, "99.5")
    market.bbo(700, ("99", "200"), ("101", "1"))
    (told, *_) = market.of(said.Liquidated)
    assert told.coin == "BTC"
    assert market.account().positions == {}
    # No more than its margin is lost.
    assert market.account().raw_usd >= cash - D("0.05")


def test_each_position_is_closed_on_the_book_of_its_own_coin(begun, orders):
    limit, _ = orders
    market = begun(accounts={"main": D(1200)})

    def books(at, bid, *coins):
        for coin in coins:
            market.book(at, [(bid, "50")], [("10000", "50")], coin=coin)

    for coin in ("BTC", "ETH"):
        market.bbo(5, ("99", "1"), ("10000", "50"), coin=coin)
        market.mark(10, "10000", coin=coin)
    for asset in (0, 1):
        market.order(20, limit(True, "10000", "1", "Ioc", asset=asset))
    books(300, "9990", "BTC", "ETH")
    market.mark(4500, "9100")
    books(4600, "9100", "BTC")
    assert [it.coin for it in market.fills[2:]] == ["BTC"]
    market.mark(4650, "9900", coin="ETH")
    books(4700, "9900", "ETH")
    assert [(it.coin, it.px) for it in market.fills[2:]] == [
        ("BTC", 9100),
        ("ETH", 9900),
    ]
    assert [it.coin for it in market.of(said.Liquidated)] == ["", ""]
