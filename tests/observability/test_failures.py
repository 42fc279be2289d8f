from __future__ import annotations

import json
import logging

import pytest

from bistoury.observability.failures import (
    MOST,
    brief,
    log_failure,
    sentence_of,
    traceback_of,
)
from bistoury.observability.structured import JsonFormatter

ADDRESS = "0x" + "AbCd" + "0" * 32 + "1234"
PAYLOAD = {"user": ADDRESS, "fills": [{"px": "123456.789"}] * 100, "end": "TAIL"}


def handle(message):
    raise ValueError(message)


def caught(call):
    with pytest.raises(Exception) as info:
        call()
    return info.value


def test_a_short_text_stays_and_a_long_one_is_cut():
    assert brief("a" * MOST) == "a" * MOST
    assert brief("a" * (MOST + 1)) == "a" * MOST + "…"


def test_an_address_is_shortened_before_the_cut():
    assert ADDRESS[:20] not in brief("a" * (MOST - 20) + ADDRESS)


def test_an_error_that_cannot_show_itself_is_named():
    class MuteError(Exception):
        def __repr__(self):
            raise RuntimeError

    assert sentence_of(MuteError()) == "MuteError"


def test_a_traceback_shows_the_place_and_no_payload():
    told = traceback_of(caught(lambda: handle(PAYLOAD)))

    assert "raise ValueError(message)" in told
    assert "ValueError: {'user': '0xAbCd…1234'" in told
    assert ADDRESS not in told
    assert "TAIL" not in told


def test_what_caused_an_error_is_told_as_briefly():
    def outer():
        try:
            handle(PAYLOAD)
        except ValueError as error:
            raise RuntimeError(f"x{ADDRESS}\nmore {'y' * 500}") from error

    told = traceback_of(caught(outer))
    assert "direct cause" in told
    assert "RuntimeError: x0xAbCd…1234\nmore" in told
    assert "TAIL" not in told
    assert "y" * MOST not in told


@pytest.mark.parametrize("formatter", [logging.Formatter(), JsonFormatter()])
def test_no_formatter_writes_the_payload(formatter, caplog):
    logger = logging.getLogger("bistoury.test")
    log_failure(logger, logging.ERROR, "it failed", caught(lambda: handle(PAYLOAD)))

    (record,) = caplog.records
    line = formatter.format(record)
    assert "it failed" in line
    assert "raise ValueError(message)" in line
    assert ADDRESS not in line
    assert "TAIL" not in line


def test_a_traceback_of_others_in_json_has_no_address():
    error = caught(lambda: handle(ADDRESS))
    info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "a", (), info)

    assert ADDRESS not in json.loads(JsonFormatter().format(record))["traceback"]


def test_what_nobody_listens_to_is_not_made(caplog):
    caplog.set_level(logging.ERROR, "bistoury.test")
    log_failure(logging.getLogger("bistoury.test"), logging.DEBUG, "x", ValueError())

    assert not caplog.records
