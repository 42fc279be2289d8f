from __future__ import annotations

import pytest

from bistoury.simulator import Abort, Close, FaultPlan, Refusal, Step
from bistoury.simulator.faults import (
    Cut,
    Flap,
    Freeze,
    OneConnection,
    RateLimit,
    Refuse,
    RefuseSubscriptions,
    Rest,
    Silent,
)


def test_refusing_over_http_says_what_it_was_told(wire):
    fault = Refuse(status=429, retry_after=20, body="<html>slow down</html>")
    wire.exchange.inject(fault, wire.now)

    refused = wire.exchange.connect(wire.now)

    assert refused == Refusal(
        429,
        {"Content-Type": "text/html", "Retry-After": "20"},
        "<html>slow down</html>",
    )


@pytest.mark.parametrize("how", ["tcp", "close", "rst", "hang"])
def test_refusing_without_http_has_no_status(wire, how):
    wire.exchange.inject(Refuse(how=how), wire.now, 5.0)

    refused = wire.exchange.connect(wire.now)
    wire.run(5.0)

    assert refused == Refusal(0, body=how)
    assert isinstance(wire.exchange.connect(wire.now), int)


@pytest.mark.parametrize(
    ("fault", "output"),
    [
        (Cut(how="rst"), Abort(1, "rst")),
        (Cut(how="eof"), Abort(1, "eof")),
        (Cut(how="close", code=1001, reason="away"), Close(1, 1001, "away")),
    ],
)
def test_a_cut_ends_each_connection_once(wire, fault, output):
    number = wire.connect()
    wire.subscribe(number, "allMids")

    wire.exchange.inject(fault, wire.now)

    assert wire.read() == [output]
    assert wire.exchange.subscriptions() == {}
    assert isinstance(wire.exchange.connect(wire.now), int)
    assert wire.exchange.conduct.active == []


def test_a_cut_can_be_of_one_connection(wire):
    one, two = wire.connect(), wire.connect()

    wire.exchange.inject(Cut(connection=one), wire.now)

    assert set(wire.exchange.subscriptions()) == {two}


def test_flapping_ends_each_connection_after_its_time(wire):
    wire.exchange.inject(Flap(after=3.0, how="close", code=1012), wire.now)
    number = wire.connect()
    wire.subscribe(number, "outcomeMetaUpdates")

    early, late = wire.run(2.9), wire.run(0.2)

    assert early == []
    assert late == [Close(number, 1012, "")]


def test_flapping_at_once_ends_what_is_opened(wire):
    wire.exchange.inject(Flap(after=0.0), wire.now)

    number = wire.connect()

    assert wire.read() == [Abort(number, "eof")]


def test_frozen_time_stands_still_while_data_goes_on(wire):
    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC", fast=True)
    wire.subscribe(number, "trades", coin="BTC")
    wire.run(1.0)
    wire.exchange.inject(Freeze(), wire.now, 30.0)
    frozen = wire.run(29.9)
    times = {m["data"]["time"] for m in frozen if m["channel"] == "l2Book"}
    trades = {
        row["time"] for m in frozen if m["channel"] == "trades" for row in m["data"]
    }

    thawed = wire.run(30.0)

    assert len(times) == 1
    assert trades == times
    assert len({m["data"]["time"] for m in thawed if m["channel"] == "l2Book"}) > 50


def test_bars_are_right_after_a_frozen_hour(wire):
    number = wire.connect()
    wire.subscribe(number, "trades", coin="BTC")
    wire.exchange.inject(Freeze(), wire.now, 200.0)
    rows = [r for m in wire.run(400.0) for r in m["data"]]

    bars = wire.info(
        "candleSnapshot",
        req={"coin": "BTC", "interval": "1m", "startTime": rows[0]["time"]},
    )

    assert sum(bar["n"] for bar in bars) == len(rows)


@pytest.mark.parametrize("how", ["error", "close"])
def test_a_rate_limit_answers_every_message(wire, how):
    number = wire.connect()
    wire.exchange.inject(RateLimit(how=how), wire.now)

    wire.send(number, {"method": "ping"})
    [answer] = wire.read()

    if how == "error":
        assert answer["data"] == "Cannot send more than 2000 messages per minute."
    else:
        assert answer == Close(number, 1008, "Too many requests")


def test_subscriptions_can_be_refused_by_type(wire):
    number = wire.connect()
    wire.exchange.inject(RefuseSubscriptions(type="bbo"), wire.now)

    [refused] = wire.subscribe(number, "bbo", coin="BTC")
    accepted = wire.subscribe(number, "l2Book", coin="BTC")

    assert refused["data"] == 'Invalid subscription {"type":"bbo","coin":"BTC"}'
    assert accepted[0]["channel"] == "subscriptionResponse"


def test_every_second_subscription_can_be_refused(wire):
    number = wire.connect()
    wire.exchange.inject(RefuseSubscriptions(text="no", every=2), wire.now)

    answers = [wire.subscribe(number, "bbo", coin=c)[0] for c in ("BTC", "ETH", "@107")]

    assert [a["channel"] == "error" for a in answers] == [False, True, False]


def test_one_connection_at_a_time_drops_the_older(wire):
    wire.exchange.inject(OneConnection(), wire.now)
    old = wire.connect()
    new = wire.connect()

    assert wire.read() == [Close(old, 1008, "Duplicate connection")]
    assert set(wire.exchange.subscriptions()) == {new}


def test_one_connection_at_a_time_refuses_the_newer(wire):
    wire.exchange.inject(OneConnection(policy="refuse_new"), wire.now)
    wire.connect()

    assert wire.exchange.connect(wire.now) == Refusal(429)


def test_rest_can_fail_for_some_requests(wire):
    wire.exchange.inject(Rest(status=502, body="<html>", types=("meta",)), wire.now)

    assert wire.exchange.info({"type": "meta"}, wire.now) == (502, "<html>")
    assert wire.info("allMids")


def test_a_plan_begins_and_ends_its_faults_at_their_times(open_wire):
    plan = FaultPlan(
        (Step(at=10.0, fault=Silent(), lasts=5.0), Step(at=20.0, fault=Cut()))
    )
    wire = open_wire(plan=plan)
    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC", fast=True)

    counts = [len(wire.run(seconds)) for seconds in (9.9, 5.0, 5.0)]
    end = wire.run(1.0)

    assert counts == [19, 0, 10]
    assert end[-1] == Abort(number, "rst")


def test_a_fault_is_healed_by_number(wire):
    first = wire.exchange.inject(Silent(), wire.now)
    second = wire.exchange.inject(Freeze(), wire.now)

    wire.exchange.heal(wire.now, first)

    assert [item.number for item in wire.exchange.conduct.active] == [second]
