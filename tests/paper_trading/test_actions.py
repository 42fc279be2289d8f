"""Actions and their answers, in the venue's words and shapes."""

import json
from decimal import Decimal

import pytest

from bistoury.paper_trading import accounts
from bistoury.paper_trading import events as said
from bistoury.paper_trading.commands import BROKEN
from bistoury.paper_trading.placing import Placing

D = Decimal


def answered(market, number, at=1000):
    market.bbo(at, ("99", "1"), ("101", "1"))
    market.pass_time(at + 500)
    return market.answers[number]


def texts(samples):
    """Return every error of a recorded answer to an order or a cancel."""
    found = set()
    for row in json.loads((samples / "rest_exchange_responses.json").read_text()):
        response = row["message"].get("response")
        if isinstance(response, dict) and isinstance(response.get("data"), dict):
            for status in response["data"]["statuses"]:
                if isinstance(status, dict) and "error" in status:
                    found.add(status["error"].partition(" asset=")[0])
    return found


REFUSED = [
    ("tick", ("100.123456", "1"), {}, "Price must be divisible by tick size. asset=0"),
    ("lot", ("100", "0.0000001"), {}, "Order has invalid size. asset=0"),
    ("nothing", ("100", "0"), {}, "Order has zero size. asset=0"),
    ("negative", ("100", "-1"), {}, "Order has invalid size. asset=0"),
    ("free", ("0", "1"), {}, "Order has invalid price. asset=0"),
    ("small", ("99", "0.1"), {}, "Order must have minimum value of $10. asset=0"),
    (
        "far",
        ("4", "5"),
        {},
        "Order price cannot be more than 95% away from the reference price",
    ),
    ("margin", ("100", "3000"), {}, "Insufficient margin to place order. asset=0"),
    ("value", ("100", "9000000"), {}, "Order value too large. Max is $300000000."),
    (
        "reduce",
        ("100", "1"),
        {"reduce_only": True},
        "Reduce only order would increase position. asset=0",
    ),
    (
        "alo",
        ("101", "1"),
        {"tif": "Alo"},
        "Post only order would have immediately matched, bbo was 99.0@101.0. asset=0",
    ),
    (
        "ioc",
        ("100", "1"),
        {"tif": "Ioc"},
        "Order could not immediately match against any resting orders. asset=0",
    ),
]


@pytest.mark.parametrize(
    ("px_sz", "more", "text"), [it[1:] for it in REFUSED], ids=[it[0] for it in REFUSED]
)
def test_an_order_is_refused_in_the_venues_words(market, orders, px_sz, more, text):
    limit, _ = orders
    number = market.order(10, limit(True, *px_sz, **more))
    assert answered(market, number)["response"]["data"]["statuses"] == [{"error": text}]
    (refused,) = market.of(said.Rejected)
    assert refused.reason == text
    assert refused.order.status.lower().endswith(("rejected",))


def test_every_recorded_refusal_can_be_met(samples):
    ours = {it[3].partition(" asset=")[0] for it in REFUSED}
    ours |= {
        "Order was never placed, already canceled, or filled.",
        "Attempted to modify to invalid new order",
    }
    assert texts(samples) <= ours


def test_answers_have_the_recorded_shape(market, orders):
    limit, _ = orders
    cloid = "0x000300511abd579f000001000000007b"
    number = market.order(
        10, limit(True, "90", "1", cloid=cloid), limit(True, "101", "0.5")
    )
    answer = answered(market, number)
    assert answer == {
        "status": "ok",
        "response": {
            "type": "order",
            "data": {
                "statuses": [
                    {"resting": {"oid": 1, "cloid": cloid}},
                    {"filled": {"totalSz": "0.5", "avgPx": "101.0", "oid": 2}},
                ]
            },
        },
    }


def test_a_cancel_works_once(market, orders):
    limit, _ = orders
    number = market.order(10, limit(True, "90", "1"))
    answered(market, number)
    first = market.cancel(1600, 1)
    assert answered(market, first, 2000)["response"] == {
        "type": "cancel",
        "data": {"statuses": ["success"]},
    }
    second = market.cancel(2600, 1, 77)
    assert (
        answered(market, second, 3000)["response"]["data"]["statuses"]
        == [{"error": "Order was never placed, already canceled, or filled. asset=0"}]
        * 2
    )


