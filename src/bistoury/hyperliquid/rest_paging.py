"""
How a stretch of time is read in pages without losing or repeating a row.

HL: a page holds the oldest rows of the stretch; the next starts at the time of
its last row, inclusive, because rows share milliseconds (docs: pagination).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import msgspec

Row = dict[str, Any]

MOST_PAGES = 1000


class Rows(list[Row]):
    """Rows in order of time; ``complete`` unless some may be missing among them."""

    complete: bool = True


class Pages:
    """Collects the pages of one stretch, and says where the next begins."""

    def __init__(
        self,
        full: int,
        key: Callable[[Row], Hashable],
        time: Callable[[Row], int],
        *,
        may_merge: bool = False,
    ) -> None:
        """
        Remember what a page is.

        ``full`` is the length of one that may have a successor. With
        ``may_merge`` the venue merges rows after it counted them, so a short
        page proves nothing; only one without news does.
        """
        self._rows = Rows()
        self._full = full
        self._key = key
        self._time = time
        self._may_merge = may_merge
        self._pages = 0
        # The keys at the last page's end. Counted, because two rows of one
        # transaction can be equal and are still two.
        self._edge: Counter[Hashable] = Counter()
        self._edge_time = -1

    @property
    def rows(self) -> Rows:
        """All rows in order of time; those of one millisecond as they came."""
        self._rows.sort(key=self._time)
        return self._rows

    def add(self, page: Iterable[Row]) -> int | None:
        """Take a page in; return where the next starts, or that there is none."""
        page = list(page)
        repeated = self._edge.copy()
        new = [row for row in page if not self._is_repeated(row, repeated)]
        self._rows += new
        self._pages += 1
        is_full = len(page) >= self._full
        if (not new and not is_full) or not (is_full or self._may_merge):
            return None
        times = [self._time(row) for row in page]
        first, last = times[0], max(times)
        # Newest first is how it was in 2023; the older rows were left out then.
        runs_backwards = is_full and first > times[-1]
        if runs_backwards or self._pages >= MOST_PAGES:
            self._rows.complete = False
            return None
        self._edge_time = last
        self._edge = Counter(self._key(row) for row in page if self._time(row) == last)
        if is_full and min(times) == last:
            # More may share this millisecond, and nothing asks for them.
            self._rows.complete = False
            return last + 1
        return last if new else None

    def _is_repeated(self, row: Row, repeated: Counter[Hashable]) -> bool:
        if self._time(row) != self._edge_time:
            # Earlier than asked for: it was in the page before.
            return self._time(row) < self._edge_time
        if repeated[self._key(row)] == 0:
            return False
        repeated[self._key(row)] -= 1
        return True


def row_time(row: Row) -> int:
    """Return when a row happened."""
    return int(row["fill"]["time"] if "fill" in row else row["time"])


def fill_key(row: Row) -> Hashable:
    """Tell fills apart. HL: never by ``tid`` alone, dust conversions have 0."""
    fill = row.get("fill", row)
    return fill["time"], fill["coin"], fill["oid"], fill.get("tid")


def funding_key(row: Row) -> Hashable:
    """Tell funding payments, and funding rates, apart."""
    return row["time"], row.get("delta", row)["coin"]


def ledger_key(row: Row) -> Hashable:
    """Tell movements apart. HL: one transaction can make several."""
    delta = msgspec.json.encode(row["delta"], order="deterministic")
    return row["time"], row["hash"], delta
