"""Everything about a paper server as one document: for the command line and pages."""

from __future__ import annotations

from typing import Any

from .. import views
from ..accounts import Account
from ..desk import Coin, Desk
from ..numbers import text
from .trader import Trader
from .wallets import address_of

LATEST_FILLS = 50


def overview(trader: Trader) -> dict[str, Any]:
    """Return markets, accounts, positions, orders and the latest fills."""
    if not trader.is_ready:
        return {
            "v": 1,
            "paper": True,
            "ready": False,
            "trouble": trader.trouble,
            "connected": trader.client.is_connected(),
            "time": None,
            "coins": [],
            "accounts": [],
        }
    desk = trader.venue.desk
    return {
        "v": 1,
        "paper": True,
        "ready": True,
        "trouble": trader.trouble,
        "connected": trader.client.is_connected(),
        "time": desk.now,
        "coins": [_coin(desk, desk.coin(name)) for name in trader.coins],
        "accounts": [account_of(it, desk) for it in trader.accounts.values()],
        "assumptions": desk.config.assumptions(),
    }


def account_of(account: Account, desk: Desk | None) -> dict[str, Any]:
    """Return one account with all that it holds."""
    positions = (
        [views.position(account, desk, it) for it in account.positions.values()]
        if desk is not None
        else [
            {
                "coin": it.coin,
                "szi": text(it.szi),
                "entryPx": text(it.entry_px.normalize()),
            }
            for it in account.positions.values()
        ]
    )
    latest = list(account.fills)[-LATEST_FILLS:]
    return {
        **views.account_view(account, desk),
        "address": address_of(account),
        "positions": positions,
        "orders": [
            {**views.frontend_order(it), "uncertain": it.is_uncertain}
            for it in account.orders.values()
        ],
        "latest_fills": [
            {**views.fill(it), "quality": it.quality, "dataAge": it.data_age}
            for it in reversed(latest)
        ],
    }


def _coin(desk: Desk, coin: Coin) -> dict[str, Any]:
    state, reason = coin.health.judged(desk.now)
    context, mid = coin.context, coin.book.mid
    heard = coin.health.heard_at
    return {
        "coin": coin.instrument.coin,
        "state": state,
        "reason": reason,
        "mid": str(mid) if mid is not None else None,
        "mark": str(context.mark) if context is not None else None,
        "age_seconds": (desk.now - heard) / 1000 if heard else None,
    }
