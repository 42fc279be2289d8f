"""
hyperliquid-python-sdk's ``Info``, as it is, against the venue whose URL is given.

Runs in an environment of its own; prints one JSON line of what it got.
"""

import contextlib
import io
import json
import sys
import threading
import time

from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

URL = sys.argv[1]
USER = "0x" + "Ab" * 20
NOW = int(time.time() * 1000)
HOUR = 3_600_000

SUBSCRIPTIONS = [
    {"type": "allMids"},
    {"type": "l2Book", "coin": "BTC"},
    {"type": "trades", "coin": "BTC"},
    {"type": "trades", "coin": "PURR/USDC"},
    {"type": "bbo", "coin": "ETH"},
    {"type": "candle", "coin": "BTC", "interval": "1m"},
    {"type": "activeAssetCtx", "coin": "BTC"},
    {"type": "activeAssetCtx", "coin": "@107"},
    {"type": "activeAssetData", "user": USER, "coin": "BTC"},
    {"type": "userEvents", "user": USER},
    {"type": "userFills", "user": USER},
    {"type": "orderUpdates", "user": USER},
    {"type": "userFundings", "user": USER},
    {"type": "userNonFundingLedgerUpdates", "user": USER},
]
GONE = {"type": "webData2", "user": USER}


def requests(info):
    """Every question ``Info`` knows, with arguments."""
    yield "user_state", lambda: info.user_state(USER)
    yield "spot_user_state", lambda: info.spot_user_state(USER)
    yield "open_orders", lambda: info.open_orders(USER)
    yield "frontend_open_orders", lambda: info.frontend_open_orders(USER)
    yield "all_mids", info.all_mids
    yield "user_fills", lambda: info.user_fills(USER)
    yield "user_fills_by_time", lambda: info.user_fills_by_time(USER, NOW - HOUR)
    yield "meta", info.meta
    yield "meta_and_asset_ctxs", info.meta_and_asset_ctxs
    yield "perp_dexs", info.perp_dexs
    yield "spot_meta", info.spot_meta
    yield "spot_meta_and_asset_ctxs", info.spot_meta_and_asset_ctxs
    yield "funding_history", lambda: info.funding_history("BTC", NOW - 24 * HOUR)
    yield (
        "user_funding_history",
        lambda: info.user_funding_history(USER, NOW - 24 * HOUR),
    )
    yield "l2_snapshot", lambda: info.l2_snapshot("BTC")
    yield (
        "candles_snapshot",
        lambda: info.candles_snapshot("BTC", "1m", NOW - HOUR, NOW),
    )
    yield "user_fees", lambda: info.user_fees(USER)
    yield "query_order_by_oid", lambda: info.query_order_by_oid(USER, 1)
    yield (
        "query_order_by_cloid",
        lambda: info.query_order_by_cloid(USER, Cloid.from_int(1)),
    )
    yield "historical_orders", lambda: info.historical_orders(USER)
    yield (
        "user_non_funding_ledger_updates",
        lambda: info.user_non_funding_ledger_updates(USER, NOW - 24 * HOUR),
    )
    yield "portfolio", lambda: info.portfolio(USER)
    yield "user_twap_slice_fills", lambda: info.user_twap_slice_fills(USER)
    yield "user_role", lambda: info.user_role(USER)
    yield "user_rate_limit", lambda: info.user_rate_limit(USER)
    yield "query_sub_accounts", lambda: info.query_sub_accounts(USER)
    yield "query_referral_state", lambda: info.query_referral_state(USER)


def main():
    info = Info(URL)
    got = {}
    lock = threading.Lock()

    def listener(name):
        def take(message):
            with lock:
                got.setdefault(name, []).append(message)

        return take

    numbers = {}
    for body in [*SUBSCRIPTIONS, GONE]:
        name = json.dumps(body)
        numbers[name] = info.subscribe(dict(body), listener(name))
    answers, errors = {}, {}
    for name, ask in requests(info):
        try:
            answers[name] = ask()
        except Exception as error:  # noqa: BLE001 -- reported
            errors[name] = repr(error)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and len(got) < len(SUBSCRIPTIONS):
        time.sleep(0.05)
    trades = json.dumps(SUBSCRIPTIONS[2])
    left = info.unsubscribe(dict(SUBSCRIPTIONS[2]), numbers[trades])
    info.disconnect_websocket()
    with lock:
        messages = {name: rows[:5] for name, rows in got.items()}
    return {
        "messages": messages,
        "gone": json.dumps(GONE) in messages,
        "wanted": [json.dumps(body) for body in SUBSCRIPTIONS],
        "answers": {name: type(it).__name__ for name, it in answers.items()},
        "errors": errors,
        "coins": sorted(info.name_to_coin),
        "book": answers.get("l2_snapshot"),
        "bars": (answers.get("candles_snapshot") or [])[-3:],
        "fills": (answers.get("user_fills") or [])[:3],
        "left": left,
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()) as said:
        report = main()
    report["said"] = said.getvalue()
    print(json.dumps(report))  # noqa: T201
