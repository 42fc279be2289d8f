from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bistoury.transport.http_date import read_http_date

MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 -0000",  # a zone that is said to be unknown
        "Sun, 06 Nov 1994 09:49:37 +0100",
        "Sunday, 06-Nov-94 08:49:37 GMT",
    ],
)
def test_a_date_is_a_moment_in_a_zone(text):
    assert read_http_date(text) == MOMENT


@pytest.mark.parametrize(
    "text", ["", "now", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49 GMT"]
)
def test_what_names_no_moment_is_none(text):
    assert read_http_date(text) is None
