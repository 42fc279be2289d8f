from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ConfigError
from bistoury.hyperliquid import validate

ADDRESS = "0x" + "aBc4" * 10


@pytest.mark.parametrize(
    "coin", ["BTC", "kPEPE", "xyz:NVDA", "@107", "PURR/USDC", "#120", "+121", "x" * 64]
)
def test_a_coin_is_returned_as_it_is_written(coin):
    assert validate.coin(coin) == coin


@pytest.mark.parametrize(
    "coin",
    ["", " BTC", "B TC", "BTC\n", "B\x00", '"', "'", "`", "\\", "é", "x" * 65, None, 7],
)
def test_what_cannot_be_a_coin_is_refused(coin):
    with pytest.raises(ConfigError, match="printable ASCII") as caught:
        validate.coin(coin)

    assert (caught.value.field, caught.value.value) == ("coin", coin)


@given(st.text(max_size=3))
def test_a_coin_is_printable_ascii_without_spaces_and_quotes(text):
    fine = bool(text) and all("!" <= c <= "~" and c not in "\"'`\\" for c in text)

    if fine:
        assert validate.coin(text) == text
    else:
        with pytest.raises(ConfigError):
            validate.coin(text)


def test_every_interval_of_the_venue_is_known():
    assert len(validate.INTERVALS) == 14
    assert all(validate.interval(known) == known for known in validate.INTERVALS)


def test_a_month_is_no_minute():
    assert validate.INTERVAL_MS["1m"] == 60_000
    assert validate.INTERVAL_MS["1M"] > validate.INTERVAL_MS["1w"]


@pytest.mark.parametrize("interval", ["", "1H", "2m", "60", None, 60, ["1m"]])
def test_an_interval_the_venue_does_not_have_is_refused(interval):
    with pytest.raises(ConfigError, match="one of 1m 3m"):
        validate.interval(interval)


def test_a_near_miss_of_an_interval_gets_a_hint():
    with pytest.raises(ConfigError, match="did you mean '15m'"):
        validate.interval("15min")


def test_an_address_is_lower_cased():
    assert validate.address(ADDRESS) == ADDRESS.lower()
    assert validate.address(ADDRESS.upper()) == ADDRESS.lower()


@pytest.mark.parametrize(
    "address", ["", "0x", ADDRESS[:-1], ADDRESS + "0", ADDRESS[2:], ADDRESS + "\n", 5]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="40 hexadecimal digits"):
        validate.address(address)


@pytest.mark.parametrize("dex", [None, ""])
def test_the_main_dex_has_no_name(dex):
    assert validate.dex(dex) == ""


def test_another_dex_has_one():
    assert validate.dex("xyz") == "xyz"


@pytest.mark.parametrize("dex", ["xyz:NVDA", "a b", "'", 1, False])
def test_what_cannot_be_a_dex_is_refused(dex):
    with pytest.raises(ConfigError, match="perpetuals dex"):
        validate.dex(dex)


def test_an_order_is_named_by_either_id():
    assert validate.order_id(5) == 5
    assert validate.order_id("0x" + "AB" * 16) == "0x" + "ab" * 16


@pytest.mark.parametrize("oid", [-1, True, "5", "0x12", None, 1.0])
def test_what_names_no_order_is_refused(oid):
    with pytest.raises(ConfigError, match="cloid"):
        validate.order_id(oid)


def test_only_the_fields_asked_for_aggregate_a_book():
    assert validate.book_precision(None, None) == {}
    assert validate.book_precision(3, None) == {"nSigFigs": 3}
    assert validate.book_precision(5, 2) == {"nSigFigs": 5, "mantissa": 2}


@pytest.mark.parametrize("digits", [0, 1, 6, "5", True, 2.5, 2.0])
def test_a_precision_the_venue_does_not_have_is_refused(digits):
    with pytest.raises(ConfigError, match="n_sig_figs"):
        validate.book_precision(digits, None)


@pytest.mark.parametrize(("digits", "mantissa"), [(5, 3), (4, 2), (None, 1), (5, True)])
def test_a_mantissa_goes_with_five_digits_only(digits, mantissa):
    with pytest.raises(ConfigError, match="mantissa"):
        validate.book_precision(digits, mantissa)


def test_a_moment_is_milliseconds_or_an_aware_datetime():
    noon = datetime(2025, 6, 1, 12, tzinfo=UTC)

    assert validate.milliseconds(0, "start") == 0
    assert validate.milliseconds(1_748_779_200_000, "start") == 1_748_779_200_000
    assert validate.milliseconds(noon, "start") == 1_748_779_200_000
    assert (
        validate.milliseconds(noon.astimezone(timezone(timedelta(hours=5))), "start")
        == 1_748_779_200_000
    )


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(2025, 6, 1), id="naive"),  # noqa: DTZ001
        pytest.param(1_748_779_200, id="seconds"),
        pytest.param(-1, id="before 1970"),
        pytest.param(10**18, id="nanoseconds"),
        pytest.param(1.5, id="a fraction"),
        pytest.param(True, id="a boolean"),
        pytest.param("2025-06-01", id="text"),
    ],
)
def test_what_is_no_moment_is_refused(moment):
    with pytest.raises(ConfigError) as caught:
        validate.milliseconds(moment, "start")

    assert caught.value.field == "start"


def test_a_range_may_be_open_at_either_end():
    assert validate.time_range(None, None) == {}
    assert validate.time_range(5, None) == {"startTime": 5}
    assert validate.time_range(None, 5) == {"endTime": 5}
    assert validate.time_range(5, 5) == {"startTime": 5, "endTime": 5}


def test_a_range_does_not_end_before_it_starts():
    with pytest.raises(ConfigError, match="before the end"):
        validate.time_range(6, 5)


@pytest.mark.parametrize(
    ("start", "end", "field"), [("x", 5, "start"), (5, "x", "end")]
)
def test_a_bad_end_of_a_range_is_named(start, end, field):
    with pytest.raises(ConfigError) as caught:
        validate.time_range(start, end)

    assert caught.value.field == field
