from __future__ import annotations

import json

import pytest

from bistoury.simulator import Abort, Close, Send
from bistoury.simulator.faults import (
    SPOILINGS,
    Delay,
    Drip,
    DropAcks,
    Garble,
    Lag,
    Lose,
    Repeat,
    Silent,
    Stuck,
)


@pytest.fixture
def books(wire):
    """A connection with a book every half second."""
    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC", fast=True)
    return wire, number


def times(messages):
    return [m["data"]["time"] for m in messages]


def test_without_faults_everything_leaves_at_once(books):
    wire, _ = books

    assert len(wire.run(10.0)) == 20


@pytest.mark.parametrize("direction", ["out", "both"])
def test_a_silent_venue_says_nothing_at_all(books, direction):
    wire, number = books
    wire.exchange.inject(Silent(direction=direction), wire.now)

    wire.send(number, {"method": "ping"})

    assert wire.run(120.0) == []
    assert wire.exchange.is_mute(number)


def test_a_silence_ends_with_its_time(books):
    wire, _ = books
    wire.exchange.inject(Silent(), wire.now, 5.0)

    assert wire.run(4.9) == []
    assert len(wire.run(5.1)) == 11


def test_one_way_silence_lets_data_out_and_nothing_in(books):
    wire, number = books
    wire.exchange.inject(Silent(direction="in"), wire.now)

    wire.send(number, {"method": "ping"})
    seen = wire.run(5.0)

    assert {m["channel"] for m in seen} == {"l2Book"}
    assert wire.exchange.is_deaf(number)


def test_one_feed_can_fall_silent_alone(books):
    wire, number = books
    wire.subscribe(number, "l2Book", coin="ETH", fast=True)
    wire.exchange.inject(Silent(direction="out", type="l2Book", coin="BTC"), wire.now)

    assert {m["data"]["coin"] for m in wire.run(5.0)} == {"ETH"}


@pytest.mark.parametrize(("kind", "left"), [("data", {"pong"}), ("pong", {"l2Book"})])
def test_data_or_pongs_can_fall_silent_alone(books, kind, left):
    wire, number = books
    wire.exchange.inject(Silent(direction="out", what=(kind,)), wire.now)
    wire.send(number, {"method": "ping"})

    assert {m["channel"] for m in wire.run(5.0)} == left


def test_held_frames_arrive_late_and_in_order(books):
    wire, _ = books
    wire.exchange.inject(Silent(hold=True), wire.now, 5.0)

    seen = wire.run(5.0)

    assert len(seen) == 10
    assert times(seen) == sorted(times(seen))


def test_a_close_during_a_silence_shows_as_a_reset_when_it_ends(open_wire):
    wire = open_wire(max_life=10.0)
    number = wire.connect()
    wire.subscribe(number, "allMids")
    wire.exchange.inject(Silent(), wire.now)
    silence = wire.run(20.0)

    wire.exchange.heal(wire.now)

    assert silence == []
    assert wire.read() == [Abort(number, "rst")]
    assert wire.exchange.subscriptions() == {}


def test_a_fault_can_be_about_one_connection(books):
    wire, number = books
    other = wire.connect()
    wire.subscribe(other, "l2Book", coin="BTC", fast=True)
    wire.exchange.inject(Silent(connection=number), wire.now)
    wire.exchange.advance(wire.now + 5)

    assert {o.connection_id for o in wire.take()} == {other}


def test_delay_shifts_frames_and_keeps_their_order(books):
    wire, _ = books
    wire.exchange.inject(Delay(seconds=2.0, jitter=3.0), wire.now)

    early, later = wire.run(1.9), wire.run(60.0)

    assert early == []
    assert len(later) > 100
    assert times(later) == sorted(times(later))


def test_what_is_delayed_delays_what_follows(books):
    wire, number = books
    wire.exchange.inject(Delay(seconds=3.0, what=("data",)), wire.now)
    wire.run(0.5)
    wire.send(number, {"method": "ping"})

    channels = [m["channel"] for m in wire.run(3.0)]

    assert channels[0] == "l2Book"
    assert "pong" in channels


