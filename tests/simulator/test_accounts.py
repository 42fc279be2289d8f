from __future__ import annotations

import pytest

from bistoury.simulator.accounts import MOST_ORDERS, Account
from bistoury.simulator.instruments import instruments
from bistoury.simulator.ledger import Ledger
from bistoury.simulator.orders import Order

BTC = instruments(("BTC",))["BTC"]
USER = "0x" + "1" * 40


def test_every_report_is_published_once_and_taken_once():
    ledger = Ledger()
    account = Account(USER, 1, 0, ledger)
    order = Order(BTC, 5, buys=True, ticks=1, original=1, placed=0)

    account.report(order, "open", 1)
    first, second = account.taken(), account.taken()

    assert [row["status"] for row in first.updates] == ["open"]
    assert second.updates == []
    assert len(ledger.stream(f"orderUpdates:{USER}")) == 1
    assert account.orders == {5: order}


def test_only_the_latest_orders_are_remembered():
    account = Account(USER, 1, 0, Ledger())
    for number in range(MOST_ORDERS + 10):
        order = Order(BTC, number, buys=True, ticks=1, original=1, placed=0)
        account.report(order, "rejected", number)

    assert len(account.histories) == MOST_ORDERS
    assert next(iter(account.histories)) == 10
    assert account.orders == {}


def test_a_liquidation_fee_and_loss_come_out_of_the_cash(wire, user):
    wire.info("userRole", user=user)
    account = wire.exchange.users.account(user, 0)
    before = account.cash("")
    wire.exchange.act(user, "cross", "BTC", wire.now)
    new = [row for row in account.fills if row["time"] >= wire.now * 1000]

    spent = sum(float(row["closedPnl"]) - float(row["fee"]) for row in new)
    assert (account.cash("") - before) / 10**6 == pytest.approx(spent, abs=1e-5)
