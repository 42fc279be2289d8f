"""Reports, and the reasons of fills."""

from decimal import Decimal

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.report import explain, report
from bistoury.paper_trading.settings import PaperConfig

D = Decimal
START = 1_790_000_000_000


@pytest.fixture
def traded(market, orders):
    """A taker, a maker, funding, a gap, and a loss."""
    limit, _ = orders
    market.order(10, limit(True, "101", "1", "Ioc"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.order(210, limit(False, "102", "0.5"))
    market.bbo(400, ("99", "1"), ("101", "1"))
    market.trade(500, "B", "103", "9")
    market.mark(600, "90")
    market.gap(10_000, since=9_000)
    market.gap(20_000, "unrecoverable", since=9_000, until=20_000)
    market.bbo(21_000, ("99", "1"), ("101", "1"))
    market.pass_time(60_100)
    return market


def test_the_profit_adds_up(traded):
    told = report(traded.events, assumptions=traded.config.assumptions())
    assert told["paper"] is True
    parts = told["profit_from"]
    assert sum(parts.values(), D(0)) == told["profit"]
    assert told["value"] == traded.account().value({"BTC": D(90)})
    assert parts["price"] == D("0.5")
    assert parts["fees"] == -(D("0.04545") + D("0.00765"))
    assert parts["open_positions"] == D("-5.5")
    assert told["assumptions"]["queue"] == "risk_averse"
    assert told["assumptions"]["not_simulated"]


def test_drawdown_is_from_the_highest_value(traded):
    told = report(traded.events)
    values = [value for _, value in told["equity"]]
    assert told["drawdown"] == max(values) - min(values)
    assert 0 < told["drawdown_share"] < D("0.001")


@pytest.fixture
def risen(market, orders):
    """Ten coins bought at 101, and then a mark of 150 that no fill shows."""
    limit, _ = orders
    market.book(5, [("99", "50")], [("101", "50")])
    market.order(10, limit(True, "101", "10", "Ioc"))
    market.book(200, [("99", "50")], [("101", "50")])
    market.mark(1000, "150")
    market.pass_time(61_000)
    return market


def test_no_fact_is_valued_at_the_mark_of_an_older_one(risen, orders):
    limit, _ = orders
    hour = 3_600_000 - risen.desk.now % 3_600_000 + 61_000
    risen.book(hour - 2000, [("149", "50")], [("151", "50")])
    risen.mark(hour - 1000, "150")
    risen.pass_time(hour + 10)
    risen.book(hour + 100, [("9", "50")], [("10", "50")], coin="ETH")
    risen.mark(hour + 100, "10", coin="ETH")
    risen.order(hour + 200, limit(True, "10", "2", "Ioc", asset=1))
    risen.book(hour + 400, [("9", "50")], [("10", "50")], coin="ETH")
    told = report(risen.events)
    assert told["profit_from"]["funding"] < 0
    assert told["fills"] == 2
    assert told["value"] == risen.account().value(risen.desk.marks())
    assert told["value"] > 10_480
    assert told["drawdown"] < 21  # the first fill: ten coins, at most two above


def test_a_journal_without_values_beside_its_fills_is_not_guessed_at(risen, orders):
    # Such journals were written once: a value each minute, and none with a fill.
    limit, _ = orders
    minute = [it for it in risen.of(said.Valued) if it.at % 1000 == START % 1000]
    risen.book(61_100, [("9", "50")], [("10", "50")], coin="ETH")
    risen.mark(61_100, "10", coin="ETH")
    risen.order(61_200, limit(True, "10", "2", "Ioc", asset=1))
    risen.book(61_400, [("9", "50")], [("10", "50")], coin="ETH")
    old = [it for it in risen.events if not isinstance(it, said.Valued) or it in minute]
    told = report(old)
    assert told["value"] == minute[-1].value > 10_480
    assert told["fills"] == 2
    # Where a fill itself shows all that matters, it counts.
    alone = [it for it in old if it.at < START + 1000]
    assert report(alone)["value"] == D(10_000) - 10 - D("0.4545")


def test_slippage_is_against_the_mid(traded):
    told = report(traded.events)["slippage_points"]
    assert told["against_mid_at_decision"] == 100
    assert told["against_mid_at_arrival"] == 100


def test_what_the_market_did_before_a_stop_fired_is_no_slippage(market, orders):
    limit, trigger = orders
    market.order(10, limit(True, "101", "1", "Ioc"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.order(310, trigger(False, "92", "1", "sl"))
    for at in range(500, 60_000, 1000):
        market.book(at, [("99", "1")], [("101", "1")])
    market.book(60_000, [("90.9", "5")], [("91.1", "5")])
    market.mark(60_010, "91")
    market.bbo(60_100, ("90.9", "5"), ("91.1", "5"))
    stopped = market.fills[-1]
    assert (stopped.px, stopped.mid_at_decision) == (D("90.9"), 91)
    (bought,) = [it for it in market.fills if it.is_buy]
    cost = (bought.px - 100) + (91 - stopped.px)
    told = report(market.events)["slippage_points"]["against_mid_at_decision"]
    assert told == cost / 191 * 10_000
    why = explain(market.events, stopped.tid)
    assert why["decided_at"] == START + 60_010
    assert "90 ms after it was decided on" in why["why"]


def test_makers_are_counted_by_what_they_traded(traded):
    told = report(traded.events)
    assert told["fills"] == 2
    assert told["maker_share"] == D(51) / 152
    assert told["fills_by_quality"] == {"live": 2}


def test_degraded_time_is_measured(traded):
    told = report(traded.events)["degraded"]["BTC"]
    # Stale from 5.4 s, a gap from 10 s to 21 s, stale again from 26 s.
    assert told["seconds"]["gap"] == 11
    assert told["seconds"]["stale"] == pytest.approx(60.0 - 26 + 10 - 5.4)
    assert told["observed_seconds"] == 60
    assert 0.5 < told["share"] < 1


@pytest.mark.parametrize("is_killed", [True, False])
def test_time_in_which_nothing_ran_is_degraded(begun, is_killed):
    first = begun()
    first.bbo(1000, ("99", "1"), ("101", "1"))
    first.send(2000, "paper:open", {"account": "other", "cash": "1"})
    if not is_killed:
        first.stop()
        assert first.events[-1].state == "stopped"
    again = begun(Accounts.folded(first.events, {}), START + 36_000_000)
    again.bbo(36_000_000, ("99", "1"), ("101", "1"))
    again.pass_time(36_002_000)
    again.stop()
    told = report(first.events + again.events)["degraded"]["BTC"]
    assert told["seconds"] == {"stopped": 35_998}
    assert told["share"] == pytest.approx(35_998 / 36_002)


def test_orders_that_rested_through_a_gap_are_counted(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "90", "1"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.gap(300, since=250)
    market.gap(400, "unrecoverable", since=250, until=400)
    market.bbo(500, ("99", "1"), ("101", "1"))
    assert report(market.events)["orders_that_rested_through_a_gap"] == 1


def test_a_reset_begins_the_report_anew(traded):
    traded.send(60_200, "paper:open", {"account": "main", "cash": "500"})
    told = report(traded.events)
    assert (told["begun_with"], told["profit"], told["fills"]) == (500, 0, 0)


def test_a_reset_begins_the_time_that_is_reported(traded):
    whole = report(traded.events)
    assert (whole["from"], whole["degraded"]["BTC"]["share"] > 0.5) == (START, True)
    traded.bbo(60_200, ("99", "1"), ("101", "1"))
    traded.send(60_300, "paper:open", {"account": "main", "cash": "500"})
    traded.pass_time(70_300)
    traded.send(70_300, "paper:open", {"account": "other", "cash": "500"})
    told = report(traded.events)
    assert told["from"] == START + 60_300
    assert told["degraded"]["BTC"]["observed_seconds"] == 10
    # Live for 4.9 s after the reset, since a book is 0.1 s old there.
    assert told["degraded"]["BTC"]["seconds"] == {"stale": pytest.approx(5.1)}


def test_a_journal_tells_the_assumptions_and_when_they_changed(begun):
    first = begun(queue="log")
    same = begun(Accounts.folded(first.events, {}), START + 5000, queue="log")
    facts = first.events + same.events
    assert len([it for it in facts if isinstance(it, said.Assumed)]) == 1
    told = report(facts)["assumptions"]
    assert told.pop("not_simulated")
    assert told == first.config.assumptions()
    other = begun(Accounts.folded(facts, {}), START + 9000, queue="touch")
    told = report(facts + other.events)["assumptions"]
    assert (told["queue"], told["changed_at"]) == ("touch", [START + 9000])
    # An account that began after that knows nothing of it.
    other.send(9100, "paper:open", {"account": "late", "cash": "5"})
    assert "changed_at" not in report(facts + other.events, "late")["assumptions"]


def test_whole_seconds_are_assumed_as_a_recording_says_them():
    whole = PaperConfig(max_data_age=3).assumptions()
    assert said.encode(said.Assumed(at=0, assumptions=whole)) == said.encode(
        said.Assumed(at=0, assumptions=PaperConfig(max_data_age=3.0).assumptions())
    )


def test_an_account_nobody_has_is_not_reported(traded):
    with pytest.raises(KeyError):
        report(traded.events, "nobody")


def test_every_fill_names_the_market_event_behind_it(traded):
    taken, given = (explain(traded.events, it.tid) for it in traded.fills)
    assert taken["why"].startswith("the order took 1 at 101, shown by bbo 0 ms earlier")
    assert taken["market_event"]["feed"] == "bbo"
    assert taken["matched_at"] - taken["decided_at"] == 190
    assert "went through" in given["why"]
    assert given["market_event"]["feed"] == "trades"
    assert given["order"]["before"][0]["status"] == "open"
    with pytest.raises(KeyError):
        explain(traded.events, 99)


def test_a_fill_in_the_queue_says_what_stood_before_it(market, orders):
    limit, _ = orders
    market.order(10, limit(True, "99", "1"))
    market.bbo(200, ("99", "1"), ("101", "1"))
    market.trade(300, "A", "99", "1.5")
    told = explain(market.events, 1)
    assert told["queue_ahead"] == 1
    assert "went past the 1 that stood before" in told["why"]
