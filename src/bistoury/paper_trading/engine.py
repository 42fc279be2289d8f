"""
``PaperTradingEngine``: takes from the book the client follows, and only from it.

An order fills against the best price shown, up to the size shown, and not at
all when the book is too old or the connection is not live: what cannot be known
is refused, never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ..config import Config
from ..errors import ConfigError, StaleDataError
from ..hyperliquid.client import HyperLiquidIntegration
from ..hyperliquid.handles import SubscriptionHandle
from .account import PaperAccount, PaperFill, PaperPosition

DEFAULT_COINS = ("BTC", "ETH")


@dataclass(frozen=True, slots=True)
class _Touch:
    """The best bid and offer of a coin, as (price, size), and since when."""

    bid: tuple[Decimal, Decimal] | None
    ask: tuple[Decimal, Decimal] | None
    time: int
    arrived_at: float


class PaperTradingEngine:
    """
    Paper trading on live data; it cannot reach the venue's order entry.

    Args:
        config: where the data comes from; the environment by default.
        coins: what may be traded.
        cash: USDC to begin with.
        max_data_age: how old a price may be to be traded on, in seconds.
        client: an existing client, which is then left connected by ``stop``.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        coins: Iterable[str] = DEFAULT_COINS,
        cash: str | Decimal = "10000",
        max_data_age: float = 5.0,
        client: HyperLiquidIntegration | None = None,
    ) -> None:
        self.client = client or HyperLiquidIntegration(config)
        self.coins = tuple(coins)
        self.max_data_age = max_data_age
        self._ledger = PaperAccount(_amount("cash", cash))
        self._touches: dict[str, _Touch] = {}
        self._handles: list[SubscriptionHandle] = []
        self._owns_client = client is None

    async def start(self) -> bool:
        """Connect and follow every coin; return whether the data is live already."""
        if not self._handles:
            for coin in self.coins:
                handle = await self.client.subscribe_bbo(coin, self._take)
                self._handles.append(handle)
        if not self._owns_client:
            return self.client.is_connected()
        return await self.client.connect()

    async def stop(self) -> None:
        """Stop following; positions and cash stay."""
        for handle in self._handles:
            await handle.unsubscribe()
        self._handles.clear()
        self._touches.clear()
        if self._owns_client:
            await self.client.disconnect()

    async def market_open(
        self, coin: str, is_buy: bool, size: str | Decimal
    ) -> PaperFill:
        """
        Take ``size`` coins at the best price shown, or less if less is shown.

        Raises:
            ConfigError: the coin is not followed, or the size is not above zero.
            StaleDataError: there is no fresh price to trade on; nothing happened.
        """
        wanted = _amount("size", size)
        if coin not in self.coins:
            raise ConfigError("coin", coin, f"one of {', '.join(self.coins)}")
        touch = self._fresh(coin)
        shown = touch.ask if is_buy else touch.bid
        if shown is None:
            raise StaleDataError(coin, None, self.max_data_age)
        price, available = shown
        return self._ledger.fill(
            coin,
            is_buy=is_buy,
            price=price,
            size=min(wanted, available),
            time=touch.time,
            data_age=self.client.now() - touch.arrived_at,
        )

    async def market_close(self, coin: str) -> PaperFill | None:
        """Take the position in ``coin`` off; ``None`` if there is none."""
        held = self._ledger.positions.get(coin)
        if held is None:
            return None
        return await self.market_open(coin, held.size < 0, abs(held.size))

    def positions(self) -> list[PaperPosition]:
        """Return the open positions."""
        return list(self._ledger.positions.values())

    def fills(self) -> list[PaperFill]:
        """Return every fill, oldest first."""
        return list(self._ledger.fills)

    def account(self) -> dict[str, Any]:
        """Return cash and equity in USDC, marked at the last mids, and paper: true."""
        mids = {
            coin: (touch.bid[0] + touch.ask[0]) / 2
            for coin, touch in self._touches.items()
            if touch.bid is not None and touch.ask is not None
        }
        return {
            "paper": True,
            "cash": self._ledger.cash,
            "equity": self._ledger.equity(mids),
        }

    def _fresh(self, coin: str) -> _Touch:
        touch = self._touches.get(coin)
        age = None if touch is None else self.client.now() - touch.arrived_at
        is_fresh = age is not None and age <= self.max_data_age
        if touch is None or not is_fresh or not self.client.is_connected():
            raise StaleDataError(coin, age, self.max_data_age)
        return touch

    def _take(self, message: dict[str, Any]) -> None:
        data = message["data"]
        bid, ask = (_level(it) for it in (*data["bbo"], None, None)[:2])
        self._touches[data["coin"]] = _Touch(bid, ask, data["time"], self.client.now())


def _level(level: dict[str, Any] | None) -> tuple[Decimal, Decimal] | None:
    return None if level is None else (Decimal(level["px"]), Decimal(level["sz"]))


def _amount(field: str, value: str | Decimal) -> Decimal:
    try:
        amount = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        amount = Decimal("NaN")
    if not amount.is_finite() or amount <= 0:
        raise ConfigError(field, value, "an amount above zero, as text or Decimal")
    return amount
