from __future__ import annotations

import pytest

from bistoury.errors import RequestError, StaleDataError
from bistoury.paper_trading.server.info import Info
from bistoury.paper_trading.server.wallets import Wallets

USER = "0x" + "ab" * 20
CLOID = "0x" + "0" * 31 + "7"


@pytest.fixture
def wallets(trader):
    return Wallets(trader, "10000")


@pytest.fixture
def info(trader, wallets):
    return Info(trader, wallets)


@pytest.fixture
async def traded(trader, wallets, orders):
    """An account that bought one BTC in two fills, and has two orders."""
    limit, trigger = orders
    wallets.opened(USER)

    async def place(*rows):
        action = {"type": "order", "orders": list(rows), "grouping": "na"}
        return await trader.act(action, account=USER)

    await place(limit(True, "102", "2", "Ioc"))
    await place(limit(True, "90", "1", cloid=CLOID))
    await place(trigger(False, "80", "1", "sl"))
    return trader.accounts[USER]


async def asked(info, kind, **body):
    status, answer = await info.answer({"type": kind, "user": USER, **body})
    assert status == 200, answer
    if isinstance(answer, dict):
        # Whatever it is about, it says that it is not the real account's.
        assert answer.pop("paper") is True
    return answer


async def test_an_address_nobody_traded_with_has_what_it_would_begin_with(info, trader):
    state = await asked(info, "clearinghouseState", dex="")

    assert state["marginSummary"]["accountValue"] == "10000.0"
    assert state["assetPositions"] == []
    assert await asked(info, "userRole") == {"role": "missing"}
    assert USER not in trader.accounts


async def test_the_state_shows_positions_of_the_dex_that_was_asked_for(info, traded):
    state = await asked(info, "clearinghouseState")
    [held] = state["assetPositions"]

    assert held["position"]["coin"] == "BTC"
    assert held["position"]["szi"] == "2.0"
    assert (await asked(info, "clearinghouseState", dex="xyz"))["assetPositions"] == []
    assert await asked(info, "userRole") == {"role": "user"}


async def test_fills_are_newest_first_and_by_time_oldest_first(info, traded):
    newest = await asked(info, "userFills")
    times = [fill["px"] for fill in newest]

    assert times == ["102.0", "101.0"]
    by_time = await asked(info, "userFillsByTime", startTime=0)
    assert by_time == newest[::-1]
    turned = await asked(info, "userFillsByTime", startTime=0, reversed=True)
    assert turned == newest
    time = newest[0]["time"]
    assert await asked(info, "userFillsByTime", startTime=time + 1) == []
    assert await asked(info, "userFillsByTime", startTime=0, endTime=time - 1) == []
    same = await asked(info, "userFillsByTime", startTime=time, endTime=time)
    assert same == by_time


async def test_fills_of_one_moment_can_be_joined(info, traded):
    parts = await asked(info, "userFills")
    [whole] = await asked(info, "userFills", aggregateByTime=True)

    assert whole["sz"] == "2.0"
    assert whole["px"] == "101.5"
    fees = [float(it["fee"]) for it in parts]
    assert float(whole["fee"]) == pytest.approx(sum(fees), abs=1e-9)


async def test_orders_are_listed_as_the_venue_does(info, traded):
    plain = await asked(info, "openOrders")
    frontend = await asked(info, "frontendOpenOrders")

    assert [it["limitPx"] for it in plain] == ["90.0", "80.0"]
    assert [it["orderType"] for it in frontend] == ["Limit", "Stop Market"]
    assert await asked(info, "openOrders", dex="xyz") == []
    history = await asked(info, "historicalOrders")
    assert {it["status"] for it in history} == {"open", "filled"}
    stamps = [it["statusTimestamp"] for it in history]
    assert stamps == sorted(stamps, reverse=True)


async def test_an_order_is_found_by_number_and_by_cloid(info, traded):
    by_cloid = await asked(info, "orderStatus", oid=CLOID.upper().replace("X", "x"))
    oid = by_cloid["order"]["order"]["oid"]

    assert by_cloid["status"] == "order"
    assert await asked(info, "orderStatus", oid=oid) == by_cloid
    assert await asked(info, "orderStatus", oid=999) == {"status": "unknownOid"}


async def test_what_can_be_traded_follows_from_leverage_and_mark(info, traded):
    data = await asked(info, "activeAssetData", coin="BTC")

    assert data["leverage"] == {"type": "cross", "value": 20}
    assert data["markPx"] == "100.0"
    free = float(data["availableToTrade"][0])
    assert float(data["maxTradeSzs"][0]) == pytest.approx(free * 20 / 100, abs=1e-5)


async def test_fees_limits_and_the_portfolio_are_the_accounts_own(info, traded):
    fees = await asked(info, "userFees")
    assert (fees["userCrossRate"], fees["userAddRate"]) == ("0.00045", "0.00015")
    limit = await asked(info, "userRateLimit")
    assert limit["cumVlm"] == "203.0"
    assert limit["nRequestsCap"] == 10_203
    spans = dict(await asked(info, "portfolio"))
    state = await asked(info, "clearinghouseState")
    value = state["marginSummary"]["accountValue"]
    assert spans["day"]["accountValueHistory"][0][1] == value
    web = await asked(info, "webData2")
    assert web["clearinghouseState"] == {**state, "paper": True}
    assert len(web["openOrders"]) == 2