def test_a_cancel_by_cloid_finds_its_order(market, orders):
    limit, _ = orders
    cloid = "0x" + "ab" * 16
    answered(market, market.order(10, limit(True, "90", "1", cloid=cloid)))
    action = {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": cloid}]}
    answer = answered(market, market.act(1600, action), 2000)
    assert answer["response"]["data"]["statuses"] == ["success"]
    assert market.account().order_by_cloid(cloid).status == "canceled"


def test_every_order_of_a_name_can_be_canceled_by_it(market, orders):
    limit, _ = orders
    cloid = "0x" + "ab" * 16
    market.book(5, [("9", "1")], [("11", "1")], coin="ETH")
    rows = [limit(True, px, "1", cloid=cloid) for px in ("90", "91")]
    rows.append(limit(True, "10", "1", asset=1, cloid=cloid))
    market.order(10, *rows)
    market.order(20, limit(True, "90.00001", "1", cloid=cloid))  # is refused
    market.book(200, [("9", "1")], [("11", "1")], coin="ETH")
    market.bbo(200, ("99", "1"), ("101", "1"))
    assert [it.status for it in market.account().orders.values()] == ["open"] * 3
    cancels = [{"asset": it, "cloid": cloid} for it in (0, 0, 0, 1)]
    number = market.act(300, {"type": "cancelByCloid", "cancels": cancels})
    market.book(500, [("9", "1")], [("11", "1")], coin="ETH")
    market.bbo(500, ("99", "1"), ("101", "1"))
    market.pass_time(600)
    first, second, none, other = market.statuses(number)
    assert [first, second, other] == ["success"] * 3
    assert "error" in none
    assert market.account().orders == {}


def test_a_cancel_can_lose_the_race(market, orders):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "99", "1")))
    number = market.cancel(1600, 1)
    market.trade(1650, "A", "98", "5")
    assert "error" in answered(market, number, 2000)["response"]["data"]["statuses"][0]
    assert [str(it.sz) for it in market.fills] == ["1"]


def test_a_cancel_of_the_same_block_beats_a_taker(begun, orders):
    limit, _ = orders
    market = begun(entry_latency="constant(0.05)", cancel_latency="constant(0.09)")
    market.order(10, limit(False, "100", "1"))
    market.bbo(90, ("99", "1"), ("101", "1"))
    # The block is of 100 ms: the taker arrives at 260, the cancel at 295.
    number = market.cancel(205, 1)
    market.order(210, limit(True, "101", "2", "Ioc"))
    market.bbo(300, ("99", "1"), ("101", "1"))
    market.pass_time(500)
    assert market.statuses(number) == ["success"]
    states = [
        it.order.status for it in market.of(said.OrderChanged) if it.order.oid == 1
    ]
    assert states[-1] == "canceled"


def modify(oid, order):
    return {"type": "batchModify", "modifies": [{"oid": oid, "order": order}]}


def test_a_change_makes_a_new_order_behind_the_queue(market, orders):
    limit, _ = orders
    cloid = "0x" + "cd" * 16
    answered(market, market.order(10, limit(True, "99", "1", cloid=cloid)))
    market.trade(1600, "A", "99", "0.8")
    number = market.act(1700, modify(1, limit(True, "99", "2")))
    answer = answered(market, number, 2000)
    assert answer["response"]["data"]["statuses"] == [
        {"resting": {"oid": 2, "cloid": cloid}}
    ]
    account = market.account()
    assert account.done[1].status == "canceled"
    assert account.order_by_cloid(cloid).oid == 2
    assert market.desk.coin("BTC").resting.entry(2).place.ahead == 1


@pytest.mark.parametrize(
    ("oid", "px", "text"),
    [
        (1, "100.123456", "Attempted to modify to invalid new order"),
        (9, "99", "Cannot modify canceled or filled order"),
    ],
)
def test_a_change_that_cannot_be_leaves_the_order_as_it_was(
    market, orders, oid, px, text
):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "99", "1")))
    number = market.act(1600, modify(oid, limit(True, px, "1")))
    assert answered(market, number, 2000)["response"]["data"]["statuses"] == [
        {"error": text}
    ]
    assert market.account().orders[1].is_live


