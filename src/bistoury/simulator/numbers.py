"""
How the venue writes a number.

Inside the simulator a price is a whole number of ticks and a size a whole number
of lots, so that a bar is exactly the sum of its trades. Only here do they become
the venue's decimal strings.
"""

from __future__ import annotations


def decimal(value: int, places: int) -> str:
    """
    Write ``value / 10**places`` as the venue does.

    HL: trailing zeros are dropped, but whole numbers keep one: "1500.0".
    """
    sign = "-" if value < 0 else ""
    if places <= 0:
        return f"{sign}{abs(value) * 10**-places}.0"
    digits = str(abs(value)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:].rstrip('0') or '0'}"


def rate(value: float, places: int = 10) -> str:
    """Write a small ratio such as a funding rate or a premium."""
    return decimal(round(value * 10**places), places)


def milliseconds(seconds: float) -> int:
    """Return the whole milliseconds of a moment, forgiving the float's last bit."""
    return int(seconds * 1000 + 1e-3)
