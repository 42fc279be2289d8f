"""What reached the application."""

from __future__ import annotations

from bistoury.cli.demonstration.tape import Tape

TRADE = {"coin": "BTC", "time": 5, "tid": 9}


def tape(hides=lambda _, __: False):
    moments = iter(range(100))
    return Tape(lambda: float(next(moments)), hides)


def trades(*rows, **marks):
    return {"channel": "trades", "data": list(rows), **marks}


def test_counts_each_delivery_of_an_event():
    it = tape()
    listen = it.listen("trades BTC")

    listen(trades(TRADE))
    listen(trades(TRADE, recovered=True))

    assert it.events["trades:BTC"] == {"5:BTC:9": 2}
    assert it.recovered["trades:BTC"] == {"5:BTC:9"}
    assert it.times["trades:BTC"] == {"5:BTC:9": 5}
    assert it.messages == 2


def test_hides_what_it_is_told_to():
    it = tape(hides=lambda stream, key: key == "5:BTC:9")

    it.listen("trades BTC")(trades(TRADE, TRADE | {"tid": 10}))

    assert it.events["trades:BTC"] == {"5:BTC:10": 1}


def test_knows_when_data_came():
    it = tape()
    listen = it.listen("allMids")

    listen({"channel": "allMids", "data": {"mids": {"BTC": "1.5"}}})
    listen({"channel": "allMids", "data": {"mids": {"BTC": "2.5"}}})

    assert it.mids == {"BTC": "2.5"}
    assert it.newest["allMids"] == 1.0
    assert it.first_after(0.5) == 1.0
    assert it.first_after(1.5) is None
