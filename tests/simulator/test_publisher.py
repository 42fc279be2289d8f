from __future__ import annotations

from bistoury.simulator import Cadences


def test_each_cadence_is_a_setting(open_wire):
    wire = open_wire(
        cadences=Cadences(all_mids=2.5, asset_ctx=4.0, l2_book=1.0, l2_book_levels=3)
    )
    number = wire.connect()
    wire.subscribe(number, "allMids")
    wire.subscribe(number, "activeAssetCtx", coin="BTC")
    wire.subscribe(number, "l2Book", coin="BTC")

    seen = wire.run(20.0)
    channels = [m["channel"] for m in seen]

    assert channels.count("allMids") == 8
    assert channels.count("activeAssetCtx") == 5
    assert channels.count("l2Book") == 20
    assert all(
        len(m["data"]["levels"][0]) == 3 for m in seen if m["channel"] == "l2Book"
    )


def test_a_late_subscriber_gets_no_frames_of_the_past(wire):
    number = wire.connect()
    wire.send(number, {"method": "ping"})
    wire.run(55.0)
    wire.read()

    first = wire.subscribe(number, "allMids")
    soon = wire.run(0.0)

    assert [m["channel"] for m in first] == ["subscriptionResponse", "allMids"]
    assert soon == []


def test_account_states_come_at_once_when_something_changed(open_wire, user):
    wire = open_wire(user_rate=0.0)
    number = wire.connect()
    for kind in ("clearinghouseState", "openOrders", "spotState"):
        wire.subscribe(number, kind, user=user)

    wire.exchange.act(user, "cross", "BTC", wire.now)

    assert {m["channel"] for m in wire.read()} == {
        "clearinghouseState",
        "openOrders",
        "spotState",
    }


def test_later_frames_can_say_that_they_are_no_snapshot(open_wire, user):
    wire = open_wire(user_rate=0.0, is_snapshot_false=True)
    number = wire.connect()
    wire.subscribe(number, "userFills", user=user)

    wire.exchange.act(user, "cross", "BTC", wire.now)
    [frame] = wire.read()

    assert frame["data"]["isSnapshot"] is False


def test_aggregated_and_plain_fills_live_side_by_side(open_wire, user):
    wire = open_wire(user_rate=0.0)
    number = wire.connect()
    wire.subscribe(number, "userFills", user=user)
    wire.subscribe(number, "userFills", user=user, aggregateByTime=True)
    counts = set()
    for _ in range(20):
        wire.exchange.act(user, "cross", "ETH", wire.now)
        counts |= {tuple(len(m["data"]["fills"]) for m in wire.read())}

    assert {after for _, after in counts} == {1}
    assert max(before for before, _ in counts) > 1
