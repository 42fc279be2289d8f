from __future__ import annotations

from bistoury.simulator.instruments import instruments
from bistoury.simulator.orders import Order

BTC = instruments(("BTC",))["BTC"]


def test_an_update_leaves_out_what_was_not_given():
    order = Order(BTC, 7, buys=True, ticks=64_000, original=150_000, placed=5)

    assert order.update("open", 6) == {
        "order": {
            "coin": "BTC",
            "side": "B",
            "limitPx": "64000.0",
            "sz": "1.5",
            "oid": 7,
            "timestamp": 5,
            "origSz": "1.5",
        },
        "status": "open",
        "statusTimestamp": 6,
    }


def test_the_full_form_says_null_instead():
    order = Order(
        BTC, 7, buys=False, ticks=64_000, original=1, placed=5, reduce_only=True
    )

    assert order.frontend()["cloid"] is None
    assert order.frontend()["reduceOnly"] is True
    assert order.brief()["reduceOnly"] is True
    assert order.state("filled", 9)["status"] == "filled"
