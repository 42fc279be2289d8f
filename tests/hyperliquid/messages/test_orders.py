from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET

from bistoury.hyperliquid.messages.orders import Order, OrderStatus

ORDER = {"coin": "ETH", "side": "B", "limitPx": "2500.0", "sz": "0.5"}
ORDER |= {"oid": 1, "timestamp": 2}


@pytest.mark.parametrize(
    ("more", "cloid"), [({}, UNSET), ({"cloid": None}, None), ({"cloid": "0x1"}, "0x1")]
)
def test_an_order_without_a_cloid_is_told_from_one_with_a_null(more, cloid):
    assert msgspec.convert({**ORDER, **more}, Order).client_order_id is cloid


def test_an_order_the_venue_does_not_know_has_a_status_only():
    status = msgspec.convert({"status": "unknownOid"}, OrderStatus)

    assert status.order is UNSET