def test_a_single_change_is_answered_with_nothing_but_done(market, orders):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "99", "1")))
    action = {"type": "modify", "oid": 1, "order": limit(True, "98", "1")}
    answer = answered(market, market.act(1600, action), 2000)
    assert answer == {"status": "ok", "response": {"type": "default"}}


def test_scheduled_cancels_end_everything_at_their_time(market, orders):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "90", "1"), limit(True, "91", "1")))
    due = market.desk.now + 10_000
    number = market.act(1600, {"type": "scheduleCancel", "time": due})
    assert answered(market, number, 2000)["response"] == {"type": "default"}
    assert len(market.account().orders) == 2
    market.pass_time(20_000)
    assert {it.status for it in market.account().done.values()} == {"scheduledCancel"}


def test_a_scheduled_cancel_is_taken_back_and_not_too_soon(market, orders):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "90", "1")))
    number = market.act(
        1600, {"type": "scheduleCancel", "time": market.desk.now + 4000}
    )
    assert answered(market, number, 2000)["status"] == "err"
    due = market.desk.now + 10_000
    market.act(2600, {"type": "scheduleCancel", "time": due})
    market.act(2700, {"type": "scheduleCancel"})
    market.pass_time(30_000)
    assert market.account().orders[1].is_live


def leverage(coin, value, is_cross=True):
    return {
        "type": "updateLeverage",
        "asset": coin,
        "isCross": is_cross,
        "leverage": value,
    }


def test_leverage_is_kept_to_what_the_coin_allows(market):
    assert answered(market, market.act(10, leverage(0, 40)))["status"] == "ok"
    assert market.account().leverages["BTC"] == (40, True)
    number = market.act(1600, leverage(0, 41))
    assert answered(market, number, 2000) == {
        "status": "err",
        "response": "Invalid leverage value",
    }
    number = market.act(2600, leverage(3, 2))
    text = "Cross margin is not allowed for this asset."
    assert answered(market, number, 3000) == {"status": "err", "response": text}
    number = market.act(3600, leverage(3, 2, False))
    assert answered(market, number, 4000)["status"] == "ok"


def test_an_isolated_position_gets_and_gives_margin(market, orders):
    limit, _ = orders
    answered(market, market.act(10, leverage(0, 10, False)))
    answered(market, market.order(1600, limit(True, "101", "1", "Ioc")), 2000)
    held = market.account().positions["BTC"]
    assert held.raw_usd == D("10.1") - D("101")
    action = {
        "type": "updateIsolatedMargin",
        "asset": 0,
        "isBuy": True,
        "ntli": 5_000_000,
    }
    assert answered(market, market.act(2600, action), 3000)["status"] == "ok"
    assert held.raw_usd == D("15.1") - D("101")
    action["ntli"] = -50_000_000
    assert answered(market, market.act(3600, action), 4000)["status"] == "err"


def test_a_nonce_is_done_once_and_answered_again(market, orders):
    limit, _ = orders
    first = market.order(10, limit(True, "90", "1"), nonce=5)
    early = market.order(20, limit(True, "90", "1"), nonce=5)
    assert "duplicate nonce" in market.answers[early]["response"]
    answer = answered(market, first)
    again = market.order(1600, limit(True, "90", "1"), nonce=5)
    assert market.answers[again] == answer
    market.bbo(2000, ("99", "1"), ("101", "1"))
    assert len(market.account().orders) == 1


def test_a_nonce_that_was_used_does_not_answer_for_another_order(market, orders):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "90", "1"), nonce=5))
    other = market.order(1600, limit(True, "90", "2"), nonce=5)
    assert market.answers[other] == {
        "status": "err",
        "response": "Invalid nonce: duplicate nonce 5",
    }


@pytest.mark.parametrize(
    ("action", "part"),
    [
        ({"type": "withdraw3"}, "not simulated on paper"),
        ({"type": None}, "not simulated on paper"),
        ("order", "not simulated on paper"),
        ({"type": "order", "orders": []}, "orders: a list"),
        ({"type": "order", "orders": [{"a": 0}]}, "t: either limit or trigger"),
        ({"type": "order", "orders": [1]}, "orders: a list"),
        (
            {"type": "cancel", "cancels": [{"a": 0, "o": "x"}]},
            "o: 'x' is no whole number",
        ),
        (
            {"type": "cancel", "cancels": [{"a": 10_107, "o": 1}]},
            "asset 10107 is not known",
        ),
        ({"type": "order", "orders": [{}], "grouping": "all"}, "grouping: one of"),
    ],
)
def test_what_cannot_be_read_says_where(market, action, part):
    number = market.act(10, action)
    assert market.answers[number]["status"] == "err"
    assert part in market.answers[number]["response"]


