"""The report of one account with its fills, as one document for every form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ...errors import ConfigError
from ..events import AccountOpened, Event, Filled
from ..report import report


def document(
    events: Iterable[Event],
    account: str = "main",
    *,
    assumptions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """
    Return ``report`` and, below ``rows``, every fill since the account began.

    Raises:
        ConfigError: there is no such account.
    """
    facts = list(events)
    try:
        made = report(facts, account, assumptions=assumptions)
    except KeyError:
        known = sorted({it.account for it in facts if isinstance(it, AccountOpened)})
        allowed = f"one of {', '.join(known)}" if known else "an account; there is none"
        raise ConfigError("account", account, allowed) from None
    rows: list[dict[str, Any]] = []
    for event in facts:
        if event.account != account:
            continue
        if isinstance(event, AccountOpened):
            rows = []  # a reset: the report begins here too
        elif isinstance(event, Filled):
            rows.append(_row(event))
    return {**made, "rows": rows}


def _row(made: Filled) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(made)
    for name in ("type", "at", "account", "seq"):
        row.pop(name, None)
    row["side"] = "buy" if row.pop("is_buy") else "sell"
    row["role"] = "taker" if row.pop("crossed") else "maker"
    return row
