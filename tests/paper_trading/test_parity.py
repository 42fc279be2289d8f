"""A real account's orders again, beside its real fills."""

from decimal import Decimal

import pytest

from bistoury.paper_trading.parity import parity
from bistoury.paper_trading.recording import Recorder, RecordingError

D = Decimal
START = 1_790_000_000_000


def entry(oid, px, sz, at, *, side="B", tif="Gtc", status="filled", ended=0, **more):
    """Write a row of historicalOrders; times are ms after START."""
    row = {
        "coin": "BTC",
        "side": side,
        "limitPx": px,
        "sz": "0.0",
        "origSz": sz,
        "oid": oid,
        "timestamp": START + at,
        "isTrigger": False,
        "reduceOnly": False,
        "orderType": "Limit",
        "tif": tif,
    }
    stamp = START + (ended or at)
    return {"order": row | more, "status": status, "statusTimestamp": stamp}


def fill(oid, px, sz, at):
    return {"oid": oid, "px": px, "sz": sz, "time": START + at, "coin": "BTC"}


@pytest.fixture
def recorded(market, tmp_path):
    """A recording: 99 to 101, then a trade of 3 at 99, then 100 to 101."""
    market.bbo(1000, ("99", "1"), ("101", "2"))
    market.trade(2000, "A", "99", "3")
    market.bbo(3000, ("100", "1"), ("101", "2"))
    market.bbo(4000, ("100", "1"), ("101", "2"))
    path = tmp_path / "market.log"
    metas = [{"meta": META}]
    recorder = Recorder(path, metas, market.config, [], START)
    for at, message in market.taken:
        recorder.take(at, message)
    recorder.close(START + 5000)
    return path


META = {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40}]}


def test_a_taker_is_compared_in_price_and_time(recorded):
    told = parity(
        recorded, [entry(7, "102", "1", 900, tif="Ioc")], [fill(7, "100.5", "1", 950)]
    )
    row = told["rows"][0]
    assert row["real"] == {"sz": D(1), "px": D("100.5"), "first_fill_at": START + 950}
    assert row["paper"] == {"sz": D(1), "px": D(101), "first_fill_at": START + 1000}
    assert told["filled"] == {"both": 1, "only_real": 0, "only_paper": 0, "neither": 0}
    assert told["time_to_fill_ms"] == {"real": 50, "paper": 100}
    assert told["price_error_bps"]["mean"] == (D("0.5") / D("100.5") * 10_000)
    assert told["fill_rate"] == {"real": 1, "paper": 1}


def test_a_maker_is_filled_by_what_goes_past_the_queue_and_ends_when_it_really_did(
    recorded,
):
    rows = [
        entry(1, "99", "4", 900),
        entry(2, "99", "4", 900, status="canceled", ended=1500),
    ]
    told = parity(recorded, rows, [fill(1, "99", "4", 2000)])
    first, second = told["rows"]
    assert first["paper"]["sz"] == 2  # one stood before it
    assert first["price_error_bps"] == 0
    assert second["paper"]["sz"] == 0
    assert told["fill_rate"] == {"real": D("0.5"), "paper": D("0.25")}
    assert told["filled"]["neither"] == 1


def test_a_better_price_on_paper_counts_as_such(recorded):
    rows = [entry(1, "98", "1", 900, side="A", tif="Ioc")]
    told = parity(recorded, rows, [fill(1, "98", "1", 950)])
    assert told["price_error_bps"]["worst"] == (D(98) - D(99)) / D(98) * 10_000


def test_what_cannot_be_placed_again_is_counted(recorded):
    rows = [
        entry(1, "99", "1", -5, status="open"),
        entry(2, "99", "1", 900, isTrigger=True),
        entry(3, "99", "1", 900, status="perpMarginRejected"),
        entry(4, "9", "1", 900, coin="@107"),
        entry(5, "99", "1", 9000),
        entry(6, "101", "1", 900, tif="Alo", status="badAloPxRejected"),
        entry(8, "90", "1", 900, tif="Ioc", status="iocCancelRejected"),
    ]
    told = parity(recorded, rows, [])
    assert told["left_out"] == {
        "placed before the recording": 1,
        "triggers and liquidations": 1,
        "rejected by the venue": 1,
        "not a perpetual of the recording": 1,
        "placed after the recording": 1,
    }
    assert told["refused_on_paper"] == {"badAloPxRejected": 1, "iocCancelRejected": 1}
    assert told["orders"] == 2


def test_an_order_told_twice_is_one(recorded):
    rows = [
        entry(1, "99", "4", 900, status="open"),
        entry(1, "99", "4", 900, status="canceled", ended=1500),
    ]
    told = parity(recorded, rows, [])
    assert told["orders"] == 1
    assert told["rows"][0]["paper"]["sz"] == 0


def test_no_orders_and_no_recording(recorded, tmp_path):
    assert parity(recorded, [], [])["fill_rate"] == {"real": None, "paper": None}
    empty = tmp_path / "empty.log"
    empty.touch()
    with pytest.raises(RecordingError, match="empty"):
        parity(empty, [], [])


def test_what_was_done_on_paper_while_recording_is_left_aside(recorded, market, orders):
    limit, _ = orders
    market.order(4100, limit(True, "102", "1", "Ioc"))
    path = recorded.with_name("with-orders.log")
    recorder = Recorder(path, [{"meta": META}], market.config, market.events, START)
    for at, message in market.taken:
        recorder.take(at, message)
    recorder.close(START + 5000)
    assert parity(path, [], [])["orders"] == 0
