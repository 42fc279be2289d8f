"""How the venue writes numbers, and how it cuts them off."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

ZERO = Decimal(0)
ONE = Decimal(1)
USD_DECIMALS = 6
"""HL: dollars are cut off after six decimals (recorded fills and states)."""

_STEPS = [Decimal(1).scaleb(-places) for places in range(20)]
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\Z", re.ASCII)
_MOST_DIGITS = 28
"""What is reckoned with exactly; a number on the wire has half as many."""
_LARGEST = 20
"""The most a number may be, and the least, as a power of ten."""
_FIVE_FIGURES = Context(prec=5, rounding=ROUND_HALF_EVEN)


def truncated(value: Decimal, places: int = USD_DECIMALS) -> Decimal:
    """Cut ``value`` off, towards zero; never a minus zero."""
    return value.quantize(_STEPS[places], ROUND_DOWN) + ZERO


def rounded_to_figures(value: Decimal, places: int) -> Decimal:
    """Round to five significant figures and at most ``places`` decimals."""
    if value == value.to_integral_value() and abs(value) >= 10_000:  # noqa: PLR2004
        return value
    rounded = _FIVE_FIGURES.plus(value)
    if -_exponent(rounded) > places:
        rounded = rounded.quantize(_STEPS[places])
    return rounded


def places_of(value: Decimal) -> int:
    """Return how many decimals ``value`` needs."""
    return max(0, -_exponent(value.normalize()))


def figures_of(value: Decimal) -> int:
    """Return how many significant figures ``value`` has, trailing zeros aside."""
    return len(value.normalize().as_tuple().digits)


def text(value: Decimal) -> str:
    """Write ``value`` as the venue does. HL: whole numbers keep one decimal."""
    plain = f"{value.normalize() + ZERO:f}"
    return plain if "." in plain else plain + ".0"


def decimal(value: Any) -> Decimal:
    """
    Read a number, given as text, a whole number or a ``Decimal``.

    Raises:
        ValueError: it is no finite number, or has more digits than any price, size or
            amount; floats are refused, for 0.1 is not 0.1.
    """
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, str):
        # Python would take 1_000, blanks and digits of every script as well.
        if not _NUMBER.match(value):
            raise ValueError(f"not a finite number: {value!r}")
        number = Decimal(value)
    else:
        raise ValueError(f"not text nor a whole number: {value!r}")  # noqa: TRY004
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    is_long = len(number.as_tuple().digits) > _MOST_DIGITS
    if is_long or not -_LARGEST <= number.adjusted() <= _LARGEST:
        raise ValueError(f"more digits than a number here has: {str(value)[:40]!r}")
    return number


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
