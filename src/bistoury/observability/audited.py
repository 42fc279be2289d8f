"""What an audit of a coin's trades found out, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from ..session.notices import Gap


class Audited(msgspec.Struct, frozen=True, tag=True):
    """
    A closed minute of a coin's trades was compared with the venue's bar of it.

    It comes again for the same minute if trades of it are recovered later.
    """

    coin: str
    minute: int
    """When the minute began, in venue milliseconds."""
    status: str
    """``complete`` or ``missing``."""
    missing_count: int
    missing_size: Decimal
    delivered_count: int
    expected_count: int
    is_calibrated: bool
    """Whether the venue's bars are known to count as the trades feed does."""
    is_confirmed: bool = True
    """Whether a bad result was checked with the venue; if not, it is the least."""
    gap: Gap | None = None
    """The unrecoverable gap over this minute, and how much of it is known to miss."""

    def __str__(self) -> str:
        began = datetime.fromtimestamp(self.minute / 1000, UTC)
        return f"{self.coin} {began:%H:%M} UTC: {self._result}{self._doubt}"

    @property
    def _result(self) -> str:
        if self.status == "complete":
            return f"complete, {self.delivered_count} trades"
        least = "" if self.is_confirmed else "at least "
        return (
            f"{least}{self.missing_count} trades, {self.missing_size} size missing of"
            f" {self.expected_count} trades"
        )

    @property
    def _doubt(self) -> str:
        return "" if self.is_calibrated else " (uncalibrated)"
