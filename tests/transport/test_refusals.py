from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime

import pytest
from picows import WSHandshakeError

from bistoury.transport.refusals import retry_after, translate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("0", 0.0),
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 00:01:00 -0000", 60.0),
        ("Thursday, 01-Jan-26 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2025 00:00:00 GMT", 0.0),
        ("Thu, 99 Jan 2026 00:00:00 GMT", None),
    ],
)
def test_reads_retry_after_tolerantly(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("/other", "another path"),
        ("https://elsewhere.test/x", "elsewhere.test"),
        ("https://[bad", "another path"),
    ],
)
def test_names_where_a_redirect_leads(location, word):
    head = f"HTTP/1.1 301 Moved\r\nLocation: {location}".encode()
    error = translate("upgrade", WSHandshakeError("", head, b""))

    assert (error.status, error.phase) == (301, "upgrade")
    assert word in error.detail


def test_a_refusal_without_body_has_an_empty_one():
    error = translate("upgrade", WSHandshakeError("", b"HTTP/1.1 500 Oops", None))

    assert (error.status, error.body) == (500, "")


def test_a_body_that_is_not_text_is_shown_as_far_as_it_goes():
    error = translate("upgrade", WSHandshakeError("", b"HTTP/1.1 500 Oops", b"\xffa"))

    assert error.body == "�a"


@pytest.mark.parametrize(
    ("phase", "error", "words"),
    [
        ("tls", ssl.SSLEOFError(8, "EOF"), "middle of the TLS handshake"),
        ("upgrade", ConnectionResetError(), "before answering the upgrade"),
        ("proxy", BrokenPipeError(), "proxy closed"),
        ("tcp", ConnectionResetError(), "connection reset"),
        ("tls", ssl.SSLError(1, "odd"), "TLS failed"),
        ("dns", socket.gaierror(-2, "nobody knows"), "nobody knows"),
        ("tcp", OSError(111, "asyncio's words"), "connection refused"),
        ("tcp", OSError("no address"), "no address"),
        ("upgrade", ZeroDivisionError(), "ZeroDivisionError"),
    ],
)
def test_says_it_in_words(phase, error, words):
    failure = translate(phase, error)

    assert failure.phase == phase
    assert words in failure.detail
    assert not failure.timed_out


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionAbortedError("too long")])
def test_knows_a_deadline_of_the_library(error):
    assert translate("tls", error).timed_out
