"""Orders and cancels in words people use, as actions of the venue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ...errors import ConfigError, StaleDataError
from ..accounts import Account
from ..desk import Desk
from ..numbers import ONE, ZERO, decimal, rounded_to_figures, text
from ..settings import amount

TIFS = ("Gtc", "Ioc", "Alo")
DEFAULT_SLIPPAGE = Decimal("0.05")


def order_action(desk: Desk, wish: dict[str, Any]) -> dict[str, Any]:
    """
    Return the action of ``coin``, ``is_buy`` and ``size``.

    With ``limit_px`` it rests there (``tif``); without, it takes what is shown within
    ``slippage`` of the mid, as the official SDK's ``market_open`` does.

    Raises:
        ConfigError: a member is missing or cannot be; names it.
        StaleDataError: a price is needed and none is known.
    """
    coin, is_buy = wish.get("coin"), wish.get("is_buy")
    instrument = desk.universe.by_coin.get(str(coin))
    if instrument is None or instrument.coin not in desk.coins:
        raise ConfigError("coin", coin, f"one of {', '.join(desk.coins)}")
    if not isinstance(is_buy, bool):
        raise ConfigError("is_buy", is_buy, "true or false")
    limit, tif = wish.get("limit_px"), wish.get("tif")
    if tif is not None and tif not in TIFS:
        raise ConfigError("tif", tif, f"one of {', '.join(TIFS)}")
    if limit is not None:
        if wish.get("slippage") is not None:
            raise ConfigError("slippage", wish["slippage"], "none beside a limit")
        px, tif = amount("limit_px", limit), tif or "Gtc"
    else:
        if tif is not None:
            raise ConfigError("tif", tif, "none without a limit")
        px, tif = _market_px(desk, instrument.coin, wish, is_buy=is_buy), "Ioc"
    row = {
        "a": instrument.asset,
        "b": is_buy,
        "p": text(px),
        "s": text(amount("size", wish.get("size") or "")),
        "r": bool(wish.get("reduce_only")),
        "t": {"limit": {"tif": tif}},
    }
    return {"type": "order", "orders": [row], "grouping": "na"}


def cancel_action(account: Account, oid: Any) -> dict[str, Any] | None:
    """
    Return the action that cancels order ``oid``, or ``"all"``; ``None``: there is none.

    Raises:
        ConfigError: there is no such order.
    """
    wanted = list(account.orders.values())
    if oid != "all":
        wanted = [it for it in wanted if it.oid == oid]
        if not wanted:
            known = ", ".join(str(it) for it in account.orders) or "none is open"
            raise ConfigError("order", oid, f"an open order: {known}")
    rows = [{"a": it.asset, "o": it.oid} for it in wanted]
    return {"type": "cancel", "cancels": rows} if rows else None


def _market_px(desk: Desk, coin: str, wish: dict[str, Any], *, is_buy: bool) -> Decimal:
    given = wish.get("slippage")
    try:
        slippage = DEFAULT_SLIPPAGE if given is None else decimal(given)
    except ValueError:
        slippage = ONE
    if not ZERO <= slippage < ONE:
        raise ConfigError("slippage", given, "a fraction from 0 to below 1")
    mid = desk.coin(coin).book.mid
    if mid is None:
        raise StaleDataError(coin, None, desk.config.max_data_age)
    away = ONE + slippage if is_buy else ONE - slippage
    return rounded_to_figures(mid * away, desk.coin(coin).instrument.px_decimals)