def test_lag_grows_and_a_new_connection_has_none(books):
    wire, _ = books
    wire.exchange.inject(Lag(fraction=0.5), wire.now)
    start = wire.now
    seen = wire.run(60.0)
    behind = wire.now - times(seen)[-1] / 1000

    other = wire.connect()
    wire.send(other, {"method": "ping"})

    assert behind == pytest.approx((wire.now - start) / 2, abs=1.0)
    assert Send(other, b'{"channel":"pong"}') in wire.take()


def test_losing_loses_about_that_share(books):
    wire, _ = books
    wire.exchange.inject(Lose(probability=0.5), wire.now)

    assert 60 < len(wire.run(100.0)) < 140


def test_repeating_sends_again(books):
    wire, _ = books
    wire.exchange.inject(Repeat(probability=1.0, times=2), wire.now)

    seen = times(wire.run(2.0))

    assert seen == sorted([*set(seen)] * 3)


def test_a_stuck_feed_says_the_same_for_ever(books):
    wire, _ = books
    wire.exchange.inject(Stuck(), wire.now)

    seen = times(wire.run(10.0))

    assert len(seen) == 20
    assert len(set(seen)) == 1


def test_a_drip_names_its_rate(books):
    wire, _ = books
    wire.exchange.inject(Drip(bytes_per_second=7.0), wire.now)
    wire.exchange.advance(wire.now + 0.5)

    [send] = wire.take()

    assert send.rate == 7.0


@pytest.mark.parametrize("how", SPOILINGS)
def test_each_way_of_spoiling_spoils(books, how):
    wire, _ = books
    wire.exchange.inject(Garble(probability=1.0, how=(how,)), wire.now)
    wire.exchange.advance(wire.now + 0.5)
    [send] = wire.take()

    def read():
        return json.loads(send.frame)

    match how:
        case "truncated" | "text":
            with pytest.raises(json.JSONDecodeError):
                read()
        case "utf8":
            with pytest.raises(UnicodeDecodeError):
                send.frame.decode()
        case "binary":
            assert send.binary
        case "empty":
            assert read() == {}
        case "channel":
            assert read()["channel"] == "somethingNew"
        case "field":
            assert "addedLater" in read()
        case "list":
            assert read() == {"channel": "trades", "data": []}


def test_every_third_acknowledgement_is_dropped_but_the_feed_runs(wire):
    number = wire.connect()
    wire.exchange.inject(DropAcks(every=3), wire.now)
    seen = []
    for coin in ("BTC", "ETH", "@107"):
        seen += wire.subscribe(number, "l2Book", coin=coin)

    channels = [m["channel"] for m in seen]

    assert channels == ["subscriptionResponse", "l2Book"] * 2 + ["l2Book"]
    assert len(wire.exchange.subscriptions()[number]) == 3


def test_acknowledgements_of_one_type_can_be_dropped(wire):
    number = wire.connect()
    wire.exchange.inject(DropAcks(type="bbo", method="subscribe"), wire.now)

    dropped = wire.subscribe(number, "bbo", coin="BTC")
    kept = wire.subscribe(number, "l2Book", coin="BTC")
    gone = wire.unsubscribe(number, "bbo", coin="BTC")

    assert [m["channel"] for m in dropped] == ["bbo"]
    assert kept[0]["channel"] == gone[0]["channel"] == "subscriptionResponse"


def test_a_reset_overtakes_what_is_under_way_and_a_close_does_not(open_wire):
    for fault, expected in (("rst", 1), ("close", 11)):
        wire = open_wire()
        number = wire.connect()
        wire.subscribe(number, "l2Book", coin="BTC", fast=True)
        wire.exchange.inject(Delay(seconds=60.0), wire.now)
        wire.run(5.0)
        from bistoury.simulator.faults import Cut

        wire.exchange.inject(Cut(how=fault, code=1012, reason="bye"), wire.now)
        seen = wire.run(70.0)
        assert len(seen) == expected
        last = Abort(number, "rst") if fault == "rst" else Close(number, 1012, "bye")
        assert seen[-1] == last
