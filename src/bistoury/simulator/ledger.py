"""
What the venue published: the oracle of every test about loss.

Only the market and the users write here, at the moment something happens, never
the delivery of it. A stream is named like a subscription: ``trades:BTC``,
``candle:BTC,1m`` (final bars), ``userFills:0x…``, ``orderUpdates:0x…`` and so on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

Row = tuple[int, str]


class Ledger:
    """For each stream, the venue time (ms) and the key of all that happened."""

    def __init__(self, rows: int = 200_000) -> None:
        self._rows = rows
        self._streams: dict[str, deque[Row]] = {}
        self.forgotten: dict[str, int] = {}

    def record(self, stream: str, time: int, key: str) -> None:
        """Write that ``key`` happened on ``stream`` at venue ``time``."""
        rows = self._streams.get(stream)
        if rows is None:
            rows = self._streams[stream] = deque(maxlen=self._rows)
        if len(rows) == self._rows:
            self.forgotten[stream] = self.forgotten.get(stream, 0) + 1
        rows.append((time, key))

    def streams(self) -> list[str]:
        """Return the names of all streams, sorted."""
        return sorted(self._streams)

    def stream(self, name: str, since: int = 0) -> list[Row]:
        """Return what was published on ``name`` from ``since`` (ms) on."""
        return [row for row in self._streams.get(name, ()) if row[0] >= since]

    def counts(self) -> dict[str, int]:
        """Return how many rows each stream holds."""
        return {name: len(rows) for name, rows in sorted(self._streams.items())}


def trade_key(row: dict[str, Any]) -> str:
    """Return the key of a trade. HL: (time, coin, tid) is unique (§2.9)."""
    return f"{row['time']}:{row['coin']}:{row['tid']}"


def bar_key(row: dict[str, Any]) -> str:
    """Return the key of a bar's version: equal keys are equal bars."""
    return ":".join(str(row[name]) for name in ("t", "o", "h", "l", "c", "v", "n"))


def fill_key(row: dict[str, Any]) -> str:
    """Return the key of a fill. HL: tid alone is 0 for dust (§2.12)."""
    return f"{row['time']}:{row['coin']}:{row['oid']}:{row['tid']}"


def funding_key(row: dict[str, Any]) -> str:
    """Return the key of a funding payment."""
    return f"{row['time']}:{row['coin']}"


def update_key(row: dict[str, Any]) -> str:
    """Return the key of an order's transition; ``sz`` tells partial fills apart."""
    order = row["order"]
    return f"{order['oid']}:{row['status']}:{row['statusTimestamp']}:{order['sz']}"


def ledger_key(row: dict[str, Any]) -> str:
    """Return the key of a ledger row. HL: one tx can make several (§5)."""
    return f"{row['time']}:{row['hash']}:{msgspec.json.encode(row['delta']).decode()}"


def keys_in(frame: bytes, user: str = "") -> list[tuple[str, int, str]]:
    """
    Return the (stream, time, key) of each event a data frame delivers.

    ``user`` names whose frames they are, where the venue does not say. A candle
    frame gives the version it shows; only the last of a bar is in the ledger.
    """
    message = msgspec.json.decode(frame)
    reader = _READERS.get(message.get("channel", ""))
    return [] if reader is None else reader(message.get("data"), user)


Found = list[tuple[str, int, str]]


def _trades(data: Any, _: str) -> Found:
    return [(f"trades:{row['coin']}", row["time"], trade_key(row)) for row in data]


def _candle(data: Any, _: str) -> Found:
    return [(f"candle:{data['s']},{data['i']}", data["t"], bar_key(data))]


def _order_updates(data: Any, user: str) -> Found:
    stream = f"orderUpdates:{user}"
    return [(stream, row["statusTimestamp"], update_key(row)) for row in data]


def _rows(channel: str, field: str, key: Callable[[Any], str]) -> Callable[..., Found]:
    def read(data: Any, _: str) -> Found:
        stream = f"{channel}:{data['user']}"
        return [(stream, _time(row), key(row)) for row in data[field]]

    return read


def _time(row: dict[str, Any]) -> int:
    time: int = row["fill"]["time"] if "fill" in row else row["time"]
    return time


_READERS: dict[str, Callable[[Any, str], Found]] = {
    "trades": _trades,
    "candle": _candle,
    "orderUpdates": _order_updates,
    "userFills": _rows("userFills", "fills", fill_key),
    "userFundings": _rows("userFundings", "fundings", funding_key),
    "userNonFundingLedgerUpdates": _rows(
        "userNonFundingLedgerUpdates", "nonFundingLedgerUpdates", ledger_key
    ),
    "userTwapSliceFills": _rows(
        "userTwapSliceFills", "twapSliceFills", lambda row: fill_key(row["fill"])
    ),
}
