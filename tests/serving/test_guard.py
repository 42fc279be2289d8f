from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from bistoury import ConfigError
from bistoury.serving.guard import Guard, is_loopback

TOKEN = "a-token-of-some-length"


def status(guard, path="/", method="GET", **headers):
    given = {name.replace("_", "-"): it for name, it in headers.items()}
    answer = guard.refusal(make_mocked_request(method, path, headers=given))
    return None if answer is None else answer.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8766", "localhost:8766", "LOCALHOST", "[::1]:8766"]
)
def test_this_machine_is_let_in_by_its_names(host):
    assert status(Guard("127.0.0.1"), Host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8766", "127.0.0.1.evil.example", "", ":8766"),
        *("localhost@evil.example", "192.168.1.4:8766", "[::1", "localhost:port"),
        "localhost/x",
    ],
)
def test_a_foreign_host_is_refused(host):
    assert status(Guard("127.0.0.1"), Host=host) == 403


def test_a_request_without_a_host_is_refused():
    assert status(Guard("127.0.0.1")) == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9", "http://[::1"]
)
def test_a_foreign_origin_is_refused(origin):
    assert status(Guard("127.0.0.1"), Host="127.0.0.1:8766", Origin=origin) == 403


def test_its_own_origin_is_let_in():
    own = {"Host": "127.0.0.1:8766", "Origin": "http://127.0.0.1:8766"}

    assert status(Guard("127.0.0.1"), **own) is None


def test_another_site_may_link_here_and_not_fetch():
    guard, host = Guard("127.0.0.1"), {"Host": "127.0.0.1"}

    assert status(guard, **host, Sec_Fetch_Site="cross-site") == 403
    assert (
        status(guard, **host, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
        is None
    )


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]
)
def test_there_is_only_something_to_read(method):
    assert status(Guard("127.0.0.1"), method=method, Host="localhost") == 405


def test_a_token_comes_in_a_header_a_cookie_or_the_address():
    guard, host = Guard("127.0.0.1", TOKEN), {"Host": "localhost"}

    assert status(guard, **host) == 401
    assert status(guard, **host, Authorization="Bearer wrong") == 401
    assert status(guard, **host, Authorization=f"Basic {TOKEN}") == 401
    assert status(guard, **host, Authorization=f"Bearer {TOKEN}") is None
    assert status(guard, **host, Cookie=f"bistoury_token={TOKEN}") is None
    assert status(guard, f"/?token={TOKEN}", **host) is None
    assert status(guard, "/?token=%ff%fe", **host) == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_beyond_this_machine_a_token_is_needed(host):
    with pytest.raises(ConfigError, match="token"):
        Guard(host)

    assert Guard(host, TOKEN)


def test_a_short_token_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="at least 16") as refused:
        Guard("127.0.0.1", "hunter2")
    assert "hunter2" not in str(refused.value)


def test_with_a_token_addresses_are_let_in_and_only_names_that_were_allowed():
    guard = Guard("0.0.0.0", TOKEN, ("status.example.org",))
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    assert status(guard, Host="192.168.1.4:8766", **bearer) is None
    assert status(guard, Host="status.example.org", **bearer) is None
    assert status(guard, Host="rebound.example.org", **bearer) == 403


def test_which_addresses_are_loopback():
    assert is_loopback("127.0.0.9")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("example.org")
