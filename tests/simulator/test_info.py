from __future__ import annotations

import pytest

from bistoury.simulator import Limits
from bistoury.simulator.ledger import fill_key, funding_key, ledger_key

HOUR = 3_600_000


def status_of(wire, **body):
    return wire.exchange.info(body, wire.now)


def test_fills_over_rest_are_what_was_published(open_wire, user):
    wire = open_wire(user_rate=2.0)
    wire.info("userRole", user=user)
    wire.run(600.0)

    rows = wire.info("userFillsByTime", user=user, startTime=0)
    published = wire.exchange.ledger.stream(f"userFills:{user}")

    assert len(rows) > 100
    assert sorted(fill_key(row) for row in rows) == sorted(key for _, key in published)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert wire.info("userFills", user=user)[0] in rows[-4:]


def test_fills_by_time_include_both_ends_and_page_without_loss(open_wire, user):
    wire = open_wire(user_rate=20.0, limits=Limits.none())
    wire.info("userRole", user=user)
    wire.run(600.0)
    seen: dict[str, None] = {}
    start = 0
    pages = 0
    while True:
        page = wire.info("userFillsByTime", user=user, startTime=start)
        fresh = [key for key in map(fill_key, page) if key not in seen]
        seen |= dict.fromkeys(fresh)
        pages += 1
        if not fresh:
            break
        start = page[-1]["time"]

    published = [key for _, key in wire.exchange.ledger.stream(f"userFills:{user}")]
    assert pages > 2
    assert set(seen) == set(published)


def test_fundings_and_ledger_rows_over_rest_are_what_was_published(open_wire, user):
    wire = open_wire(user_rate=0.5)
    wire.info("userRole", user=user)
    wire.run(3 * 3600.0)

    fundings = wire.info("userFunding", user=user, startTime=0)
    rows = wire.info("userNonFundingLedgerUpdates", user=user, startTime=0)

    ledger = wire.exchange.ledger
    keys = [
        funding_key({"time": r["time"], "coin": r["delta"]["coin"]}) for r in fundings
    ]
    assert keys == [key for _, key in ledger.stream(f"userFundings:{user}")]
    assert len({row["time"] for row in fundings}) == 4
    published = [key for _, key in ledger.stream(f"userNonFundingLedgerUpdates:{user}")]
    assert [ledger_key(row) for row in rows] == published


def test_funding_is_paid_at_the_rate_that_the_history_shows(open_wire, user):
    wire = open_wire(user_rate=0.5)
    wire.info("userRole", user=user)
    wire.run(2 * 3600.0)
    paid = [
        r for r in wire.info("userFunding", user=user) if r["delta"]["coin"] == "BTC"
    ]

    history = wire.info("fundingHistory", coin="BTC", startTime=paid[0]["time"])
    rates = {row["time"]: row["fundingRate"] for row in history}

    assert paid
    assert all(rates[row["time"]] == row["delta"]["fundingRate"] for row in paid)


def test_every_fill_of_a_user_is_also_a_public_trade(open_wire, user):
    wire = open_wire(user_rate=2.0)
    number = wire.connect()
    wire.subscribe(number, "userFills", user=user)
    for coin in wire.exchange.market.coins:
        wire.subscribe(number, "trades", coin=coin)
    seen = wire.run(300.0)
    trades = {r["tid"]: r for m in seen if m["channel"] == "trades" for r in m["data"]}
    fills = [
        r
        for m in seen
        if m["channel"] == "userFills"
        for r in m["data"]["fills"]
        if r["tid"]
    ]

    assert len(fills) > 20
    for fill in fills:
        trade = trades[fill["tid"]]
        assert (trade["px"], trade["sz"], trade["time"]) == (
            fill["px"],
            fill["sz"],
            fill["time"],
        )
        assert user in trade["users"]


def test_rest_trails_the_stream_by_the_lag(open_wire, user):
    wire = open_wire(history_lag=5.0)
    wire.info("userRole", user=user)
    wire.exchange.act(user, "cross", "BTC", wire.now)
    [oid] = {
        r["oid"]
        for r in wire.exchange.users.account(user, 0).fills
        if r["time"] >= wire.now * 1000 - 1
    }

    def known():
        return oid in {
            r["oid"] for r in wire.info("userFillsByTime", user=user, startTime=0)
        }

    early = known()
    wire.run(4.9)
    still = known()
    wire.run(0.2)

    assert (early, still, known()) == (False, False, True)
    assert oid in {r["order"]["oid"] for r in wire.info("historicalOrders", user=user)}


def test_order_states_agree_everywhere(open_wire, user):
    wire = open_wire(user_rate=2.0, limits=Limits.none())
    wire.info("userRole", user=user)
    wire.run(300.0)

    history = wire.info("historicalOrders", user=user)
    still = {row["order"]["oid"] for row in history if row["status"] == "open"}
    listed = [
        row
        for dex in ("", "xyz")
        for row in wire.info("openOrders", user=user, dex=dex)
    ]

    assert {row["oid"] for row in listed} == still
    times = [row["statusTimestamp"] for row in history]
    assert times == sorted(times, reverse=True)
    status = wire.info("orderStatus", user=user, oid=history[0]["order"]["oid"])
    assert status == {"status": "order", "order": history[0]}
    assert wire.info("orderStatus", user=user, oid=1) == {"status": "unknownOid"}