@pytest.mark.parametrize("size", ["1e400", "1e99999999999", "1." + "0" * 40 + "1"])
def test_no_number_is_too_large_to_be_refused(market, orders, size):
    limit, _ = orders
    number = market.order(10, limit(True, "90", size))
    assert "s: more digits" in market.answers[number]["response"] or (
        "s: not a finite" in market.answers[number]["response"]
    )
    time = {"type": "scheduleCancel", "time": 10**400}
    assert "64 bits" in market.answers[market.act(20, time)]["response"]


def test_a_nonce_that_was_forgotten_is_not_done_again(market, orders, monkeypatch):
    monkeypatch.setattr(accounts, "KEPT_NONCES", 2)
    for nonce in (5, 6, 7):
        market.act(10, {"type": "noop"}, nonce=nonce)
    market.pass_time(1000)
    again = market.act(1100, {"type": "noop"}, nonce=5)
    assert market.answers[again]["response"].startswith("Invalid nonce: 5 is older")
    assert market.account().forgotten == 5


def test_an_order_of_before_a_reset_is_not_placed_after_it(market, orders):
    limit, _ = orders
    number = market.order(10, limit(True, "102", "1", "Ioc"), nonce=3)
    market.send(20, "paper:open", {"account": "main", "cash": "500"})
    market.bbo(300, ("99", "1"), ("101", "1"))
    market.pass_time(1000)
    assert market.statuses(number) == [{"error": "Paper: the account began anew."}]
    assert market.fills == []


def test_a_cancel_of_before_a_reset_finds_nothing(market, orders):
    limit, _ = orders
    answered(market, market.order(10, limit(True, "90", "1")))
    oid = next(iter(market.account().orders))
    number = market.cancel(2000, oid)
    market.send(2010, "paper:open", {"account": "main", "cash": "500"})
    assert market.account().orders == {}
    before = len(market.of(said.OrderChanged))
    market.bbo(2300, ("99", "1"), ("101", "1"))
    market.pass_time(3000)
    assert "began anew" in market.statuses(number)[0]["error"]
    assert len(market.of(said.OrderChanged)) == before


def test_an_action_that_is_too_late_is_not_done(market, orders):
    limit, _ = orders
    # It would arrive a tenth of a second later.
    late = market.desk.now + 10 + 99
    number = market.order(10, limit(True, "90", "1"), expires_after=late)
    assert market.answers[number]["status"] == "err"
    answered(market, market.act(20, {"type": "noop"}))
    assert market.account().orders == {}
    in_time = market.desk.now + 100 + 101
    number = market.order(1600, limit(True, "90", "1"), expires_after=in_time)
    assert answered(market, number, 2000)["status"] == "ok"


def test_a_builder_gets_his_part(market, orders):
    limit, _ = orders
    action = {
        "type": "order",
        "orders": [limit(True, "101", "1", "Ioc")],
        "grouping": "na",
        "builder": {"b": "0x" + "0" * 40, "f": 10},
    }
    answered(market, market.act(10, action))
    (made,) = market.fills
    assert made.builder_fee == D("0.0101")
    assert made.fee == D("0.04545") + D("0.0101")


def test_what_breaks_is_answered_and_the_rest_is_done(
    market, orders, monkeypatch, caplog
):
    limit, _ = orders
    numbers = [market.order(at, limit(True, "99", "1")) for at in (10, 20)]
    execute = Placing.execute

    def broken(self, order, evidence):
        if order.oid == 1:
            raise ZeroDivisionError
        return execute(self, order, evidence)

    monkeypatch.setattr(Placing, "execute", broken)
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.pass_time(300)
    assert market.statuses(numbers[0]) == [{"error": BROKEN}]
    assert market.statuses(numbers[1]) == [{"resting": {"oid": 2}}]
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()
