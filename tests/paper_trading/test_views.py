"""Accounts and orders in the venue's shapes."""

import json
from decimal import Decimal

import pytest

from bistoury.paper_trading import views

D = Decimal


def keys(value):
    """Return the shape of a value: its keys, and the types of the rest."""
    if isinstance(value, dict):
        return {name: keys(it) for name, it in value.items()}
    if isinstance(value, list):
        return [keys(it) for it in value[:1]]
    return type(value).__name__


def recorded(samples, name, source):
    rows = json.loads((samples / f"{name}.json").read_text())
    return next(it["message"] for it in rows if it["source"] == source)


@pytest.fixture
def traded(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "101", "1", "Ioc", cloid="0x" + "01" * 16))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.order(210, limit(True, "90", "1", cloid="0x" + "02" * 16))
    market.bbo(400, ("99", "1"), ("101", "1"))
    return market


def test_a_state_has_the_recorded_shape(traded, samples):
    source = "roq:get_clearing_house_state_ack/simple"
    theirs = keys(recorded(samples, "rest_clearinghouseState", source))
    ours = keys(views.clearinghouse_state(traded.account(), traded.desk))
    theirs["assetPositions"][0]["position"]["liquidationPx"] = "NoneType"
    ours["assetPositions"][0]["position"]["liquidationPx"] = "NoneType"
    assert ours == theirs


def test_an_open_order_has_the_recorded_shape(traded, samples):
    theirs = recorded(samples, "rest_openOrders", "roq:get_open_orders_ack/simple")[0]
    assert keys(views.open_order(traded.account().orders[2])) == keys(theirs)


def test_the_status_of_an_order_has_the_recorded_shape(traded, samples):
    rows = json.loads((samples / "rest_orderStatus.json").read_text())
    theirs = next(it["message"] for it in rows if it["message"]["status"] == "order")
    ours = views.order_status(traded.account(), "0x" + "01" * 16)
    theirs["order"]["order"]["cloid"] = ours["order"]["order"]["cloid"]
    assert keys(ours) == keys(theirs)
    assert ours["order"]["status"] == "filled"
    assert views.order_status(traded.account(), 77) == {"status": "unknownOid"}


def test_an_update_has_the_recorded_shape(traded, samples):
    theirs = recorded(samples, "orderUpdates", "roq:order_updates/create_filled")[
        "data"
    ]
    assert keys(views.order_update(traded.account().done[1])) == keys(theirs[0])


def test_a_fill_has_the_recorded_shape(traded, samples):
    message = recorded(samples, "userFills", "roq:user_fills/simple")
    theirs = next(it for it in message["data"]["fills"] if it["coin"] == "BTC")
    ours = views.fill(traded.account().fills[0])
    assert set(ours) == set(theirs)
    assert keys(ours) == keys(theirs)


def test_a_trigger_is_described_as_recorded(market, orders, samples):
    limit, trigger = orders
    rows = recorded(
        samples,
        "rest_frontendOpenOrders",
        "python-sdk:test_get_frontend_open_orders.yaml",
    )
    market.order(10, limit(True, "101", "1", "Ioc"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.order(210, trigger(False, "104", "1", "tp"), trigger(False, "95", "1", "sl"))
    market.bbo(400, ("99", "1"), ("101", "1"))
    account = market.account()
    profit, loss = (views.frontend_order(account.orders[it]) for it in (2, 3))
    assert set(rows[0]) <= set(profit)
    assert profit["orderType"] == rows[0]["orderType"] == "Take Profit Market"
    assert loss["orderType"] == rows[1]["orderType"] == "Stop Market"
    assert (profit["triggerCondition"], loss["triggerCondition"]) == (
        "Price above 104",
        "Price below 95",
    )


def test_our_own_view_adds_up(traded):
    traded.mark(500, "110")
    view = views.account_view(traded.account(), traded.desk)
    assert view["paper"] is True
    assert view["equity"] == view["cash"] + view["unrealized"]
    assert view["unrealized"] == 9
    assert view["cash"] == 10_000 + sum(view["profit"].values())
