from __future__ import annotations

import json

from bistoury.simulator import Ledger, keys_in


def test_rows_are_kept_in_order_and_counted():
    ledger = Ledger()
    for time in (1, 2, 3):
        ledger.record("trades:BTC", time, f"k{time}")

    assert ledger.stream("trades:BTC") == [(1, "k1"), (2, "k2"), (3, "k3")]
    assert ledger.stream("trades:BTC", since=3) == [(3, "k3")]
    assert ledger.stream("trades:ETH") == []
    assert ledger.counts() == {"trades:BTC": 3}
    assert ledger.streams() == ["trades:BTC"]


def test_old_rows_are_forgotten_and_said_to_be():
    ledger = Ledger(rows=2)
    for time in (1, 2, 3):
        ledger.record("s", time, str(time))

    assert ledger.stream("s") == [(2, "2"), (3, "3")]
    assert ledger.forgotten == {"s": 1}


def test_a_frame_gives_the_keys_it_delivers():
    trades = {"channel": "trades", "data": [{"coin": "BTC", "time": 5, "tid": 6}]}
    twap = {
        "channel": "userTwapSliceFills",
        "data": {
            "user": "u",
            "twapSliceFills": [{"fill": {"coin": "@1", "time": 1, "oid": 2, "tid": 3}}],
        },
    }
    update = {
        "channel": "orderUpdates",
        "data": [
            {"order": {"oid": 1, "sz": "0.0"}, "status": "filled", "statusTimestamp": 9}
        ],
    }

    assert keys_in(json.dumps(trades).encode()) == [("trades:BTC", 5, "5:BTC:6")]
    assert keys_in(json.dumps(twap).encode()) == [
        ("userTwapSliceFills:u", 1, "1:@1:2:3")
    ]
    assert keys_in(json.dumps(update).encode(), "u") == [
        ("orderUpdates:u", 9, "1:filled:9:0.0")
    ]
    assert keys_in(b'{"channel":"pong"}') == []
