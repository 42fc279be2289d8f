"""Time-weighted orders."""

from decimal import Decimal

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.server import rows

D = Decimal


def twap(sz="10", minutes=5, is_buy=True, randomize=False):
    row = {"a": 0, "b": is_buy, "s": sz, "r": False, "m": minutes, "t": randomize}
    return {"type": "twapOrder", "twap": row}


def run(market, until, start=0, step=500, quiet=()):
    for at in range(start + step, until, step):
        if not any(a <= at < b for a, b in quiet):
            market.bbo(at, ("99", "50"), ("101", "50"))


def test_ten_slices_in_five_minutes(market):
    number = market.act(10, twap())
    run(market, 320_000)
    assert market.answers[number]["response"] == {
        "type": "twapOrder",
        "data": {"status": {"running": {"twapId": 1}}},
    }
    assert [it.sz for it in market.fills] == [D(1)] * 10
    assert all(it.twap_id == 1 for it in market.fills)
    gaps = [
        b.time - a.time for a, b in zip(market.fills, market.fills[1:], strict=False)
    ]
    assert all(29_000 <= it <= 31_000 for it in gaps)
    assert market.of(said.TwapChanged)[-1].status == "finished"


def test_missed_slices_are_caught_up_by_three_at_most(market):
    market.act(10, twap())
    run(market, 320_000, quiet=[(40_000, 170_000)])
    sizes = [it.sz for it in market.fills]
    assert max(sizes) == 3
    assert sum(sizes) == 10


def test_sizes_vary_when_they_shall(begun):
    stories = []
    for _ in range(2):
        market = begun(seed=3)
        market.act(10, twap(randomize=True))
        run(market, 320_000)
        stories.append([it.sz for it in market.fills])
    assert stories[0] == stories[1]
    assert len(set(stories[0])) > 3


def test_a_twap_can_be_ended(market):
    market.act(10, twap())
    run(market, 65_000)
    number = market.act(65_100, {"type": "twapCancel", "a": 0, "t": 1})
    run(market, 320_000, start=65_500)
    assert market.answers[number]["response"]["data"] == {"status": "success"}
    assert len(market.fills) == 3
    assert market.of(said.TwapChanged)[-1].status == "terminated"


@pytest.mark.parametrize(
    ("action", "part"),
    [
        (twap(minutes=4), "duration"),
        (twap(sz="0.5"), "too small"),
        (twap(sz="1.0000001"), "size"),
    ],
)
def test_what_is_too_short_or_too_small_is_refused(market, action, part):
    number = market.act(10, action)
    run(market, 2000)
    assert part in market.answers[number]["response"]["data"]["status"]["error"]


def test_a_slice_pays_three_percent_at_most(market):
    market.act(10, twap())
    for at in range(500, 40_000, 500):
        market.bbo(at, ("99", "1"), ("110", "50"))
    assert market.fills == []


def test_a_slice_buys_no_more_than_the_account_can_carry(market):
    market.act(10, twap(sz="400000"))
    for at in range(500, 100_000, 500):
        market.bbo(at, ("99", "900000"), ("101", "900000"))
    assert market.fills == []
    refused = market.of(said.Rejected)
    assert {it.reason for it in refused} == {
        "Insufficient margin to place order. asset=0"
    }
    assert {it.order.twap_id for it in refused} == {1}


def test_a_twap_that_may_only_reduce_opens_nothing(market):
    action = twap()
    action["twap"]["r"] = True
    market.act(10, action)
    run(market, 100_000)
    assert market.fills == []
    assert market.of(said.Rejected)[0].order.status == "reduceOnlyRejected"


def test_a_slice_may_be_worth_less_than_an_order(market):
    market.act(10, twap(sz="1", minutes=30))
    run(market, 100_000)
    assert market.fills[0].sz * 101 < 10


def test_an_account_that_begins_anew_has_no_twap(market):
    market.act(10, twap())
    run(market, 40_000)
    market.send(41_000, "paper:open", {"account": "main", "cash": "500"})
    run(market, 200_000, start=41_000)
    assert market.account().positions == {}
    assert market.of(said.TwapChanged)[-1].status == "terminated"


@pytest.mark.parametrize("seed", range(4))
def test_all_of_it_is_done_however_the_sizes_vary(begun, seed):
    market = begun(seed=seed)
    market.act(10, twap(randomize=True))
    run(market, 320_000)
    assert market.of(said.TwapChanged)[-1].status == "finished"
    assert market.account().positions["BTC"].szi == 10


def test_slices_that_had_to_wait_do_no_more_than_is_left(begun):
    market = begun(max_data_age=600.0, max_level_age=600.0)
    market.act(10, twap())
    market.pass_time(290_000)
    market.bbo(295_000, ("99", "500"), ("101", "500"))
    market.pass_time(400_000)
    assert market.account().positions["BTC"].szi == 10


def test_a_twap_of_which_nothing_could_be_done_ends_in_an_error(market):
    market.act(10, twap(sz="400000"))
    run(market, 320_000)
    assert market.fills == []
    last = market.of(said.TwapChanged)[-1]
    assert last.status == "error"
    assert rows.twap_entry(last)["status"] == {
        "status": "error",
        "description": "Insufficient margin to place order. asset=0",
    }
