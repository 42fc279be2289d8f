from __future__ import annotations

import msgspec

from bistoury.hyperliquid.messages.control import Acknowledgement, PostReply


def test_an_acknowledged_subscription_keeps_its_nulls():
    data = {"method": "subscribe", "subscription": {"type": "l2Book", "mantissa": None}}

    assert msgspec.to_builtins(msgspec.convert(data, Acknowledgement)) == data


def test_a_refused_request_is_one_sentence():
    data = {"id": 3, "response": {"type": "error", "payload": "429 Too Many Requests"}}

    assert msgspec.convert(data, PostReply).response.payload == "429 Too Many Requests"
