from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bistoury.config import API_URLS, Config, Limits
from bistoury.errors import BistouryError, ConfigError

SRC = Path(__file__).parents[1] / "src"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Start with no variable of ours, in an empty folder."""
    for key in [key for key in os.environ if key.upper().startswith("BISTOURY_")]:
        monkeypatch.delenv(key)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_are_those_of_the_contract():
    config = Config.load_from_env()

    assert config.network == "mainnet"
    assert config.api_url == "https://api.hyperliquid.xyz"
    assert config.ws_url == "wss://api.hyperliquid.xyz/ws"
    assert config.info_url == "https://api.hyperliquid.xyz/info"
    assert config.message_timeout == 30
    assert config.reconnect_delay == 1
    assert config.max_reconnect_delay == 60
    assert config.reconnect_exponential_base == 2
    assert config.limits == Limits(
        connections_per_minute=30,
        connections=10,
        subscriptions=1000,
        users=10,
        messages_per_minute=2000,
        posts_in_flight=100,
        rest_weight_per_minute=1200,
    )
    assert (config.proxy, config.trust_env, config.allow_insecure) == (
        None,
        False,
        False,
    )


@pytest.mark.parametrize("network", API_URLS)
def test_the_network_chooses_the_urls(network):
    config = Config(network=network)

    assert config.api_url == API_URLS[network]
    assert config.ws_url == API_URLS[network].replace("http", "ws", 1) + "/ws"


def test_the_local_venue_is_where_the_simulator_listens():
    assert Config(network="local").ws_url == "ws://127.0.0.1:8765/ws"


@pytest.mark.parametrize(
    ("given", "venue"),
    [
        ({}, "mainnet"),
        ({"network": "testnet"}, "testnet"),
        ({"api_url": API_URLS["testnet"]}, "testnet"),
        ({"api_url": "http://127.0.0.1:9000"}, "local"),
        ({"network": "testnet", "api_url": "http://localhost:9000"}, "local"),
        ({"network": "local", "api_url": "https://venue.example"}, "custom"),
        ({"api_url": "https://api.hyperliquid.xyz.example"}, "custom"),
        ({"ws_url": "wss://sockets.example/feed"}, "custom"),
    ],
)
def test_the_venue_is_what_the_urls_lead_to(given, venue):
    assert Config(**given).venue == venue


def test_the_socket_may_live_elsewhere(monkeypatch):
    monkeypatch.setenv("BISTOURY_WS_URL", "wss://sockets.example/feed/")

    config = Config()

    assert config.ws_url == "wss://sockets.example/feed"
    assert config.api_url == API_URLS["mainnet"]


def test_a_url_needs_no_slash_at_its_end():
    assert Config(api_url="HTTPS://venue.example:8443/").info_url == (
        "https://venue.example:8443/info"
    )


def test_the_stronger_place_wins_for_each_setting(folder, monkeypatch):
    (folder / "bistoury.toml").write_text(
        "message_timeout = 10\nreconnect_delay = 10\nmax_reconnect_delay = 10\n"
        "[limits]\nconnections = 4\nusers = 4\nsubscriptions = 4\n"
    )
    (folder / ".env").write_text(
        "BISTOURY_MESSAGE_TIMEOUT=20\nBISTOURY_RECONNECT_DELAY=20\n"
        "BISTOURY_LIMITS__CONNECTIONS=3\nBISTOURY_LIMITS__USERS=3\n"
    )
    monkeypatch.setenv("BISTOURY_MESSAGE_TIMEOUT", "40")
    monkeypatch.setenv("BISTOURY_LIMITS__CONNECTIONS", "2")

    read, given = Config.load_from_env(), Config(message_timeout=50)

    assert given.message_timeout == 50
    assert read.message_timeout == 40
    assert read.reconnect_delay == 20
    assert read.max_reconnect_delay == 10
    assert read.reconnect_exponential_base == 2
    assert read.limits == Limits(connections=2, users=3, subscriptions=4)


def test_none_is_the_same_as_not_given(monkeypatch):
    monkeypatch.setenv("BISTOURY_NETWORK", "testnet")

    assert Config(network=None).network == "testnet"


def test_limits_are_given_as_a_mapping_or_whole(monkeypatch):
    monkeypatch.setenv("BISTOURY_LIMITS__USERS", "15")

    assert Config(limits={"connections": 3}).limits == Limits(connections=3, users=15)
    assert Config(limits=Limits(connections=3)).limits == Limits(connections=3)


def test_an_empty_variable_is_not_set(folder, monkeypatch):
    monkeypatch.setenv("BISTOURY_NETWORK", "")
    monkeypatch.setenv("BISTOURY_PROXY", "")
    (folder / ".env").write_text("BISTOURY_NETWORK=\n")

    assert Config().network == "mainnet"
    assert Config().proxy is None


def test_variables_of_others_are_left_alone(folder, monkeypatch):
    monkeypatch.setenv("API_URL", "nonsense")
    (folder / ".env").write_text("DATABASE_URL=nonsense\nNETWORK=nonsense\n")

    assert Config() == Config(network="mainnet")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("BISTOURY_NETWOKR", "BISTOURY_NETWORK"),
        ("BISTOURY_LIMITS__USER", "BISTOURY_LIMITS__USERS"),
        ("BISTOURY_LIMITS_USERS", "BISTOURY_LIMITS__USERS"),
        ("bistoury_message_timeot", "BISTOURY_MESSAGE_TIMEOUT"),
    ],
)
def test_an_unknown_variable_is_refused_with_a_hint(monkeypatch, key, hint):
    monkeypatch.setenv(key, "5")

    with pytest.raises(ConfigError, match=rf"{hint} \(did you mean") as caught:
        Config()

    assert (caught.value.field, caught.value.value) == (key, "5")


def test_an_unknown_variable_like_no_other_gets_the_list(monkeypatch):
    monkeypatch.setenv("BISTOURY_QQQQ", "5")

    with pytest.raises(ConfigError, match=r"BISTOURY_NETWORK, .*__USERS"):
        Config()


def test_an_unknown_key_in_a_file_is_refused_with_its_place(folder):
    (folder / ".env").write_text("BISTOURY_NETWOKR=local\n")
    with pytest.raises(ConfigError) as caught:
        Config()
    assert caught.value.field == "BISTOURY_NETWOKR in .env"

    (folder / ".env").unlink()
    (folder / "bistoury.toml").write_text("[limits]\nuser = 5\n")
    with pytest.raises(ConfigError, match=r"limits\.users") as caught:
        Config()
    assert caught.value.field == "limits.user in bistoury.toml"


def test_an_unknown_argument_is_refused_with_a_hint():
    with pytest.raises(ConfigError, match="did you mean"):
        Config(networ="local")
    with pytest.raises(ConfigError, match=r"limits\.users"):
        Config(limits={"user": 5})


def test_limits_that_are_no_limits_are_refused():
    with pytest.raises(ConfigError, match="limits"):
        Config(limits=5)


def test_where_the_tests_find_recordings_is_no_setting(monkeypatch):
    monkeypatch.setenv("BISTOURY_SHARED", "/somewhere")

    assert Config().network == "mainnet"


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("network", "Mainnet", "did you mean 'mainnet'"),
        ("network", "prod", "one of mainnet, testnet, local"),
        ("message_timeout", "soon", "seconds from 0.001 to 86400"),
        ("message_timeout", "0", "seconds"),
        ("message_timeout", "-1", "seconds"),
        ("message_timeout", "nan", "seconds"),
        ("message_timeout", "inf", "seconds"),
        ("message_timeout", "true", "seconds"),
        ("reconnect_exponential_base", "0.5", "factor from 1"),
        ("trust_env", "perhaps", "true or false"),
        ("limits__users", "0", "whole number from 1"),
        ("user_memory", "19999", "whole number from 20000"),
        ("coin_memory", "4999", "whole number from 5000"),
        ("limits__users", "1.5", "whole number"),
        ("api_url", "api.hyperliquid.xyz", "http://host"),
        ("proxy", "gopher://x", "socks5://host"),
    ],
)
def test_a_bad_variable_is_refused_by_name(monkeypatch, setting, value, allowed):
    key = f"BISTOURY_{setting.upper()}"
    monkeypatch.setenv(key, value)

    with pytest.raises(ConfigError, match=allowed) as caught:
        Config()

    assert caught.value.field == key
    assert caught.value.value == value
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BistouryError)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"network": 5}, "network"),
        ({"message_timeout": True}, "message_timeout"),
        ({"message_timeout": float("nan")}, "message_timeout"),
        ({"reconnect_delay": float("inf")}, "reconnect_delay"),
        ({"reconnect_delay": [1]}, "reconnect_delay"),
        ({"limits": {"users": True}}, "limits.users"),
        ({"limits": Limits(users=-1)}, "limits.users"),
        ({"api_url": 5}, "api_url"),
    ],
)
def test_a_bad_argument_is_refused_by_name(given, field):
    with pytest.raises(ConfigError) as caught:
        Config(**given)

    assert caught.value.field == field


def test_a_bad_value_in_a_file_is_refused_with_its_place(folder):
    (folder / "bistoury.toml").write_text("[limits]\nusers = true\n")

    with pytest.raises(ConfigError) as caught:
        Config()

    assert caught.value.field == "limits.users in bistoury.toml"


@pytest.mark.parametrize(
    "url", ["venue.example", "https://me:secret@venue.example", "https://venue/v1"]
)
def test_a_url_that_could_lead_astray_is_refused(url):
    with pytest.raises(ConfigError, match="https://host") as caught:
        Config(api_url=url)

    assert caught.value.field == "api_url"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ws://venue.example/ws", "http://127.0.0.1/ws"])
def test_a_bad_socket_url_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        Config(ws_url=url)

    assert caught.value.field == "ws_url"


def test_plain_text_beyond_this_machine_must_be_asked_for(monkeypatch):
    with pytest.raises(ConfigError, match="allow_insecure=True"):
        Config(api_url="http://venue.example:8000")

    monkeypatch.setenv("BISTOURY_ALLOW_INSECURE", "true")
    config = Config(api_url="http://venue.example:8000")
    assert config.ws_url == "ws://venue.example:8000/ws"


def test_a_safe_rest_does_not_excuse_an_open_socket():
    with pytest.raises(ConfigError, match="wss://") as caught:
        Config(ws_url="ws://venue.example")

    assert caught.value.field == "ws_url"


def test_the_password_of_a_proxy_is_never_repeated():
    config = Config(proxy="socks5://me:secret@proxy.example:1080")
    assert config.proxy == "socks5://me:secret@proxy.example:1080"
    assert "secret" not in repr(config)

    with pytest.raises(ConfigError) as caught:
        Config(proxy="gopher://me:secret@proxy.example")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", [b"network = ", b"\xff\xfe"])
def test_an_unreadable_toml_file_is_refused_by_name(folder, content):
    (folder / "bistoury.toml").write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        Config()

    assert caught.value.field == "bistoury.toml"


def test_an_unreadable_env_file_is_refused_by_name(folder):
    (folder / ".env").write_bytes(b"BISTOURY_NETWORK=\xff\n")

    with pytest.raises(ConfigError) as caught:
        Config()

    assert caught.value.field == ".env"


def test_a_folder_named_env_is_no_file(folder):
    (folder / ".env").mkdir()  # some keep a virtual environment there

    assert Config().network == "mainnet"


def test_a_folder_in_place_of_the_file_leads_to_no_other_venue(folder):
    (folder / "bistoury.toml").mkdir()

    with pytest.raises(ConfigError) as caught:
        Config()

    assert caught.value.field == "bistoury.toml"


def test_the_folder_matters_only_through_its_two_files(folder, monkeypatch):
    (folder / "config.toml").write_text('network = "local"\n')
    (folder / ".env.local").write_text("BISTOURY_NETWORK=local\n")
    inner = folder / "inner"
    inner.mkdir()
    (folder / ".env").write_text("BISTOURY_NETWORK=testnet\n")
    (folder / "bistoury.toml").write_text("message_timeout = 7\n")

    assert (Config().network, Config().message_timeout) == ("testnet", 7)

    monkeypatch.chdir(inner)
    assert Config() == Config(network="mainnet", message_timeout=30)


def test_a_config_cannot_be_changed_but_copied():
    config = Config(network="local")

    with pytest.raises(dataclasses.FrozenInstanceError):
        config.network = "mainnet"
    assert dataclasses.replace(config, message_timeout=5).message_timeout == 5
    assert hash(config) == hash(Config(network="local"))


def test_importing_reads_nothing_and_imports_no_pydantic(folder):
    (folder / "bistoury.toml").write_text("this is no TOML")
    program = (
        "import sys, bistoury.config; "
        "sys.exit('pydantic' in sys.modules or 'dotenv' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SRC), "BISTOURY_NONSENSE": "1"},
        check=False,
    )

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("lower", "upper"), [("stale_floor", "stale_ceiling"), ("lag_warning", "lag_limit")]
)
def test_bounds_that_leave_nothing_between_them_are_refused(monkeypatch, lower, upper):
    assert getattr(Config(**{lower: 7, upper: 7}), lower) == 7
    with pytest.raises(ConfigError, match=rf"{lower}.*at most {upper}, which is 7"):
        Config(**{lower: 8, upper: 7})
    monkeypatch.setenv(f"BISTOURY_{lower.upper()}", "8")
    with pytest.raises(ConfigError, match=f"BISTOURY_{lower.upper()}"):
        Config(**{upper: 7})