def test_dust_has_tid_zero_and_no_hash(open_wire, user):
    wire = open_wire()
    wire.info("userRole", user=user)
    for _ in range(40):
        wire.exchange.act(user, "dust", "@107", wire.now)
        wire.run(1.0)

    fills = wire.info("userFillsByTime", user=user, startTime=0)
    dust = [row for row in fills if row["dir"] == "Spot Dust Conversion"]

    assert dust
    assert {(row["tid"], row["hash"]) for row in dust} == {(0, "0x" + "0" * 64)}


def test_a_liquidation_is_told_in_every_feed(wire, user):
    number = wire.connect()
    wire.subscribe(number, "userEvents", user=user)
    wire.exchange.act(user, "cross", "BTC", wire.now)
    wire.exchange.act(user, "be_liquidated", "BTC", wire.now)
    kinds = {next(iter(m["data"])) for m in wire.read()}

    rows = wire.info("userNonFundingLedgerUpdates", user=user)

    assert "liquidation" in kinds
    assert rows[-1]["delta"]["type"] == "liquidation"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "nope"}, 422),
        ({}, 422),
        ({"type": "l2Book"}, 422),
        ({"type": "l2Book", "coin": "BTC", "nSigFigs": 9}, 422),
        ({"type": "userFills", "user": "0x12"}, 422),
        ({"type": "userFillsByTime", "user": "0x" + "1" * 40}, 422),
        (
            {
                "type": "candleSnapshot",
                "req": {"coin": "BTC", "interval": "9m", "startTime": 0},
            },
            422,
        ),
        ({"type": "meta", "dex": "nope"}, 422),
    ],
)
def test_a_bad_body_is_a_422_with_the_venues_text(wire, body, status):
    answer = wire.exchange.info(body, wire.now)

    assert answer == (
        status,
        "Failed to deserialize the JSON body into the target type",
    )


def test_the_book_of_an_unknown_coin_is_null(wire):
    assert wire.info("l2Book", coin="NOPE") is None


def test_weight_is_spent_and_comes_back_after_a_minute(wire):
    statuses = [status_of(wire, type="meta")[0] for _ in range(61)]
    wire.run(60.1)

    assert statuses == [200] * 60 + [429]
    assert status_of(wire, type="meta")[0] == 200


def test_rows_cost_extra_weight(open_wire):
    wire = open_wire(limits=Limits(rest_weight_per_minute=130))
    wire.run(30.0)
    req = {"coin": "BTC", "interval": "1m", "startTime": 0}

    bars = wire.info("candleSnapshot", req=req)

    assert len(bars) == 5000
    assert status_of(wire, type="allMids")[0] == 200
    assert status_of(wire, type="meta") == (
        200,
        wire.exchange.info({"type": "meta"}, wire.now + 61)[1],
    )


def test_a_snapshot_has_the_bar_that_contains_the_start(wire):
    end = int(wire.now * 1000)
    start = end // HOUR * HOUR - 3 * HOUR + 1234

    bars = wire.info(
        "candleSnapshot",
        req={"coin": "BTC", "interval": "1h", "startTime": start, "endTime": end},
    )

    assert bars[0]["t"] == start - 1234
    assert [bar["t"] for bar in bars] == [bars[0]["t"] + n * HOUR for n in range(4)]


def test_recent_trades_are_newest_first(wire):
    wire.run(60.0)
    rows = wire.info("recentTrades", coin="BTC")

    published = wire.exchange.ledger.stream("trades:BTC")[-30:]
    assert [row["time"] for row in rows] == [time for time, _ in reversed(published)]


def test_meta_and_contexts_have_the_same_places(wire):
    meta, ctxs = wire.info("metaAndAssetCtxs")
    dex_meta, dex_ctxs = wire.info("metaAndAssetCtxs", dex="xyz")
    spot, spot_ctxs = wire.info("spotMetaAndAssetCtxs")

    assert [row["name"] for row in meta["universe"]] == ["BTC", "ETH"]
    assert len(ctxs) == 2
    assert [row["name"] for row in dex_meta["universe"]] == ["xyz:NVDA"]
    assert len(dex_ctxs) == 1
    assert {row["name"] for row in spot["universe"]} == {
        ctx["coin"] for ctx in spot_ctxs
    }
    assert [row["index"] for row in spot["tokens"]] == list(range(len(spot["tokens"])))
    assert wire.info("perpDexs")[1]["name"] == "xyz"


def test_only_named_users_exist_when_they_are_named(open_wire, user):
    wire = open_wire(users=(user,))
    stranger = "0x" + "cd" * 20

    assert wire.info("userRole", user=stranger) == {"role": "missing"}
    assert wire.info("userFills", user=stranger) == []
    assert wire.info("userFills", user=user) != []


def test_account_value_is_raw_usd_plus_positions_at_mark(open_wire, user):
    wire = open_wire(user_rate=2.0)
    wire.info("userRole", user=user)
    wire.run(300.0)
    state = wire.info("clearinghouseState", user=user)
    signed = 0.0
    for row in state["assetPositions"]:
        position = row["position"]
        value = float(position["positionValue"])
        signed += value if float(position["szi"]) > 0 else -value

    summary = state["marginSummary"]
    assert state["assetPositions"]
    assert float(summary["accountValue"]) == pytest.approx(
        float(summary["totalRawUsd"]) + signed
    )
