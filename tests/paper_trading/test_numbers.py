"""Numbers, as the venue writes them."""

from decimal import Decimal

import pytest

from bistoury.paper_trading.numbers import (
    decimal,
    rounded_to_figures,
    text,
    truncated,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1500", "1500.0"),
        ("0", "0.0"),
        ("-0", "0.0"),
        ("128.50", "128.5"),
        ("1E+3", "1000.0"),
        ("0.00001", "0.00001"),
        ("-0.13", "-0.13"),
    ],
)
def test_whole_numbers_keep_one_decimal(value, written):
    assert text(Decimal(value)) == written


def test_dollars_are_cut_off_towards_zero():
    assert truncated(Decimal("0.0099979")) == Decimal("0.009997")
    assert truncated(Decimal("-0.0000019")) == Decimal("-0.000001")
    assert str(truncated(Decimal("-0.0000001"))) == "0.000000"


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("85704.385", 1, "85704"),
        ("4650.4451", 2, "4650.4"),
        ("0.12345678", 5, "0.12346"),
        ("123456", 1, "123456"),
    ],
)
def test_prices_are_rounded_to_five_figures(value, places, rounded):
    assert rounded_to_figures(Decimal(value), places) == Decimal(rounded)


@pytest.mark.parametrize("value", [0.1, "many", "NaN", "inf", None, True, ""])
def test_what_is_no_exact_number_is_refused(value):
    with pytest.raises(ValueError, match="not "):
        decimal(value)


def test_text_whole_numbers_and_decimals_are_read():
    assert decimal("1.50") == decimal(Decimal("1.5"))
    assert decimal(3) == 3


@pytest.mark.parametrize(
    "value",
    [
        *("1_000", " 1", "1 ", "\N{FULLWIDTH DIGIT ONE}", "0x10", "", "."),
        *("1e99999999999", "1e21", "1e-21", "1." + "0" * 40 + "1", 10**40),
    ],
)
def test_what_nobody_could_reckon_with_is_refused(value):
    with pytest.raises(ValueError, match=r"number"):
        decimal(value)


@pytest.mark.parametrize("value", ["1.", ".5", "+1", "1e3", "0", "-0.0", "00012"])
def test_what_python_writes_itself_is_read(value):
    assert decimal(value) == Decimal(value)
