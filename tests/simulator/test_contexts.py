from __future__ import annotations

from bistoury.simulator import contexts

PERP = [
    "funding",
    "openInterest",
    "prevDayPx",
    "dayNtlVlm",
    "premium",
    "oraclePx",
    "markPx",
    "midPx",
    "impactPxs",
    "dayBaseVlm",
]


def test_contexts_have_the_venues_fields(wire):
    coins, now = wire.exchange.market.coins, int(wire.now * 1000)

    assert list(contexts.context(coins["BTC"], now)) == PERP
    assert contexts.context(coins["@107"], now)["coin"] == "@107"


def test_a_book_at_the_oracle_pays_the_base_rate(wire):
    coin = wire.exchange.market.coins["BTC"]
    coin.oracle = coin.book.twice_mid / 2

    assert contexts.premium(coin) == 0.0
    assert contexts.perp(coin, 0)["funding"] == "0.0000125"


def test_a_book_far_from_the_oracle_is_capped(wire):
    coin = wire.exchange.market.coins["BTC"]
    coin.oracle = 1.0

    assert contexts.funding(coin) == 0.04


def test_the_mark_is_near_the_book(wire):
    wire.run(300.0)
    for coin in wire.exchange.market.coins.values():
        assert abs(coin.mark - coin.book.twice_mid / 2) < 50
