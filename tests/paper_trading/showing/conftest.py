"""An account that bought in two fills and sold part of it."""

from __future__ import annotations

import pytest

SCRIPT = "</script><script>alert(1)</script>"


@pytest.fixture
def traded(begun, orders):
    limit, _ = orders
    market = begun()
    data = {"account": "main", "cash": "10000", "address": ""}
    market.send(1, "paper:open", data)
    market.order(10, limit(True, "102", "2", "Ioc", cloid="0x" + "0" * 31 + "9"))
    for at in (200, 400):
        market.bbo(at, ("99", "1"), ("101", "1"))
    market.order(500, limit(False, "99", "0.5", "Ioc"))
    for at in (700, 900):
        market.bbo(at, ("99", "1"), ("101", "1"))
    return market
