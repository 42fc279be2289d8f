"""What a status page shows of paper accounts: their worth, and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import PaperTradingEngine

_WARNING = "PAPER: made-up money. Nothing here was ever sent to the venue."


def panels(engine: PaperTradingEngine) -> list[Callable[[], dict[str, Any]]]:
    """Return the panels of an engine, for ``client.serve(panels=panels(engine))``."""

    def accounts() -> dict[str, Any]:
        return {
            "title": "Paper accounts",
            "columns": (
                *("Account", "Equity", "Unrealized", "From prices", "Fees", "Funding"),
                *("Liquidation", "Open orders", "Fills"),
            ),
            "rows": [_account(engine.account(name)) for name in engine.accounts],
            "note": _WARNING if engine.is_ready else f"{_WARNING} Waiting for data.",
        }

    def positions() -> dict[str, Any]:
        marks = engine.venue.desk.marks() if engine.is_ready else {}
        rows = [
            (
                name,
                coin,
                held.szi,
                held.entry_px,
                _dollars(held.unrealized(marks[coin])) if coin in marks else "?",
                _state(engine, coin),
            )
            for name, account in engine.accounts.items()
            for coin, held in account.positions.items()
            if held.szi
        ]
        return {
            "title": "Paper positions",
            "columns": ("Account", "Coin", "Size", "Entry", "Unrealized", "Data"),
            "rows": rows,
            "note": "" if rows else "No position is open.",
        }

    return [accounts, positions]


def _account(view: dict[str, Any]) -> tuple[Any, ...]:
    profit = view["profit"]
    return (
        view["name"],
        _dollars(view["equity"]),
        _dollars(view["unrealized"]),
        *(_dollars(profit[it]) for it in ("price", "fees", "funding", "liquidation")),
        view["open_orders"],
        view["fills"],
    )


def _state(engine: PaperTradingEngine, coin: str) -> str:
    desk = engine.venue.desk
    known = desk.coins.get(coin)
    return "unknown" if known is None else known.health.judged(desk.now)[0]


def _dollars(value: Decimal) -> str:
    return f"{value:,.2f}"
