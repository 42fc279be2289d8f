from __future__ import annotations

import sys

import pytest

from bistoury import ConfigError
from bistoury.paper_trading.server.signatures import (
    SignatureError,
    check_installed,
    signer_of,
)
from bistoury.paper_trading.server.typed_actions import TYPED

ACTION = {"type": "cancel", "cancels": [{"a": 1, "o": 5}]}


def recovered(row, **changed):
    row = {**row, **changed}
    return signer_of(
        row["action"],
        row["signature"],
        nonce=row["nonce"],
        vault=row["vault"],
        expires_after=row["expires_after"],
        network=row["network"],
    )


def test_whoever_signed_with_the_official_sdk_is_found(signed):
    assert len(signed["rows"]) == 19
    assert {row["name"] for row in signed["rows"]} >= set(TYPED)
    for row in signed["rows"]:
        assert recovered(row) == signed["address"], row["name"]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("order", {"nonce": 1_790_000_000_002}),
        ("order", {"network": "mainnet"}),
        ("order", {"vault": "0x" + "ab" * 20}),
        ("order", {"expires_after": 1_790_000_000_000}),
        ("vault", {"vault": None}),
        ("expires", {"expires_after": 1_790_000_000_001}),
    ],
)
def test_whatever_is_changed_belongs_to_somebody_else(signed, name, changed):
    row = next(it for it in signed["rows"] if it["name"] == name)

    assert recovered(row, **changed) != signed["address"]


def test_the_order_of_an_actions_members_counts(signed):
    row = signed["rows"][0]
    turned = dict(reversed(row["action"].items()))

    assert recovered(row, action=turned) != signed["address"]


@pytest.mark.parametrize("kind", sorted(TYPED))
def test_every_member_of_a_typed_action_is_signed(signed, kind):
    row = next(it for it in signed["rows"] if it["name"] == kind)
    for member, value in row["action"].items():
        if member in ("type", "signatureChainId"):
            continue
        match value:
            case bool():
                other = not value
            case int():
                other = value + 1
            case str() if value.startswith("0x"):
                other = "0x" + "11" * 20
            case _:
                other = value + "x"
        changed = {**row["action"], member: other}
        assert recovered(row, action=changed) != signed["address"], member


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        (None, "an object with r, s and v"),
        ({"r": "0x1", "s": "0x1"}, "r, s and v are needed"),
        ({"r": "0xzz", "s": "0x1", "v": 27}, "r, s and v are needed"),
        ({"r": "0x1" + "0" * 64, "s": "0x1", "v": 27}, "r, s and v are needed"),
        ({"r": "0x1", "s": "0x1", "v": 35}, "v: 35"),
        ({"r": "0x0", "s": "0x0", "v": 27}, ""),
        ({"r": "0x" + "ff" * 32, "s": "0x" + "ff" * 32, "v": 27}, ""),
    ],
)
def test_what_is_no_signature_is_called_so(signature, said):
    with pytest.raises(SignatureError, match="cannot be read") as caught:
        signer_of(ACTION, signature, nonce=1)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "usdSend"},
        {"type": "usdSend", "signatureChainId": "x"},
        {"type": "usdSend", "signatureChainId": 5},
        {"type": "order", "n": 2**70},
        {"type": "approveAgent", "signatureChainId": "0x1", "hyperliquidChain": 5},
    ],
)
def test_what_cannot_be_hashed_is_called_so(signed, action):
    with pytest.raises(SignatureError, match="cannot be hashed"):
        signer_of(action, signed["rows"][0]["signature"], nonce=1)


def test_a_nonce_that_does_not_fit_is_called_so(signed):
    with pytest.raises(SignatureError, match="cannot be hashed"):
        signer_of(ACTION, signed["rows"][0]["signature"], nonce=2**64)


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "coincurve", None)

    with pytest.raises(ConfigError, match=r"pip install 'bistoury\[paper\]'"):
        check_installed()
