"""
hyperliquid-python-sdk's ``Exchange``, as it is, against a paper server.

Runs in an environment of its own; prints one JSON line of what it got.
"""

import contextlib
import io
import json
import sys
import threading
import time

import eth_account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.signing import sign_l1_action
from hyperliquid.utils.types import Cloid

URL = sys.argv[1]
COIN = "ETH"
GTC = {"limit": {"tif": "Gtc"}}
FEEDS = ("userFills", "orderUpdates", "userEvents", "userFundings")


def only(answer):
    """The status of the only order of an answer."""
    return answer["response"]["data"]["statuses"][0]


def other(exchange, action):
    """Send an action that this version of the SDK has no verb for."""
    nonce = int(time.time() * 1000)
    signature = sign_l1_action(exchange.wallet, action, None, nonce, None, False)
    return exchange._post_action(action, signature, nonce)


def stop(exchange, price, kind, *, is_buy=False):
    trigger = {"trigger": {"triggerPx": price, "isMarket": True, "tpsl": kind}}
    return {
        "coin": COIN,
        "is_buy": is_buy,
        "sz": 0.1,
        "limit_px": price,
        "order_type": trigger,
        "reduce_only": True,
    }


def resting(price, *, is_buy=True, cloid=None):
    return {
        "coin": COIN,
        "is_buy": is_buy,
        "sz": 0.1,
        "limit_px": price,
        "order_type": GTC,
        "reduce_only": False,
        "cloid": cloid,
    }


def trade(exchange, info, address):
    got = {}
    mid = float(info.all_mids()[COIN])
    low, high = float(round(mid * 0.9)), float(round(mid * 1.1))
    cloid = Cloid.from_int(time.time_ns())

    got["order"] = exchange.order(COIN, True, 0.1, low, GTC, cloid=cloid)
    got["by_oid"] = info.query_order_by_oid(
        address, only(got["order"])["resting"]["oid"]
    )
    got["by_cloid"] = info.query_order_by_cloid(address, cloid)
    oid = only(got["order"])["resting"]["oid"]
    got["modify"] = exchange.modify_order(oid, COIN, True, 0.2, low, GTC, cloid=cloid)
    got["cancel_by_cloid"] = exchange.cancel_by_cloid(COIN, cloid)
    got["cancel_again"] = exchange.cancel_by_cloid(COIN, cloid)
    got["bulk"] = exchange.bulk_orders([resting(low), resting(low - 1)])
    got["open"] = info.open_orders(address)
    got["frontend_open"] = info.frontend_open_orders(address)
    oids = [it["resting"]["oid"] for it in got["bulk"]["response"]["data"]["statuses"]]
    changes = [{"oid": it, "order": resting(low - 2)} for it in oids]
    got["bulk_modify"] = exchange.bulk_modify_orders_new(changes)
    answered = got["bulk_modify"]["response"]["data"]["statuses"]
    oids = [it["resting"]["oid"] for it in answered]
    gone = [{"coin": COIN, "oid": it} for it in oids]
    got["bulk_cancel"] = exchange.bulk_cancel(gone)
    got["post_only"] = exchange.order(COIN, True, 0.1, high, {"limit": {"tif": "Alo"}})
    got["too_small"] = exchange.order(COIN, True, 0.001, low, GTC)

    got["leverage"] = exchange.update_leverage(10, COIN)
    got["too_much_leverage"] = exchange.update_leverage(200, COIN)
    got["market_open"] = exchange.market_open(COIN, True, 0.1)
    got["sl"] = exchange.bulk_orders([stop(exchange, low, "sl")])
    got["tp"] = exchange.bulk_orders([stop(exchange, high, "tp")])
    group = [resting(low), stop(exchange, low - 50, "sl"), stop(exchange, high, "tp")]
    got["group"] = exchange.bulk_orders(group, grouping="normalTpsl")
    got["state"] = info.user_state(address)
    got["market_close"] = exchange.market_close(COIN)
    got["after"] = info.user_state(address)
    left = [{"coin": COIN, "oid": it["oid"]} for it in info.open_orders(address)]
    got["clear"] = exchange.bulk_cancel(left) if left else None
    got["isolated"] = exchange.update_leverage(5, COIN, False)
    got["isolated_open"] = exchange.market_open(COIN, False, 0.1)
    got["margin"] = exchange.update_isolated_margin(10, COIN)
    got["isolated_state"] = info.user_state(address)
    got["isolated_close"] = exchange.market_close(COIN)
    soon = int(time.time() * 1000) + 60_000
    got["schedule"] = exchange.schedule_cancel(soon)
    got["unschedule"] = exchange.schedule_cancel(None)
    asset = exchange.info.name_to_asset(COIN)
    twap = {"a": asset, "b": True, "s": "1", "r": False, "m": 5, "t": False}
    got["twap"] = other(exchange, {"type": "twapOrder", "twap": twap})
    number = got["twap"]["response"]["data"]["status"]["running"]["twapId"]
    got["twap_cancel"] = other(
        exchange, {"type": "twapCancel", "a": asset, "t": number}
    )

    approved, key = exchange.approve_agent("bot")
    got["agent"] = approved
    wallet = eth_account.Account.from_key(key)
    agent = Exchange(wallet, URL, account_address=address)
    got["agents_order"] = agent.order(COIN, True, 0.1, low, GTC)
    got["owners_orders"] = info.open_orders(address)
    got["send"] = exchange.usd_transfer(1.0, "0x" + "11" * 20)

    exchange.set_expires_after(int(time.time() * 1000) - 60_000)
    got["expired"] = exchange.order(COIN, True, 0.1, low, GTC)
    exchange.set_expires_after(None)
    got["fills"] = info.user_fills(address)
    got["fees"] = info.user_fees(address)
    got["history"] = info.historical_orders(address)
    return got


def main():
    wallet = eth_account.Account.create()
    address = wallet.address
    info = Info(URL)
    heard = {name: [] for name in FEEDS}
    lock = threading.Lock()

    def listener(name):
        def take(message):
            with lock:
                heard[name].append(message)

        return take

    for name in FEEDS:
        info.subscribe({"type": name, "user": address}, listener(name))
    exchange = Exchange(wallet, URL)
    before = info.user_state(address)
    got = trade(exchange, info, address)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with lock:
            told = sum(len(it["data"]["fills"]) for it in heard["userFills"])
        # What a TWAP filled comes on a feed of its own.
        if told >= len([it for it in got["fills"] if it["twapId"] is None]):
            break
        time.sleep(0.05)
    info.disconnect_websocket()
    return {"address": address, "before": before, "heard": heard, **got}


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()) as said:
        report = main()
    report["said"] = said.getvalue()
    print(json.dumps(report))  # noqa: T201
