from __future__ import annotations

import pytest

from bistoury import ConfigError
from bistoury.errors import StaleDataError
from bistoury.paper_trading.server.wishes import cancel_action, order_action

BUY = {"coin": "BTC", "is_buy": True, "size": "0.5"}


def row_of(desk, **wish):
    return order_action(desk, {**BUY, **wish})["orders"][0]


def test_without_a_limit_it_takes_within_the_slippage(market):
    row = row_of(market.desk)

    assert row["t"] == {"limit": {"tif": "Ioc"}}
    assert (row["a"], row["b"], row["s"], row["p"]) == (0, True, "0.5", "105.0")
    assert row_of(market.desk, is_buy=False, slippage="0.01")["p"] == "99.0"


def test_with_a_limit_it_rests(market):
    row = row_of(market.desk, limit_px="90", tif="Alo", reduce_only=True)

    assert (row["p"], row["t"], row["r"]) == ("90.0", {"limit": {"tif": "Alo"}}, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("coin", "NO"), ("coin", None), ("is_buy", "yes"), ("size", "0")),
        *(("size", None), ("limit_px", "-1"), ("tif", "Day"), ("slippage", "1")),
        *(("slippage", "much"), ("slippage", "-0.1")),
    ],
)
def test_what_cannot_be_is_refused_by_name(market, name, value):
    with pytest.raises(ConfigError, match=name):
        order_action(market.desk, {**BUY, name: value})


@pytest.mark.parametrize(
    ("name", "wish"),
    [("tif", {"tif": "Alo"}), ("slippage", {"limit_px": "90", "slippage": "0.01"})],
)
def test_what_would_be_ignored_is_refused(market, name, wish):
    with pytest.raises(ConfigError, match=f"{name}: .* a limit"):
        order_action(market.desk, {**BUY, **wish})


def test_a_price_nobody_knows_is_not_made_up(market):
    market.desk.coin("ETH")
    with pytest.raises(StaleDataError, match="ETH"):
        order_action(market.desk, {**BUY, "coin": "ETH"})


def test_orders_are_canceled_by_number_or_all(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "90", "1"), limit(True, "91", "1"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    account = market.account()
    first, second = account.orders

    assert cancel_action(account, second)["cancels"] == [{"a": 0, "o": second}]
    assert [it["o"] for it in cancel_action(account, "all")["cancels"]] == [
        first,
        second,
    ]
    with pytest.raises(ConfigError, match=f"{first}, {second}"):
        cancel_action(account, 99)


def test_without_orders_there_is_nothing_to_cancel(market):
    assert cancel_action(market.account(), "all") is None
    with pytest.raises(ConfigError, match="none is open"):
        cancel_action(market.account(), 1)
