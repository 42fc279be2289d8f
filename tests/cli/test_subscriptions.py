"""From what was typed to a subscription."""

from __future__ import annotations

import pytest

from bistoury.cli.subscriptions import name_of, parse, subscription_of
from bistoury.errors import ConfigError

USER = "0x" + "ab" * 20


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("allMids", {"type": "allMids"}),
        ("trades BTC", {"type": "trades", "coin": "BTC"}),
        ("candle BTC interval=1m", {"type": "candle", "coin": "BTC", "interval": "1m"}),
        ("l2Book BTC nSigFigs=5", {"type": "l2Book", "coin": "BTC", "nSigFigs": 5}),
        ("l2Book BTC fast=true", {"type": "l2Book", "coin": "BTC", "fast": True}),
        (f"userFills user={USER}", {"type": "userFills", "user": USER}),
        ("somethingNew a=b", {"type": "somethingNew", "a": "b"}),
    ],
)
def test_reads_a_subscription(text, body):
    assert parse(text) == body


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "subscribe"),
        ("trades", "coin"),
        ("trades BTC ETH", "subscribe"),
        ("allMids BTC", "coin"),
        ("trads BTC", "did you mean 'trades'"),
        ("candle BTC interval=7m", "interval"),
        ("userFills user=0x12", "user"),
        ("l2Book BTC nSigFigs=9", "n_sig_figs"),
        ("l2Book BTC =5", "param"),
    ],
)
def test_refuses_with_a_sentence_that_names_what_is_wrong(text, named):
    with pytest.raises(ConfigError, match=named):
        parse(text)


def test_leaves_out_what_was_not_given():
    given = {"coin": "BTC", "user": None}

    assert subscription_of("bbo", given, []) == {"type": "bbo", "coin": "BTC"}


def test_is_called_as_people_say_it():
    assert name_of({"type": "trades", "coin": "BTC"}) == "trades BTC"
