from __future__ import annotations

import pytest

from bistoury.session.causes import INACTIVE, Cause, of_failure, of_loss


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (1000, "server_rotation"),
        (1001, "server_rotation"),
        (1002, "protocol_error"),
        (1003, "protocol_error"),
        (1007, "protocol_error"),
        (1008, "rate_limited"),
        (1009, "protocol_error"),
        (1010, "protocol_error"),
        (1011, "server_error"),
        (1012, "server_rotation"),
        (1013, "server_error"),
        (1014, "server_error"),
        (1004, "network"),
        (1006, "network"),
        (1015, "network"),
        (3000, "network"),
        (4999, "network"),
        (None, "network"),
    ],
)
def test_a_close_code_names_the_cause(code, cause):
    assert of_loss(code, "") == cause
    assert of_loss(code, "Expired") == cause


def test_an_idle_connection_is_told_by_the_reason_of_its_close():
    assert INACTIVE == "Inactive"
    assert of_loss(1000, "Inactive") is Cause.IDLE_TIMEOUT


@pytest.mark.parametrize(("code", "reason"), [(1001, "Inactive"), (1000, "inactive")])
def test_nothing_else_means_idle(code, reason):
    assert of_loss(code, reason) is Cause.SERVER_ROTATION


def test_an_end_without_a_close_frame_is_the_network_whatever_its_detail():
    assert of_loss(None, "Inactive") is Cause.NETWORK


@pytest.mark.parametrize("phase", ["dns", "tcp", "tls", "proxy", "upgrade"])
@pytest.mark.parametrize("timed_out", [True, False])
def test_a_status_says_more_than_the_phase(phase, timed_out):
    assert of_failure(phase, 429, timed_out=timed_out) is Cause.RATE_LIMITED
    for status in (200, 301, 403, 428, 430, 500, 502, 503):
        assert of_failure(phase, status, timed_out=timed_out) is Cause.REJECTED


@pytest.mark.parametrize(
    ("phase", "timed_out", "cause"),
    [
        ("dns", False, "dns"),
        ("dns", True, "dns"),
        ("tls", False, "tls"),
        ("tls", True, "tls"),
        ("tcp", False, "network"),
        ("tcp", True, "connect_timeout"),
        ("proxy", False, "network"),
        ("proxy", True, "connect_timeout"),
        ("upgrade", False, "network"),
        ("upgrade", True, "connect_timeout"),
    ],
)
def test_a_failure_is_named_after_its_phase(phase, timed_out, cause):
    assert of_failure(phase, None, timed_out=timed_out) == cause


def test_every_cause_of_the_contract_is_there():
    contract = {
        *("server_rotation", "idle_timeout", "rate_limited", "protocol_error"),
        *("network", "dns", "tls", "connect_timeout", "silent", "stale"),
        *("suspended", "rejected", "overflow", "user"),
    }

    assert contract <= set(Cause)
