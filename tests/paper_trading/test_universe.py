"""The rules of each coin, read from meta."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.paper_trading.universe import Universe


@pytest.fixture
def recorded(samples):
    rows = json.loads((samples / "rest_meta.json").read_text())
    found = next(it["message"] for it in rows if it["source"].startswith("roq"))
    return Universe.from_meta(found)


TIERED = {
    "universe": [
        {"name": "T", "szDecimals": 2, "maxLeverage": 25, "marginTableId": 53},
        {"name": "S", "szDecimals": 0, "maxLeverage": 3, "marginTableId": 3},
    ],
    "marginTables": [
        [
            53,
            {
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 25},
                    {"lowerBound": "20000.0", "maxLeverage": 10},
                    {"lowerBound": "50000.0", "maxLeverage": 5},
                ]
            },
        ]
    ],
}


def test_assets_are_numbered_by_their_place(recorded):
    assert recorded.by_coin["BTC"].asset == 3
    assert recorded.by_asset[1].coin == "APT"


def test_a_table_below_fifty_is_one_tier_with_that_leverage(recorded):
    (tier,) = recorded.by_coin["APT"].tiers
    assert (tier.max_leverage, tier.rate, tier.deduction) == (3, Decimal(1) / 6, 0)


def test_assets_of_a_dex_have_numbers_of_their_own():
    universe = Universe.from_meta(TIERED, dex_index=2)
    assert set(universe.by_asset) == {120_000, 120_001}


def test_deductions_follow_from_the_tiers():
    tiers = Universe.from_meta(TIERED).by_coin["T"].tiers
    assert [it.rate for it in tiers] == [
        Decimal(1) / 50,
        Decimal(1) / 20,
        Decimal(1) / 10,
    ]
    # 20000 * (0.05 - 0.02) = 600, and 600 + 50000 * (0.1 - 0.05) = 3100
    assert [it.deduction for it in tiers] == [0, 600, 3100]


@given(st.decimals(0, 200_000, places=2), st.decimals(0, 1, places=2))
def test_maintenance_grows_without_a_jump(notional, more):
    coin = Universe.from_meta(TIERED).by_coin["T"]
    grown = coin.maintenance(notional + more) - coin.maintenance(notional)
    assert 0 <= grown <= more / 10


@pytest.mark.parametrize(
    ("coin", "px", "is_on_grid"),
    [
        ("T", "1234.5", True),
        ("T", "1234.56", False),  # six figures
        ("T", "123456", True),  # whole numbers always are
        ("T", "0.1234", True),
        ("T", "0.12345", False),  # five decimals, four are allowed
        ("S", "0.012345", True),
        ("S", "0.0123456", False),
        ("T", "0.12340", True),  # a trailing zero is no figure
    ],
)
def test_prices_have_five_figures_and_few_decimals(coin, px, is_on_grid):
    instrument = Universe.from_meta(TIERED).by_coin[coin]
    assert instrument.has_tick(Decimal(px)) is is_on_grid


def test_sizes_have_the_decimals_of_their_coin():
    coin = Universe.from_meta(TIERED).by_coin["T"]
    assert coin.has_lot(Decimal("0.01"))
    assert coin.has_lot(Decimal("0.010"))
    assert not coin.has_lot(Decimal("0.001"))


def test_the_largest_order_depends_on_the_leverage():
    universe = Universe.from_meta(TIERED)
    assert universe.by_coin["T"].largest_value(is_market=True) == 30_000_000
    assert universe.by_coin["S"].largest_value(is_market=True) == 500_000
    # Recorded: "Order value too large. Max is $5000000."
    assert universe.by_coin["S"].largest_value(is_market=False) == 5_000_000
