from __future__ import annotations

import pytest

from bistoury.errors import ConfigError
from bistoury.urls import checked_url, leaves_in_clear, without_password

HTTP = ("http", "https")


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://venue.example", "https://venue.example"),
        ("HTTPS://venue.example/", "https://venue.example"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://[::1]:8765", "http://[::1]:8765"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_a_scheme_a_host_and_a_port_are_fine(url, same):
    assert checked_url("api_url", url, HTTP) == same


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///info",
        "//venue.example",
        "venue.example",
        "ftp://venue.example",
        "https://me:secret@venue.example",
        "https://venue.example?a=1",
        "https://venue.example#a",
        "https://venue.example/v1",
        "https://venue.example:0",
        "https://venue.example:99999",
        "https://venue.example:port",
        "https://venue.example:",
        "https://venue example",
        "https://venue.exa\nmple",
        "https://v\u00e9nue.example",
        "https://[::1",
        "https://a,b",
        "https://a%2eb",
    ],
)
def test_anything_else_is_refused_and_no_password_is_repeated(url):
    with pytest.raises(ConfigError, match=r"https://host\[:port\]") as caught:
        checked_url("api_url", url, HTTP)

    assert caught.value.field == "api_url"
    assert "secret" not in str(caught.value)


def test_a_path_and_a_user_are_fine_where_they_may_be():
    assert checked_url("ws_url", "wss://a/b/", ("wss",), may_have_path=True) == (
        "wss://a/b"
    )
    assert checked_url("proxy", "http://me:x@a:1", HTTP, may_have_user=True) == (
        "http://me:x@a:1"
    )


@pytest.mark.parametrize(
    "host",
    ["venue.example", "10.0.0.1", "0.0.0.0", "127.0.0.1.example", "localhost.example"],
)
def test_plain_text_beyond_this_machine_is_noticed(host):
    assert leaves_in_clear(f"http://{host}:8000")
    assert leaves_in_clear(f"ws://{host}/ws")
    assert not leaves_in_clear(f"https://{host}")
    assert not leaves_in_clear(f"wss://{host}")


@pytest.mark.parametrize("host", ["localhost", "venue.localhost", "127.1.2.3", "[::1]"])
def test_this_machine_is_known_by_its_names(host):
    assert not leaves_in_clear(f"http://{host}:8000")


def test_only_texts_have_passwords():
    assert without_password("http://me:x@host/") == "http://***@host/"
    assert without_password("http://host/a@b") == "http://host/a@b"
    assert without_password(5) == 5
