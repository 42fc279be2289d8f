from __future__ import annotations

import pytest

from bistoury.simulator import DEFAULT_COINS, Limits, Settings, many_coins


def test_a_fast_clock_leaves_connections_their_real_time():
    fast = Settings(time_scale=10.0, idle_close=60.0, max_life=100.0).in_venue_time()

    assert (fast.idle_close, fast.max_life, fast.limits.window) == (
        600.0,
        1000.0,
        600.0,
    )
    assert fast.cadences == Settings().cadences


def test_a_real_clock_changes_nothing():
    assert Settings().in_venue_time() == Settings()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), 2.0),
        (Settings(trade_rate=5.0), 5.0),
        (Settings(trade_rate=5.0, trade_rates={"BTC": 0.0}), 0.0),
    ],
)
def test_a_coins_rate_is_its_own_unless_told(settings, expected):
    assert settings.rate_of("BTC", 2.0) == expected


def test_as_many_coins_as_wanted():
    assert many_coins(3) == DEFAULT_COINS[:3]
    assert len(set(many_coins(300))) == 300


def test_no_limits_are_beyond_reach():
    assert min(Limits.none().connections, Limits.none().messages_per_minute) > 10**6
