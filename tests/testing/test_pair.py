"""A session and a venue joined by an imaginary wire."""

import pytest

from bistoury.session import State
from bistoury.simulator.faults import Cut, Garble, Refuse, Silent
from bistoury.simulator.settings import Settings
from bistoury.testing.pair import Pair

TRADES = {"type": "trades", "coin": "BTC"}


def live_pair(seed=1, **options):
    pair = Pair(seed, settings=Settings(coins=("BTC",), trade_rate=2.0), **options)
    pair.subscribe(TRADES)
    pair.connect()
    pair.run(10)
    assert pair.session.state is State.LIVE
    return pair


def names(pair):
    return [type(notice).__name__ for _, notice in pair.notices]


def test_it_connects_subscribes_and_delivers():
    pair = live_pair()
    assert pair.holdings() == {'{"type":"trades","coin":"BTC"}'}
    assert len(pair.delivered["trades:BTC"]) > 5


def test_a_seed_decides_everything():
    first, second, other = live_pair(5), live_pair(5), live_pair(6)
    assert first.notices == second.notices
    assert first.delivered == second.delivered
    assert first.delivered != other.delivered


@pytest.mark.parametrize("how", ["rst", "eof", "close"])
def test_a_cut_is_repaired(how):
    pair = live_pair()
    pair.exchange.inject(Cut(how=how), pair.now)
    pair.run(10)
    assert names(pair).count("Connected") == 2
    assert pair.session.state is State.LIVE
    assert len(pair.exchange.subscriptions()) == 1


def test_a_half_open_wire_is_given_up_and_healing_helps():
    pair = live_pair()
    pair.exchange.inject(Silent(), pair.now)
    pair.run(25)
    assert "Disconnected" in names(pair)
    pair.heal()
    pair.run(30)
    assert pair.session.state is State.LIVE


def test_an_upgrade_that_hangs_is_given_up():
    pair = live_pair()
    pair.exchange.inject(Refuse(how="hang"), pair.now)
    pair.exchange.inject(Cut(how="rst"), pair.now)
    pair.run(15)
    causes = [
        str(it.cause) for _, it in pair.notices if type(it).__name__ == "Disconnected"
    ]
    assert causes[1] == "connect_timeout"


def test_invalid_utf8_ends_a_connection_and_bad_json_does_not():
    pair = live_pair()
    pair.exchange.inject(Garble(probability=1.0, how=("truncated",)), pair.now, 5)
    pair.run(6)
    assert pair.unreadable > 0
    assert "Disconnected" not in names(pair)
    pair.exchange.inject(Garble(probability=1.0, how=("utf8",)), pair.now, 1)
    pair.run(6)
    (lost, *_) = [it for _, it in pair.notices if type(it).__name__ == "Disconnected"]
    assert (str(lost.cause), lost.code) == ("protocol_error", 1007)


def test_the_wire_takes_its_time_and_keeps_its_order():
    pair = Pair(1, settings=Settings(coins=("BTC",)), latency=0.5)
    pair.subscribe(TRADES)
    pair.connect()
    pair.run(0.9)
    assert pair.session.state is State.CONNECTING
    pair.run(0.2)
    assert pair.session.state is State.SYNCING
    pair.run(1.1)
    assert pair.session.state is State.LIVE