async def test_twaps_and_their_slices_are_listed(info, trader, wallets):
    wallets.opened(USER)
    twap = {"a": 0, "b": True, "s": "2", "r": False, "m": 5, "t": False}
    answer = await trader.act({"type": "twapOrder", "twap": twap}, account=USER)
    assert "running" in answer["response"]["data"]["status"]
    for _ in range(10):
        trader.pass_time()

    [entry] = await asked(info, "twapHistory")
    assert entry["status"] == {"status": "activated"}
    assert entry["state"]["minutes"] == 5
    [part] = await asked(info, "userTwapSliceFills")
    assert part["twapId"] == entry["twapId"]
    time = part["fill"]["time"]
    sliced = await asked(info, "userTwapSliceFillsByTime", startTime=time)
    assert sliced == [part]
    assert await asked(info, "userTwapSliceFillsByTime", startTime=time + 1) == []


async def test_funding_is_listed_as_the_venue_does(info, trader, traded):
    trader.pass_an_hour(oracle="98", funding="0.0001")

    [row] = await asked(info, "userFunding", startTime=0)
    assert row["delta"]["type"] == "funding"
    assert row["delta"]["coin"] == "BTC"
    assert row["delta"]["usdc"] == "-0.0196"
    assert await asked(info, "userFunding", startTime=row["time"] + 1) == []


async def test_agents_are_told_apart_from_users(info, trader, wallets):
    agent = "0x" + "cd" * 20
    account = wallets.opened(USER)
    approval = {"type": "approveAgent", "agentAddress": agent, "agentName": "bot"}
    await trader.act(approval, account=account.name)

    assert await asked(info, "extraAgents") == [
        {"name": "bot", "address": agent, "validUntil": 0}
    ]
    role = await asked(info, "userRole", user=agent)
    assert role == {"role": "agent", "data": {"user": USER}}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("spotClearinghouseState", {"balances": []}),
        ("subAccounts", None),
        ("userNonFundingLedgerUpdates", []),
        ("delegations", []),
    ],
)
async def test_what_a_paper_account_cannot_have_is_empty(info, kind, answer):
    assert await asked(info, kind) == answer


async def test_what_is_about_a_user_never_goes_to_the_venue(info, trader):
    for kind in ("userFills", "subAccounts", "somethingNew"):
        await info.answer({"type": kind, "user": USER})

    assert trader.asked == []


async def test_what_is_about_markets_is_the_venues_answer(info, trader):
    trader.answers = {"allMids": {"BTC": "100.0"}, "l2Book": None}

    assert await info.answer({"type": "allMids"}) == (200, {"BTC": "100.0"})
    assert await info.answer({"type": "l2Book", "coin": "NO"}) == (200, None)
    await info.answer({"type": "allMids"})
    assert len(trader.asked) == 3


async def test_what_every_bot_asks_first_is_kept_for_a_while(info, trader, monkeypatch):
    trader.answers = {"meta": {"universe": []}}
    for dex in ("", None, "xyz"):
        assert (await info.answer({"type": "meta", "dex": dex}))[0] == 200
    assert len(trader.asked) == 2

    later = info._kept["meta", ""][0] + 61
    monkeypatch.setattr("time.monotonic", lambda: later)
    await info.answer({"type": "meta"})
    assert len(trader.asked) == 3


async def test_a_refusal_of_the_venue_is_passed_on(info, trader):
    trader.answers = {
        "l2Book": RequestError("l2Book", "no", 422),
        "meta": RequestError("meta", "no answer came"),
    }

    assert (await info.answer({"type": "l2Book"}))[0] == 422
    assert (await info.answer({"type": "meta"}))[0] == 503


async def test_before_anything_was_heard_that_is_said(info, monkeypatch):
    def nothing(_):
        raise StaleDataError("the market", None, 5.0)

    monkeypatch.setattr(type(info._trader), "venue", property(nothing))
    status, answer = await info.answer({"type": "openOrders", "user": USER})

    assert status == 503
    assert answer.startswith("Paper:")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"type": 5},
        {"type": "userFills"},
        {"type": "userFills", "user": "0x12"},
        {"type": "somethingNew", "user": USER},
        {"type": "orderStatus", "user": USER},
        {"type": "orderStatus", "user": USER, "oid": True},
        {"type": "openOrders", "user": USER, "dex": 5},
        {"type": "userFillsByTime", "user": USER, "startTime": "yesterday"},
        {"type": "activeAssetData", "user": USER, "coin": "NO"},
    ],
)
async def test_what_is_no_question_is_refused_as_the_venue_does(info, body):
    status, answer = await info.answer(body)

    assert status == 422
    assert answer.startswith("Failed to deserialize the JSON body into the target type")
