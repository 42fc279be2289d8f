"""What the rows of each feed are known by."""

from bistoury.hyperliquid import feeds
from bistoury.session.model import Version

FILL = {"time": 1, "coin": "BTC", "oid": 2, "tid": 0, "hash": "0x0"}


def key(type_, row):
    return feeds.FEEDS[type_].key(row)


def test_dust_conversions_differ_by_their_order():
    # HL: tid 0 and a zero hash on all of them.
    assert key("userFills", FILL) != key("userFills", {**FILL, "oid": 3})
    assert key("userFills", FILL) == key("userFills", {**FILL, "hash": "0x1"})


def test_trades_differ_by_time_and_number_and_share_hashes():
    trade = {"time": 1, "coin": "BTC", "tid": 5, "hash": "0x0"}

    assert key("trades", trade) == key("trades", {**trade, "hash": "0x1"})
    assert key("trades", trade) != key("trades", {**trade, "tid": 6})
    assert key("trades", trade) != key("trades", {**trade, "time": 2})


def order(status, size="1.0", stamp=5):
    body = {"oid": 1, "coin": "BTC", "sz": size}
    return {"order": body, "status": status, "statusTimestamp": stamp}


def test_partial_fills_of_an_order_differ_by_what_remains():
    assert key("orderUpdates", order("open")) != key(
        "orderUpdates", order("open", "0.5")
    )


def test_a_final_status_happens_once_however_its_size_is_spelled():
    one, other = order("filled", "0.0"), order("filled", "1.0")

    assert key("orderUpdates", one) == key("userHistoricalOrders", other)
    assert key("orderUpdates", one) != key("orderUpdates", order("canceled", "0.0"))
    assert key("orderUpdates", one) != key("orderUpdates", order("filled", stamp=6))


def test_a_bar_has_versions():
    bar = {"t": 60_000, "n": 3, "o": "1", "h": "2", "l": "1", "c": "2", "v": "9"}

    assert key("candle", bar) == Version(60_000, 3, ("1", "2", "1", "2", "9"))
    assert key("candle", bar) != key("candle", {**bar, "v": "10"})


def test_slices_of_different_twaps_differ():
    one, other = {"twapId": 1, "fill": FILL}, {"twapId": 2, "fill": FILL}

    assert key("userTwapSliceFills", one) != key("userTwapSliceFills", other)


def test_statuses_of_a_twap_differ():
    def status(name, time=9):
        state = {"timestamp": 1, "coin": "BTC"}
        return {"state": state, "status": {"status": name}, "time": time}

    keys = {
        key("userTwapHistory", status("activated")),
        key("userTwapHistory", status("finished")),
        key("userTwapHistory", status("finished", time=10)),
    }
    assert len(keys) == 3


def test_rows_of_one_transaction_differ_by_the_whole_change():
    def row(usdc):
        return {"time": 1, "hash": "0x1", "delta": {"type": "deposit", "usdc": usdc}}

    name = "userNonFundingLedgerUpdates"
    assert key(name, row("1.0")) != key(name, row("2.0"))
    assert key(name, row("1.0")) == key(name, row("1.0"))


def test_fundings_of_one_hour_differ_by_coin():
    assert key("userFundings", FILL) != key("userFundings", {**FILL, "coin": "ETH"})
