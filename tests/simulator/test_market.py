from __future__ import annotations

import json
from decimal import Decimal

from bistoury.simulator.bars import INTERVALS, opening


def trades_of(messages):
    return [row for m in messages if m["channel"] == "trades" for row in m["data"]]


def test_bars_are_exactly_the_fold_of_the_trades(open_wire, user):
    wire = open_wire(coins=("BTC",), user_rate=2.0)
    number = wire.connect()
    wire.subscribe(number, "orderUpdates", user=user)
    wire.subscribe(number, "trades", coin="BTC")
    rows = trades_of(wire.run(3 * 3600.0))

    for interval in ("1m", "3m", "5m", "15m", "30m", "1h"):
        folded: dict[int, list] = {}
        for row in rows:
            folded.setdefault(opening(row["time"], interval), []).append(row)
        start = int(wire.now * 1000) - 2 * 3600_000
        req = {"coin": "BTC", "interval": interval, "startTime": start}
        bars = wire.info("candleSnapshot", req=req)
        assert len(bars) >= 2
        for bar in bars:
            inside = folded[bar["t"]]
            prices = [Decimal(row["px"]) for row in inside]
            assert Decimal(bar["o"]) == prices[0]
            assert Decimal(bar["c"]) == prices[-1]
            assert Decimal(bar["h"]) == max(prices)
            assert Decimal(bar["l"]) == min(prices)
            assert Decimal(bar["v"]) == sum(Decimal(row["sz"]) for row in inside)
            assert bar["n"] == len(inside)
            assert bar["T"] == bar["t"] + INTERVALS[interval] - 1


def test_the_streamed_bar_and_the_rest_bar_are_the_same(wire):
    number = wire.connect()
    wire.subscribe(number, "candle", coin="BTC", interval="15m")
    last = {m["data"]["t"]: m["data"] for m in wire.run(3600.0)}

    bars = wire.info(
        "candleSnapshot",
        req={
            "coin": "BTC",
            "interval": "15m",
            "startTime": min(last),
            "endTime": max(last),
        },
    )

    assert bars == [last[t] for t in sorted(last)]


def test_drawn_minutes_fold_to_the_drawn_hours(wire):
    end = int(wire.now * 1000) // 3_600_000 * 3_600_000
    asked = {"coin": "ETH", "startTime": end - 6 * 3_600_000, "endTime": end - 1}
    minutes = wire.info("candleSnapshot", req={**asked, "interval": "1m"})
    hours = wire.info("candleSnapshot", req={**asked, "interval": "1h"})

    assert len(hours) == 6
    for hour in hours:
        inside = [bar for bar in minutes if opening(bar["t"], "1h") == hour["t"]]
        assert sum(Decimal(bar["v"]) for bar in inside) == Decimal(hour["v"])
        assert sum(bar["n"] for bar in inside) == hour["n"]
        assert max(Decimal(bar["h"]) for bar in inside) == Decimal(hour["h"])
        assert inside[0]["o"] == hour["o"]
        assert inside[-1]["c"] == hour["c"]


def test_trades_print_at_the_touch(wire):
    market = wire.exchange.market.coins["BTC"]
    inside = []
    for _ in range(2000):
        bid, ask = market.book.bids[0][0], market.book.asks[0][0]
        deepest = (market.book.bids[3][0], market.book.asks[3][0])
        before = len(wire.exchange.ledger.stream("trades:BTC"))
        block = market.next_event
        wire.exchange.advance(block / 1000 + 0.1)
        if len(wire.exchange.ledger.stream("trades:BTC")) == before + 1:
            row = market.recent[-1]
            price = int(Decimal(row["px"]))
            inside.append(deepest[0] <= price <= deepest[1])
            assert price in {bid, ask} or price > deepest[0]

    assert len(inside) > 100
    assert all(inside)


