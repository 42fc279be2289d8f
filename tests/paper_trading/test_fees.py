"""Fees to the last digit that was recorded, and the tiers."""

import json
from decimal import Decimal

import pytest

from bistoury import ConfigError
from bistoury.paper_trading.fees import (
    DAY_MS,
    FeeSettings,
    Volume,
    builder_fee,
    fee,
    rate_of,
)
from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.universe import Universe

PLAIN = FeeSettings()
D = Decimal
REFERRED = FeeSettings(referral_discount=Decimal("0.04"))


def coin(name, growth="disabled", scale="1"):
    row = {"name": name, "szDecimals": 2, "maxLeverage": 10, "growthMode": growth}
    meta = {"universe": [row], "marginTables": []}
    return Universe.from_meta(meta, fee_scale=scale).by_coin[name]


# Which rates the recorded accounts had: found from their fills, once for each.
ACCOUNTS = {
    "roq": REFERRED,
    "go-hyperliquid": PLAIN,
    "nautilus:messages.rs tests": PLAIN,
    "nautilus:ws_user_fill_liquidation.json": PLAIN,
}
NOT_PERPS = ("@", "+", "#")


def recorded_fills(samples):
    """Yield every fill of which the rate is known, with its settings."""
    for name in ("rest_userFills", "rest_userFillsByTime", "userFills", "user"):
        for row in json.loads((samples / f"{name}.json").read_text()):
            settings = next(
                (it for src, it in ACCOUNTS.items() if row["source"].startswith(src)),
                None,
            )
            data = row["message"]
            if isinstance(data, dict):
                data = data["data"].get("fills", [])
            for made in data:
                if settings is not None and not made["coin"].startswith(NOT_PERPS):
                    yield made, settings


def test_every_recorded_fee_of_a_perpetual_is_reproduced(samples):
    checked = 0
    for made, settings in recorded_fills(samples):
        instrument = coin(made["coin"], growth="enabled")
        notional = Decimal(made["px"]) * Decimal(made["sz"])
        rate = rate_of(settings, instrument, Decimal(0), is_maker=not made["crossed"])
        builder = Decimal(made.get("builderFee", 0))
        tenths = round(builder / notional / Decimal("0.00001"))
        assert builder_fee(notional, tenths) == builder
        assert fee(notional, rate) + builder == Decimal(made["fee"]), made
        checked += 1
    assert checked >= 19


@pytest.mark.parametrize(
    ("notional", "settings", "maker", "name", "charged"),
    [
        ("66.653", PLAIN, True, "BTC", "0.009997"),
        ("24.8217", REFERRED, True, "xyz:SILVER", "0.000714"),
        ("48.3606", REFERRED, False, "xyz:SILVER", "0.004178"),
        ("41.97423", REFERRED, False, "BTC", "0.018132"),
    ],
)
def test_the_worked_examples_hold(notional, settings, maker, name, charged):
    rate = rate_of(settings, coin(name, "enabled"), Decimal(0), is_maker=maker)
    assert fee(Decimal(notional), rate) == Decimal(charged)


@pytest.mark.parametrize(
    ("volume", "taker", "maker"),
    [
        (0, "0.00045", "0.00015"),
        (5_000_000, "0.00045", "0.00015"),  # more than, not from
        (5_000_001, "0.00040", "0.00012"),
        (99_000_000, "0.00035", "0.00008"),
        (600_000_000, "0.00028", "0"),
        (8_000_000_000, "0.00024", "0"),
    ],
)
def test_tiers_go_by_volume(volume, taker, maker):
    known = Decimal(volume)
    assert rate_of(PLAIN, coin("BTC"), known, is_maker=False) == Decimal(taker)
    assert rate_of(PLAIN, coin("BTC"), known, is_maker=True) == Decimal(maker)


def test_discounts_multiply_and_rebates_stay():
    staked = FeeSettings(
        staking_discount=Decimal("0.1"), referral_discount=Decimal("0.04")
    )
    assert rate_of(staked, coin("BTC"), Decimal(0), is_maker=False) == Decimal(
        "0.0003888"
    )
    rebate = FeeSettings(maker=Decimal("-0.00003"), referral_discount=Decimal("0.04"))
    assert rate_of(rebate, coin("BTC"), Decimal(0), is_maker=True) == Decimal(
        "-0.00003"
    )


def test_a_share_below_one_adds_to_the_fee_of_a_dex():
    half = coin("xyz:A", scale="0.5")
    assert rate_of(PLAIN, half, Decimal(0), is_maker=False) == Decimal("0.000675")


def test_the_volume_of_today_does_not_count_and_the_oldest_day_drops_out():
    volume = Volume()
    volume.add(10 * DAY_MS + 5, Decimal(100))
    assert volume.at(10 * DAY_MS + 9) == 0
    assert volume.at(11 * DAY_MS) == 100
    assert volume.at(24 * DAY_MS) == 100
    assert volume.at(25 * DAY_MS) == 0


def test_the_rates_of_an_address_are_taken_as_they_are():
    answer = {
        "userCrossRate": "0.00035",
        "userAddRate": "-0.00001",
        "activeReferralDiscount": "0.04",
    }
    assert FeeSettings.of_user(answer) == FeeSettings(
        taker=Decimal("0.00035"),
        maker=Decimal("-0.00001"),
        referral_discount=Decimal("0.04"),
    )


@pytest.mark.parametrize(
    "given",
    [
        {"taker": D(-1)},
        {"taker": D("0.11")},
        {"taker": D("NaN")},
        {"taker": 0.0004},
        {"maker": D("-0.2")},
        {"maker": D("-Infinity")},
        {"volume": D(-1)},
        {"staking_discount": D(2)},
        {"staking_discount": None},
        {"referral_discount": D(5)},
        {"referral_discount": D("-0.1")},
    ],
    ids=str,
)
def test_fees_that_cannot_be_are_named(given):
    (name,) = given
    with pytest.raises(ConfigError, match=rf"fees\.{name}: .* from .* to "):
        PaperConfig(fees=FeeSettings(**given)).checked()


def test_fees_that_somebody_pays_are_allowed():
    rebate = FeeSettings(taker=D(0), maker=D("-0.00003"), referral_discount=D("0.04"))
    for fees in (*ACCOUNTS.values(), rebate):
        PaperConfig(fees=fees).checked()
