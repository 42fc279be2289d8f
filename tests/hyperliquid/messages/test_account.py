from __future__ import annotations

import msgspec
from msgspec import UNSET

from bistoury.hyperliquid.messages.account import Leverage


def test_only_isolated_leverage_has_an_amount():
    cross = msgspec.convert({"type": "cross", "value": 5}, Leverage)
    isolated = msgspec.convert(
        {"type": "isolated", "value": 5, "rawUsd": "10.5"}, Leverage
    )

    assert (cross.raw_usd, isolated.raw_usd) == (UNSET, "10.5")
