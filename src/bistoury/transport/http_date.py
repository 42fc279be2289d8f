"""Dates as HTTP writes them (RFC 9110 5.6.7)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def read_http_date(value: str) -> datetime | None:
    """Return the moment that a header names, or ``None`` if it names none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
