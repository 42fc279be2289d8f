"""Margins, to the last digit of recorded states."""

import json
from decimal import Decimal

import pytest

from bistoury.paper_trading import margin
from bistoury.paper_trading.accounts import Account, Position
from bistoury.paper_trading.numbers import truncated
from bistoury.paper_trading.universe import Universe

D = Decimal


def universe(**leverages):
    rows = [
        {"name": name, "szDecimals": places, "maxLeverage": leverage}
        for name, (places, leverage) in leverages.items()
    ]
    return Universe.from_meta({"universe": rows, "marginTables": []})


def state_of(samples, source):
    rows = json.loads((samples / "rest_clearinghouseState.json").read_text())
    return next(it["message"] for it in rows if it["source"] == source)


@pytest.fixture
def recorded(samples):
    """The recorded account with one position, and its fills."""
    state = state_of(samples, "roq:get_clearing_house_state_ack/simple")
    held = state["assetPositions"][0]["position"]
    account = Account("main", raw_usd=D(state["marginSummary"]["totalRawUsd"]))
    # The two fills that made it: 0.0003 at 83959 and 0.00031 at 81623 (userFills).
    cost = D("0.0003") * 83959 + D("0.00031") * 81623
    position = Position("BTC", 1, D(held["szi"]), cost, leverage=20)
    account.positions["BTC"] = position
    marks = {"BTC": D(held["positionValue"]) / D(held["szi"])}
    return state, held, account, universe(BTC=(5, 40)), marks


def test_a_recorded_cross_account_is_reproduced(recorded):
    state, held, account, rules, marks = recorded
    whole = margin.cross(account, rules, marks)
    shown = state["crossMarginSummary"]
    assert truncated(whole.value) == D(shown["accountValue"])
    assert truncated(whole.notional) == D(shown["totalNtlPos"])
    assert truncated(whole.raw_usd) == D(shown["totalRawUsd"])
    assert (
        truncated(whole.initial) == D(shown["totalMarginUsed"]) == D(held["marginUsed"])
    )
    assert truncated(whole.maintenance) == D(state["crossMaintenanceMarginUsed"])
    assert truncated(whole.withdrawable) == D(state["withdrawable"])


def test_a_recorded_position_is_reproduced(recorded):
    _, held, account, rules, marks = recorded
    position = account.positions["BTC"]
    assert position.entry_px == D(held["entryPx"])
    unrealized = position.unrealized(marks["BTC"])
    assert unrealized == D(held["unrealizedPnl"])
    equity = unrealized / (position.entry_ntl / position.leverage)
    assert truncated(equity, 10) == D(held["returnOnEquity"])
    assert margin.liquidation_px(account, rules, position, marks) is None
    assert held["liquidationPx"] is None


def test_the_closing_fill_of_that_position_is_reproduced(recorded, samples):
    # userFills: 0.00057 of it sold at 73639 for -5.205696.
    account = recorded[2]
    entry = account.positions["BTC"].entry_px
    assert D("0.00057") * (D(73639) - entry) == D("-5.205696")


def test_a_negative_raw_balance_adds_up(samples):
    source = "nautilus:http_clearinghouse_state_negative_total_raw_usd.json"
    state = state_of(samples, source)
    shown = state["crossMarginSummary"]
    notional, raw = D(shown["totalNtlPos"]), D(shown["totalRawUsd"])
    # Its positions are not recorded; one long of that worth has the same sums.
    rules = universe(BTC=(5, 40))
    account = Account("main", raw_usd=raw)
    account.positions["BTC"] = Position("BTC", 1, D(1), notional, leverage=25)
    whole = margin.cross(account, rules, {"BTC": notional})
    assert whole.value == D(shown["accountValue"])
    assert truncated(whole.initial) == D(shown["totalMarginUsed"])
    # What may be withdrawn was reckoned without the tenth of the notional (fill-model).
    assert truncated(whole.free, 5) == truncated(D(state["withdrawable"]), 5)
    assert whole.withdrawable == 0


