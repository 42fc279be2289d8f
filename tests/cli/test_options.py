"""The options every command takes."""

from __future__ import annotations

import pytest

from bistoury.cli.options import config_from, seconds_from
from bistoury.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("60s", 60),
        ("1.5m", 90),
        ("2h", 7200),
        ("250ms", 0.25),
        ("1d", 86400),
    ],
)
def test_reads_durations(text, seconds):
    assert seconds_from("--for", text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-1s", "ten", "5 minutes", "1e3", "nan"]
)
def test_refuses_what_is_no_duration(text):
    with pytest.raises(ConfigError, match="--for"):
        seconds_from("--for", text)


def test_a_url_given_here_settles_the_whole_way(monkeypatch):
    monkeypatch.setenv("BISTOURY_WS_URL", "ws://127.0.0.1:9/elsewhere")

    config = config_from(None, "http://127.0.0.1:8000/")

    assert config.api_url == "http://127.0.0.1:8000"
    assert config.ws_url == "ws://127.0.0.1:8000/ws"


def test_a_network_given_here_beats_an_address_in_the_environment(monkeypatch):
    monkeypatch.setenv("BISTOURY_API_URL", "http://127.0.0.1:9")

    config = config_from("testnet", None)

    assert config.api_url == "https://api.hyperliquid-testnet.xyz"
    assert config.ws_url == "wss://api.hyperliquid-testnet.xyz/ws"


def test_says_nothing_where_nothing_was_said(monkeypatch):
    monkeypatch.setenv("BISTOURY_API_URL", "http://127.0.0.1:9")

    assert config_from(None, None).api_url == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("network", "url"), [("mainet", None), (None, "127.0.0.1"), (None, "ftp://x")]
)
def test_refuses_what_leads_nowhere(network, url):
    with pytest.raises(ConfigError):
        config_from(network, url)
