from __future__ import annotations


def test_first_frames_that_are_uncertain_can_be_left_out(open_wire):
    wire = open_wire(bbo_first_frame=False, candle_first_frame=False, trades_replay=0)
    wire.run(60.0)
    number = wire.connect()

    answers = [
        wire.subscribe(number, "bbo", coin="BTC"),
        wire.subscribe(number, "candle", coin="BTC", interval="1h"),
        wire.subscribe(number, "trades", coin="BTC"),
    ]

    assert [[m["channel"] for m in answer] for answer in answers] == [
        ["subscriptionResponse"]
    ] * 3


def test_the_replay_can_be_oldest_first(open_wire):
    wire = open_wire(trades_replay=5, trades_replay_newest_first=False)
    wire.run(60.0)
    _, replay = wire.subscribe(wire.connect(), "trades", coin="BTC")

    times = [row["time"] for row in replay["data"]]
    assert len(times) == 5
    assert times == sorted(times)


def test_mids_of_a_dex_have_its_coins_and_say_so(wire):
    _, main = wire.subscribe(wire.connect(), "allMids")
    _, dex = wire.subscribe(wire.connect(), "allMids", dex="xyz")

    assert set(main["data"]["mids"]) == {"BTC", "ETH", "@107", "PURR/USDC"}
    assert "dex" not in main["data"]
    assert (set(dex["data"]["mids"]), dex["data"]["dex"]) == ({"xyz:NVDA"}, "xyz")


def test_a_book_says_its_spread_only_when_aggregated(wire):
    number = wire.connect()
    _, plain = wire.subscribe(number, "l2Book", coin="BTC")
    _, aggregated = wire.subscribe(number, "l2Book", coin="BTC", nSigFigs=3)

    assert list(plain["data"]) == ["coin", "time", "levels"]
    assert list(aggregated["data"]) == ["coin", "time", "levels", "spread"]


def test_snapshots_are_cut_to_the_setting(open_wire, user):
    wire = open_wire(fills_snapshot=3)
    _, snapshot = wire.subscribe(wire.connect(), "userFills", user=user)

    newest = wire.info("userFills", user=user)[:3]
    assert snapshot["data"]["fills"] == newest[::-1]
