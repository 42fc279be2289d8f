"""Recorded accounts, fill by fill: position, words, profit and fee to the last digit."""

import json
from decimal import Decimal

import pytest

from bistoury.paper_trading import events as said
from bistoury.paper_trading import views
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.desk import Desk, Evidence
from bistoury.paper_trading.events import Order
from bistoury.paper_trading.fees import FeeSettings
from bistoury.paper_trading.settings import PaperConfig
from bistoury.paper_trading.universe import Universe

D = Decimal
META = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 40},
        {"name": "ETH", "szDecimals": 4, "maxLeverage": 25, "marginTableId": 25},
        # HIP-3, in growth mode.
        {
            "name": "xyz:SILVER",
            "szDecimals": 2,
            "maxLeverage": 20,
            "marginTableId": 20,
            "growthMode": "enabled",
        },
    ],
    "marginTables": [],
}
RECORDED = {
    "one account over six days": ("userFills", "roq:user_fills/simple", D("0.04")),
    "the same account, asked for": (
        "rest_userFills",
        "roq:get_user_fills_ack/simple",
        D("0.04"),
    ),
    "in and out on testnet": (
        "rest_userFillsByTime",
        "go-hyperliquid:UserFillsByTime.yaml",
        D(0),
    ),
}


def desk(discount):
    config = PaperConfig(fees=FeeSettings(referral_discount=discount))
    universe = Universe.from_meta(META)
    places = {name: it.px_decimals for name, it in universe.by_coin.items()}
    made = Desk(universe, config, Accounts(places))
    made.emit(said.AccountOpened, account="main", cash=D(1000))
    return made


def order_of(row, universe):
    return Order(
        oid=row["oid"],
        account="main",
        coin=row["coin"],
        asset=universe.by_coin[row["coin"]].asset,
        is_buy=row["side"] == "B",
        px=D(row["px"]),
        sz=D(row["sz"]),
        orig_sz=D(row["sz"]),
        tif="Gtc",
    )


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_account_is_reproduced_fill_by_fill(samples, name):
    file, source, discount = RECORDED[name]
    found = json.loads((samples / f"{file}.json").read_text())
    message = next(it["message"] for it in found if it["source"] == source)
    rows = message["data"]["fills"] if isinstance(message, dict) else message
    venue = desk(discount)
    # An answer begins with the newest, a snapshot with the oldest.
    rows = sorted(rows, key=lambda it: it["time"])
    rows = [it for it in rows if it["coin"] in venue.universe.by_coin]
    for row in rows:
        order = order_of(row, venue.universe)
        evidence = Evidence(row["time"], "recorded")
        venue.fill(order, order.sz, order.px, evidence, crossed=row["crossed"])
        made = venue.accounts.by_name["main"].fills[-1]
        shown = views.fill(made)
        for member in ("coin", "px", "sz", "side", "time", "crossed", "feeToken"):
            assert shown[member] == row[member]
        for member in ("startPosition", "dir", "closedPnl", "fee"):
            assert shown[member] == row[member], (member, row)
    assert len(rows) >= 2


def test_the_words_of_a_recorded_flip_are_ours(samples):
    found = json.loads((samples / "user.json").read_text())
    row = next(
        fill
        for it in found
        for fill in it["message"]["data"].get("fills", ())
        if fill["dir"] == "Long > Short"
    )
    venue = desk(D(0))
    # Its entry price follows from its profit: 79146 - 0.046128 / 0.00093.
    entry = D(row["px"]) - D(row["closedPnl"]) / D(row["startPosition"])
    first = order_of(
        {**row, "side": "B", "px": entry, "sz": row["startPosition"]}, venue.universe
    )
    venue.fill(first, first.sz, first.px, Evidence(1, ""), crossed=False)
    order = order_of(row, venue.universe)
    order.builder_fee = 10
    venue.fill(order, order.sz, order.px, Evidence(row["time"], ""), crossed=False)
    shown = views.fill(venue.accounts.by_name["main"].fills[-1])
    for member in ("dir", "startPosition", "closedPnl", "fee", "builderFee"):
        assert shown[member] == row[member]


def test_a_recorded_market_order_is_closed_as_recorded(samples):
    """The answer says at which average it was filled, the feed what closing it made."""
    answers = json.loads((samples / "rest_exchange_responses.json").read_text())
    filled = next(
        status["filled"]
        for it in answers
        if isinstance(it["message"].get("response"), dict)
        for status in it["message"]["response"].get("data", {}).get("statuses", ())
        if isinstance(status, dict)
        and status.get("filled", {}).get("avgPx") == "2080.2"
    )
    found = json.loads((samples / "user.json").read_text())
    row = next(
        it["message"]["data"]["fills"][0]
        for it in found
        if it["source"] == "roq:user/fills"
    )
    venue = desk(D("0.04"))
    opening = {**row, "side": "B", "px": filled["avgPx"], "sz": filled["totalSz"]}
    for it in (opening, row):
        order = order_of(it, venue.universe)
        venue.fill(order, order.sz, order.px, Evidence(row["time"], ""), crossed=True)
    shown = views.fill(venue.accounts.by_name["main"].fills[-1])
    for member in ("dir", "startPosition", "closedPnl", "fee"):
        assert shown[member] == row[member]
