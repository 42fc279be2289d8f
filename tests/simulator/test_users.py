from __future__ import annotations

from bistoury.simulator.bars import HOUR


def test_an_account_appears_when_it_is_asked_for_with_a_past(wire, user):
    before = wire.exchange.ledger.streams()
    wire.info("userRole", user=user)

    assert not [name for name in before if user in name]
    assert wire.info("userFills", user=user)
    assert (
        wire.info("userNonFundingLedgerUpdates", user=user)[0]["delta"]["type"]
        == "deposit"
    )


def test_an_account_is_the_same_in_any_case(wire, user):
    assert wire.info("userFills", user=user.upper().replace("X", "x")) == wire.info(
        "userFills", user=user
    )


def test_nobody_acts_when_nobody_may(open_wire, user):
    wire = open_wire(user_rate=0.0, user_history=0)
    number = wire.connect()
    wire.subscribe(number, "orderUpdates", user=user)
    wire.subscribe(number, "allMids")

    assert {m["channel"] for m in wire.run(300.0)} == {"allMids"}


def test_funding_is_paid_once_an_hour_with_one_time_for_all_coins(open_wire, user):
    wire = open_wire(user_rate=1.0, idle_close=0.0)
    number = wire.connect()
    wire.subscribe(number, "userFundings", user=user)
    frames = [m["data"]["fundings"] for m in wire.run(2 * 3600.0)]

    assert len(frames) == 2
    assert all(len({row["time"] for row in rows}) == 1 for rows in frames)
    assert frames[1][0]["time"] // HOUR == frames[0][0]["time"] // HOUR + 1


def test_an_empty_ledger_frame_comes_with_each_payment(open_wire, user):
    wire = open_wire(user_rate=0.0)
    number = wire.connect()
    wire.subscribe(number, "userNonFundingLedgerUpdates", user=user)
    wire.subscribe(number, "allMids")

    frames = [m["data"] for m in wire.run(3600.0) if m["channel"] != "allMids"]

    assert frames == [{"user": user, "nonFundingLedgerUpdates": []}]
