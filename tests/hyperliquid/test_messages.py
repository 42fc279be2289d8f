"""Every message survives being read and written; what cannot be read is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bistoury.hyperliquid.messages import (
    DATA_TYPES,
    account,
    decode,
    encode,
    market,
    orders,
    user,
)

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SAMPLES = (
    Path(os.environ.get("BISTOURY_SHARED", ROOT.parent / "shared"))
    / "reference"
    / "samples"
)

# Requests whose answers we have a type for.
ANSWERS: dict[str, Any] = {
    "activeAssetData": account.ActiveAssetData,
    "allMids": dict[str, str],
    "candleSnapshot": list[market.Candle],
    "clearinghouseState": account.AccountState,
    "frontendOpenOrders": list[orders.DetailedOrder],
    "historicalOrders": list[orders.OrderRecord],
    "l2Book": market.Book,
    "openOrders": list[orders.Order],
    "orderStatus": orders.OrderStatus,
    "recentTrades": list[market.Trade],
    "spotClearinghouseState": account.SpotAccount,
    "userFills": list[user.Fill],
    "userFillsByTime": list[user.Fill],
    "userNonFundingLedgerUpdates": list[user.LedgerUpdate],
    "userTwapSliceFills": list[user.TwapSliceFill],
}

# Recordings that are not what the venue sends today, each with the reason.
NOT_TODAYS = {
    ("userFills", "python-sdk:test_get_user_fills.yaml"): "2023: no tid",
    ("userFillsByTime", "python-sdk:test_get_user_fills_by_time.yaml"): "2023: no tid",
    (
        "clearinghouseState",
        "nautilus:http_clearinghouse_state_negative_total_raw_usd.json",
    ): "cut: no marginSummary",
    ("l2Book", "nautilus:http_l2_book_btc.json"): "edited: levels without a count",
}


def samples(kind: str, names: dict[str, Any] | None = None) -> list[Any]:
    if not SAMPLES.is_dir():
        reason = f"no recorded messages in {SAMPLES} (set BISTOURY_SHARED)"
        return [pytest.param("", None, marks=pytest.mark.skip(reason=reason))]
    found = []
    for path in sorted(SAMPLES.glob("*.json")):
        entries = json.loads(path.read_text())
        if isinstance(entries, dict):  # one whole frame instead of a list
            entries = [{"source": "whole", "kind": "ws-message", "message": entries}]
        for number, entry in enumerate(entries):
            known = names is None or path.stem.removeprefix("rest_") in names
            if entry["kind"] == kind and known:
                found.append(pytest.param(path.stem, entry, id=f"{path.stem}-{number}"))
    assert found
    return found


@pytest.mark.parametrize(("name", "entry"), samples("ws-message"))
def test_a_recorded_message_survives_being_read_and_written(name, entry):
    message = entry["message"]
    if message["channel"] == "pong":
        assert "data" not in message
        return
    raw = json.dumps(message["data"]).encode()

    read = decode(message["channel"], raw)

    assert message["channel"] in DATA_TYPES
    assert json.loads(encode(read)) == message["data"]


@pytest.mark.parametrize(("name", "entry"), samples("rest-response", ANSWERS))
def test_a_recorded_answer_can_be_read_as_the_type_of_its_feed(name, entry):
    request = name.removeprefix("rest_")
    raw = json.dumps(entry["message"]).encode()
    if (request, entry["source"]) in NOT_TODAYS:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(raw, type=ANSWERS[request])
        return

    read = msgspec.json.decode(raw, type=ANSWERS[request])

    assert json.loads(encode(read)) == entry["message"]


@pytest.mark.parametrize("channel", sorted(DATA_TYPES))
def test_each_channel_has_a_golden_frame_that_survives(channel):
    frame = json.loads((GOLDEN / f"{channel}.json").read_text())
    raw = json.dumps(frame["data"]).encode()

    read = decode(channel, raw)

    assert frame["channel"] == channel
    assert json.loads(encode(read)) == frame["data"]


def test_there_is_no_golden_frame_without_a_channel():
    frames = {path.stem for path in GOLDEN.glob("*.json")}

    assert frames == {*DATA_TYPES, "pong"}
