from __future__ import annotations

from decimal import Decimal

from bistoury.simulator import user_views
from bistoury.simulator.user_views import by_time


def test_fills_of_one_crossing_order_at_one_time_are_joined(open_wire, user):
    wire = open_wire(user_history=0, user_rate=0.0)
    for _ in range(20):
        wire.exchange.act(user, "cross", "ETH", wire.now)
        wire.run(1.0)
    plain = wire.info("userFillsByTime", user=user, startTime=0)
    joined = wire.info("userFillsByTime", user=user, startTime=0, aggregateByTime=True)

    assert len(joined) == 20 < len(plain)
    for name in ("sz", "fee", "closedPnl"):
        assert sum(Decimal(r[name]) for r in joined) == sum(
            Decimal(r[name]) for r in plain
        )
    assert {r["tid"] for r in joined} <= {r["tid"] for r in plain}


def test_dust_is_never_joined():
    row = {"time": 1, "coin": "@1", "oid": 1, "side": "A", "crossed": True, "tid": 0}

    assert by_time([row, dict(row)]) == [row, row]


def test_nobody_has_nothing(wire):
    market = wire.exchange.market

    assert user_views.spot_state(None, market) == {"balances": []}
    assert user_views.open_orders(None, "", frontend=True) == []
    assert user_views.twap_states(None, market, "") == []
    assert (
        user_views.clearinghouse(None, market, "", 5)["marginSummary"]["accountValue"]
        == "0.0"
    )


def test_what_can_be_traded_follows_from_cash_and_leverage(wire, user):
    data = wire.info("activeAssetData", user=user, coin="BTC")
    value = Decimal(data["maxTradeSzs"][0]) * Decimal(data["markPx"])
    most = Decimal(data["availableToTrade"][0]) * data["leverage"]["value"]

    assert most - Decimal(data["markPx"]) / 10**5 <= value <= most