def test_recorded_positions_of_several_coins_are_reproduced(samples):
    state = state_of(samples, "python-sdk:test_get_user_state.yaml")
    for row in state["assetPositions"]:
        held = row["position"]
        value, szi = D(held["positionValue"]), D(held["szi"])
        mark = value / abs(szi)
        profit = D(held["unrealizedPnl"])
        # The cost is not recorded; profit and value determine it.
        cost = abs(szi * mark - profit)
        position = Position(held["coin"], 6, szi, cost, leverage=20)
        assert position.unrealized(mark) == profit
        assert truncated(value / 20) == D(held["marginUsed"])
        # The recording is of 2023, when the return was on the margin in use.
        return_on_margin = profit / D(held["marginUsed"])
        assert return_on_margin.quantize(D("1e-8")) == D(held["returnOnEquity"])


def test_a_recorded_room_to_trade_is_reproduced(samples):
    rows = json.loads((samples / "rest_activeAssetData.json").read_text())
    data = rows[0]["message"]
    most = D(data["availableToTrade"][0]) * data["leverage"]["value"]
    assert truncated(most / D(data["markPx"]), 2) == D(data["maxTradeSzs"][0])


def test_a_long_is_liquidated_where_value_and_maintenance_meet():
    rules = universe(HYPE=(2, 10))
    account = Account("main", raw_usd=D(1000) - D(100) * 40)
    account.positions["HYPE"] = held = Position("HYPE", 4, D(100), D(4000), leverage=10)
    px = margin.liquidation_px(account, rules, held, {"HYPE": D(40)})
    after = margin.cross(account, rules, {"HYPE": px})
    assert abs(after.value - after.maintenance) < D("1e-20")
    assert px < 40


def test_a_short_is_liquidated_above():
    rules = universe(HYPE=(2, 10))
    account = Account("main", raw_usd=D(1000) + D(100) * 40)
    account.positions["HYPE"] = held = Position(
        "HYPE", 4, D(-100), D(4000), leverage=10
    )
    px = margin.liquidation_px(account, rules, held, {"HYPE": D(40)})
    after = margin.cross(account, rules, {"HYPE": px})
    assert abs(after.value - after.maintenance) < D("1e-20")
    assert px > 40


def test_an_isolated_position_ends_with_its_own_margin():
    rules = universe(ISO=(2, 5))
    account = Account("main", raw_usd=D(1_000_000))
    held = Position("ISO", 4, D(10), D(400), raw_usd=D(80) - D(400), is_cross=False)
    account.positions["ISO"] = held
    px = margin.liquidation_px(account, rules, held, {"ISO": D(40)})
    size = held.szi * px
    assert abs(margin.isolated_value(held, px) - size / 10) < D("1e-20")
    # The cross account neither has its margin nor its notional.
    assert margin.cross(account, rules, {"ISO": D(40)}).notional == 0


def left(account, signed, px, mark="100"):
    rules, marks = universe(BTC=(5, 40)), {"BTC": D(mark)}
    return margin.free_after(account, rules, marks, "BTC", signed=D(signed), px=D(px))


def test_only_what_grows_needs_margin():
    account = Account("main", raw_usd=D(0))
    account.positions["BTC"] = Position("BTC", 1, D(2), D(200), leverage=20)
    # Worth 200, of which 10 are bound.
    assert left(account, -2, 100) is None
    assert left(account, 1, 100) == 190 - 5
    # What it takes to turn is free before it is needed again.
    assert left(account, -5, 100) == 200 - 15
    assert left(account, -5, 90) == 200 - 5 * 10 - 15


def test_what_is_bought_above_the_mark_has_lost_that_already():
    account = Account("main", raw_usd=D(1000))
    assert left(account, 100, 190) == 1000 - 100 * D(190) / 20 - 100 * 90
    assert left(account, -100, 190) == 1000 - 100 * D(190) / 20


def test_an_isolated_position_gives_back_what_it_is_worth_when_it_turns():
    account = Account("main", raw_usd=D(7))
    account.leverages["BTC"] = (20, False)
    account.positions["BTC"] = Position(
        "BTC", 1, D(1), D(100), raw_usd=D(-95), leverage=20, is_cross=False
    )
    assert left(account, -2, 97, "97") == 7 + 2 - D(97) / 20
