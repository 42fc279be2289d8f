from __future__ import annotations

import io

from rich.console import Console

from bistoury.cli.paper.picture import render

ACCOUNT = {
    "name": "main",
    "address": "0x" + "ab" * 20,
    "equity": "9999.5",
    "unrealized": "-0.5",
    "profit": {"price": "1", "fees": "-1", "funding": "0", "liquidation": "0"},
    "positions": [
        {
            "coin": "BTC",
            "szi": "0.01",
            "entryPx": "64000.0",
            "unrealizedPnl": "-0.5",
            "leverage": {"type": "cross", "value": 20},
            "liquidationPx": None,
        }
    ],
    "orders": [
        {
            "oid": 7,
            "coin": "ETH",
            "side": "A",
            "sz": "1.0",
            "limitPx": "2000.0",
            "orderType": "Stop Market",
            "tif": None,
            "isTrigger": True,
            "triggerCondition": "Price below 2100",
            "reduceOnly": True,
            "uncertain": True,
        }
    ],
    "latest_fills": [],
}
COIN = {
    "coin": "BTC",
    "state": "gap",
    "reason": "missed: trades",
    "mid": None,
    "mark": None,
    "age_seconds": None,
}


def drawn(**state):
    whole = {
        "ready": True,
        "connected": True,
        "coins": [COIN],
        "accounts": [ACCOUNT],
        **state,
    }
    console = Console(file=io.StringIO(), width=120)
    console.print(render(whole, "http://here"))
    return console.file.getvalue()


def test_everything_says_what_it_is_and_how_far_it_can_be_believed():
    text = drawn()

    assert text.startswith(" PAPER  http://here  connected")
    for part in ("gap", "missed: trades", "-0.50", "20x cross", "uncertain"):
        assert part in text
    assert "Stop Market reduce-only" in text
    assert "Price below 2100" in text


def test_a_connection_that_is_down_is_said():
    assert "the connection is down, orders are refused" in drawn(connected=False)
    assert "here  paper journal: full" in drawn(trouble="paper journal: full")


def test_before_anything_was_heard_that_is_said():
    text = drawn(ready=False, connected=False, coins=[], accounts=[])

    assert "nothing was heard of the market yet" in text
