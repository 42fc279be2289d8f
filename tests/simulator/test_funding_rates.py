from __future__ import annotations

from bistoury.simulator.bars import HOUR
from bistoury.simulator.funding_rates import stamp


def test_rates_are_hourly_stamped_after_the_hour_and_end_now(wire):
    now = int(wire.now * 1000)

    rows = wire.info("fundingHistory", coin="BTC", startTime=now - 24 * HOUR)

    assert len(rows) == 24
    assert all(40 <= row["time"] % HOUR <= 100 for row in rows)
    assert rows[-1]["time"] <= now


def test_a_page_has_the_oldest_500_rows(wire):
    now = int(wire.now * 1000)

    rows = wire.info("fundingHistory", coin="BTC", startTime=now - 1000 * HOUR)
    rest = wire.info("fundingHistory", coin="BTC", startTime=rows[-1]["time"])

    assert len(rows) == 500
    assert rest[0] == rows[-1]
    assert rest[-1]["time"] > rows[-1]["time"]


def test_what_was_settled_is_what_the_market_had(open_wire):
    wire = open_wire(coins=("BTC",))
    hour = (int(wire.now * 1000) // HOUR + 1) * HOUR
    wire.run(hour / 1000 + 1 - wire.now)

    [row] = wire.info("fundingHistory", coin="BTC", startTime=hour)

    assert row["time"] == stamp(hour)
    assert -0.0005 < float(row["fundingRate"]) < 0.0005


def test_spot_has_no_funding(wire):
    assert wire.info("fundingHistory", coin="@107", startTime=0) == []
