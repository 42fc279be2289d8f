from __future__ import annotations

import pytest

from bistoury.simulator import DEFAULT_COINS, many_coins
from bistoury.simulator.instruments import MOST_TICKS, instruments


def test_places_count_within_each_universe():
    found = instruments(("BTC", "xyz:NVDA", "ETH", "@107", "xyz:TSLA", "PURR/USDC"))

    assert {name: coin.index for name, coin in found.items()} == {
        "BTC": 0,
        "ETH": 1,
        "xyz:NVDA": 0,
        "xyz:TSLA": 1,
        "@107": 0,
        "PURR/USDC": 1,
    }


@pytest.mark.parametrize("name", [*DEFAULT_COINS, *many_coins(60), "abc:NEW", "@3"])
def test_every_grid_obeys_the_venues_price_rule(name):
    coin = instruments((name,))[name]

    assert 10_000 <= coin.start_ticks <= MOST_TICKS
    assert 0 <= coin.px_decimals <= (8 if coin.is_spot else 6) - coin.sz_decimals
    assert coin.sz_decimals >= 0


def test_kinds_are_told_by_name():
    found = instruments(("BTC", "xyz:NVDA", "@107", "PURR/USDC", "@9"))

    assert [coin.is_spot for coin in found.values()] == [False, False, True, True, True]
    assert [coin.dex for coin in found.values()] == ["", "xyz", "", "", ""]
    assert [coin.base_token for coin in found.values()][2:] == ["HYPE", "PURR", "TKN9"]
    assert [coin.token_index for coin in found.values()][2:] == [150, 1, 10]
