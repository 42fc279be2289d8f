from __future__ import annotations

import pytest

from bistoury.simulator.habits import HABITS


@pytest.fixture
def acting(open_wire, user):
    wire = open_wire(user_rate=0.0, user_history=0)
    number = wire.connect()
    for kind in (
        "orderUpdates",
        "userEvents",
        "userFills",
        "userNonFundingLedgerUpdates",
    ):
        wire.subscribe(number, kind, user=user)

    def act(habit, coin="BTC"):
        wire.exchange.act(user, habit, coin, wire.now)
        return wire.read()

    return act


def updates(messages):
    return [r for m in messages if m["channel"] == "orderUpdates" for r in m["data"]]


@pytest.mark.parametrize("habit", sorted(HABITS))
@pytest.mark.parametrize("coin", ["BTC", "xyz:NVDA", "@107", "PURR/USDC"])
def test_every_habit_works_on_every_kind_of_coin(acting, habit, coin):
    for _ in range(12):
        acting(habit, coin)
    acting("cross", coin)

    assert acting("rest", coin)


def test_resting_then_cancelling(acting):
    [placed] = updates(acting("rest"))
    [gone] = updates(acting("cancel"))

    assert placed["status"] == "open"
    assert (gone["status"], gone["order"]["oid"]) == (
        "canceled",
        placed["order"]["oid"],
    )


def test_replacing_keeps_the_client_id_and_changes_the_oid(acting):
    [placed] = updates(acting("rest"))
    new, old = updates(acting("replace"))

    assert (new["status"], old["status"]) == ("open", "canceled")
    assert old["order"]["oid"] == placed["order"]["oid"] != new["order"]["oid"]
    assert new["order"].get("cloid") == placed["order"].get("cloid")


def test_a_rejected_order_has_an_oid(acting):
    [row] = updates(acting("be_rejected"))

    assert row["status"].endswith("Rejected")
    assert row["order"]["oid"] > 0


def test_losing_an_order_to_the_rules_is_told_as_an_event(acting):
    acting("rest")
    messages = acting("be_cancelled")

    [event] = [m["data"] for m in messages if m["channel"] == "user"]
    assert event["nonUserCancel"][0]["oid"] == updates(messages)[0]["order"]["oid"]


def test_crossing_fills_everything_at_once(acting):
    messages = acting("cross")

    [fills] = [m["data"]["fills"] for m in messages if m["channel"] == "userFills"]
    assert len({(row["time"], row["oid"]) for row in fills}) == 1
    assert all(row["crossed"] for row in fills)
    assert fills[0]["startPosition"] == "0.0"
    assert fills[0]["feeToken"] == "USDC"


def test_no_more_than_twenty_orders_rest(acting):
    for _ in range(60):
        acting("rest")

    assert updates(acting("rest"))[0]["status"] in {"open", "canceled"}
    assert [u["status"] for u in updates(acting("cancel"))] == ["canceled"]


def test_spot_buys_pay_their_fee_in_the_token_and_sales_in_usdc(acting):
    seen = {}
    for _ in range(30):
        for message in acting("dust", "@107"):
            if message["channel"] == "userFills":
                seen |= {
                    row["dir"]: row["feeToken"] for row in message["data"]["fills"]
                }

    assert seen == {"Buy": "HYPE", "Sell": "USDC", "Spot Dust Conversion": "USDC"}
