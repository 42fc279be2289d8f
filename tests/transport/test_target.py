from __future__ import annotations

import pytest

from bistoury.errors import ConfigError
from bistoury.transport.target import parse_proxy, parse_target


@pytest.mark.parametrize(
    ("url", "host", "port", "secure"),
    [
        ("ws://venue.test", "venue.test", 80, False),
        ("wss://VENUE.test/ws?x=1", "venue.test", 443, True),
        ("ws://127.0.0.1:8765/ws", "127.0.0.1", 8765, False),
        ("wss://[::1]:444/", "::1", 444, True),
    ],
)
def test_reads_where_a_url_leads(url, host, port, secure):
    endpoint = parse_target(url)

    assert (endpoint.host, endpoint.port, endpoint.is_secure) == (host, port, secure)
    assert str(endpoint) == f"{host}:{port}"


def test_a_proxy_may_have_a_password_that_nobody_sees():
    endpoint = parse_proxy("http://me:secret@proxy.test:3128")

    assert (endpoint.host, endpoint.port, endpoint.password) == (
        "proxy.test",
        3128,
        "secret",
    )
    assert "secret" not in str(endpoint)
    assert "secret" not in repr(endpoint)


def test_socks_has_a_port_of_its_own():
    assert parse_proxy("socks5://proxy.test").url == "socks5://proxy.test:1080"


@pytest.mark.parametrize(
    "url", ["ws://h:0/", "ws://h:x/", "ws://me@h/", "ws://h/\n", "", "ws:h"]
)
def test_refuses_what_leads_nowhere(url):
    with pytest.raises(ConfigError) as caught:
        parse_target(url)
    assert caught.value.field == "url"


def test_says_what_is_allowed_without_the_password():
    with pytest.raises(ConfigError, match=r"\*\*\*@h") as caught:
        parse_proxy("socks9://me:secret@h")
    assert caught.value.field == "proxy"
    assert "socks5://" in caught.value.allowed