def test_the_mid_is_the_mean_of_the_best_bid_and_ask(wire):
    wire.run(60.0)
    mids = wire.info("allMids")

    for coin, mid in mids.items():
        bids, asks = wire.info("l2Book", coin=coin)["levels"]
        assert Decimal(mid) == (Decimal(bids[0]["px"]) + Decimal(asks[0]["px"])) / 2
        assert Decimal(bids[0]["px"]) < Decimal(asks[0]["px"])


def test_prices_and_sizes_are_on_the_venues_grid(wire):
    wire.run(600.0)
    decimals = {row["name"]: row["szDecimals"] for row in wire.info("meta")["universe"]}

    for coin, sz_decimals in decimals.items():
        for side in wire.info("l2Book", coin=coin)["levels"]:
            for level in side:
                px, sz = (
                    Decimal(level["px"]).normalize(),
                    Decimal(level["sz"]).normalize(),
                )
                whole = px == px.to_integral_value()
                assert whole or len(px.as_tuple().digits) <= 5
                assert whole or -px.as_tuple().exponent <= 6 - sz_decimals
                assert -sz.as_tuple().exponent <= sz_decimals


def test_books_are_sorted_and_aggregation_keeps_the_volume(wire):
    wire.run(30.0)
    book = wire.exchange.market.coins["BTC"].book
    plain = wire.info("l2Book", coin="BTC", nSigFigs=2)
    bids, asks = plain["levels"]

    assert [level[0] for level in book.bids] == sorted(
        (b[0] for b in book.bids), reverse=True
    )
    assert [level[0] for level in book.asks] == sorted(a[0] for a in book.asks)
    assert (
        sum(Decimal(b["sz"]) for b in bids)
        == Decimal(sum(b[1] for b in book.bids)) / 10**5
    )
    assert plain["spread"] != ""
    assert Decimal(asks[0]["px"]) % 1000 == 0


def test_prices_stay_at_home_for_a_day(open_wire):
    wire = open_wire(coins=("BTC",), trade_rate=0.5)
    wire.run(24 * 3600.0)

    bars = wire.info(
        "candleSnapshot",
        req={
            "coin": "BTC",
            "interval": "1h",
            "startTime": int(wire.now - 86400) * 1000,
        },
    )

    assert all(40_000 < Decimal(bar["l"]) <= Decimal(bar["h"]) < 99_999 for bar in bars)


def test_a_silent_market_never_trades(open_wire):
    wire = open_wire(trade_rate=0.0)
    number = wire.connect()
    wire.subscribe(number, "trades", coin="BTC")
    wire.subscribe(number, "allMids")

    seen = wire.run(600.0)

    assert {m["channel"] for m in seen} == {"allMids"}
    assert wire.exchange.ledger.stream("trades:BTC") == []


def test_flat_bars_appear_late_and_only_over_rest(open_wire):
    wire = open_wire(
        coins=("PURR/USDC",), trade_rate=0.005, flat_bars_after=90.0, idle_close=0.0
    )
    number = wire.connect()
    wire.subscribe(number, "candle", coin="PURR/USDC", interval="1m")
    streamed = {m["data"]["t"] for m in wire.run(3600.0)}

    bars = wire.info(
        "candleSnapshot",
        req={"coin": "PURR/USDC", "interval": "1m", "startTime": min(streamed)},
    )
    flat = [bar for bar in bars if bar["n"] == 0]

    assert flat
    assert all(bar["o"] == bar["c"] and bar["v"] == "0.0" for bar in flat)
    assert not {bar["t"] for bar in flat} & streamed
    assert [b["t"] for b in bars] == list(
        range(bars[0]["t"], bars[-1]["t"] + 1, 60_000)
    )


def test_frames_are_the_venues_json(wire):
    number = wire.connect()
    wire.send(
        number, {"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}}
    )
    [_, bbo] = wire.take()

    data = json.loads(bbo.frame)["data"]

    assert list(data) == ["coin", "time", "bbo"]
    assert all(list(level) == ["px", "sz", "n"] for level in data["bbo"])
    assert data["time"] % 100 == 0
