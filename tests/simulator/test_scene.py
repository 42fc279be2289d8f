from __future__ import annotations

from random import Random

from bistoury.simulator.accounts import Account
from bistoury.simulator.ledger import Ledger
from bistoury.simulator.positions import Holding
from bistoury.simulator.scene import Scene, affordable, any_open, draft, fill


def scene_at(wire, coin, *, public=True):
    account = Account("0x" + "1" * 40, 1, 0, Ledger())
    return Scene(account, wire.exchange.market.coins[coin], 1000, public)


def test_what_is_not_owned_is_not_sold(wire):
    scene = scene_at(wire, "@107")
    without = draft(scene, buys=False)
    scene.account.holdings["@107"] = Holding(5 * 10**6, 0)
    owned = draft(scene, buys=False)

    assert without.buys
    assert not owned.buys
    assert owned.original <= 5
    assert affordable(scene, owned)
    scene.account.holdings["@107"].amount = 0
    assert not affordable(scene, owned)


def test_a_public_fill_is_a_trade_and_a_rehearsed_one_is_not(wire):
    for public in (True, False):
        scene = scene_at(wire, "BTC", public=public)
        order = draft(scene, buys=True)
        fill(scene, order, 64_000, order.remaining, "0x1", crossed=True)
        trades = wire.exchange.market.seal(scene.coin)

        assert len(trades) == public
        assert len(scene.account.fills) == 1
        assert order.remaining == 0


def test_there_may_be_no_open_order(wire):
    assert any_open(scene_at(wire, "BTC")) is None
    assert isinstance(scene_at(wire, "BTC").rng, Random)
