"""Clients that were written elsewhere, unmodified, against ``bistoury sim``."""

import json
from itertools import pairwise

import pytest

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_python_sdk_gets_every_subscription_and_every_answer(played):
    report = played("sdk_info.py")
    assert report["errors"] == {}
    assert len(report["answers"]) == 27
    assert set(report["wanted"]) == set(report["messages"])
    for name, messages in report["messages"].items():
        body = json.loads(name)
        channel = "user" if body["type"] == "userEvents" else body["type"]
        if body.get("coin") == "@107":
            channel = "activeSpotAssetCtx"
        assert {it["channel"] for it in messages} == {channel}
    # HL: webData2 is gone as a subscription; the venue says so and goes on.
    assert report["gone"] is False
    assert report["left"] is True
    assert {"BTC", "ETH", "kPEPE", "PURR/USDC", "@107"} <= set(report["coins"])
    bids, asks = report["book"]["levels"]
    assert float(bids[0]["px"]) < float(asks[0]["px"])
    assert [bar["t"] for bar in report["bars"]] == sorted(
        bar["t"] for bar in report["bars"]
    )
    assert all(
        {"px", "sz", "oid", "tid", "fee"} <= fill.keys() for fill in report["fills"]
    )
    assert "unexpected subscription" not in report["said"]


def test_ccxt_watches_trades_and_books_and_fetches_bars(played):
    report = played("ccxt_watch.py")
    assert {"BTC/USDC:USDC", "ETH/USDC:USDC", "PURR/USDC"} <= set(report["symbols"])
    assert all(it["symbol"] == "BTC/USDC:USDC" for it in report["trades"])
    assert all(it["price"] > 0 < it["amount"] for it in report["trades"])
    assert len(report["books"]) == 3
    for book in [*report["books"], report["book"]]:
        assert book["bids"][0][0] < book["asks"][0][0]
        assert book["bids"][0][0] > book["bids"][1][0]
    bars = report["bars"]
    assert len(bars) == 20
    assert [b[0] - a[0] for a, b in pairwise(bars)] == [60_000] * 19
    assert all(
        low <= min(opens, closes) <= max(opens, closes) <= high
        for _, opens, high, low, closes, _ in bars
    )
