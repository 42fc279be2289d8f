"""What a bot does with its hands: orders, cancels, positions, in Python's own types."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, StaleDataError
from .numbers import ONE, ZERO, rounded_to_figures, text
from .rejected import OrderRejectedError
from .settings import Number, amount, number
from .views import account_view

if TYPE_CHECKING:
    from ..hyperliquid.client import HyperLiquidIntegration
    from .accounts import Account
    from .desk import Coin
    from .events import Filled, Order
    from .venue import PaperVenue

_LIMIT = {"limit": {"tif": "Gtc"}}
_SLIPPAGE = Decimal("0.05")
_UNKNOWN = "Paper: no live data"


@dataclass(frozen=True, slots=True)
class PaperFill:
    """One fill. ``size`` is in coins, ``fee`` and ``closed_pnl`` in USDC."""

    coin: str
    is_buy: bool
    price: Decimal
    size: Decimal
    fee: Decimal
    closed_pnl: Decimal
    time: int
    """Venue milliseconds of the book it was filled on."""
    data_age: float
    """How old that book was when it was filled, in seconds."""


@dataclass(frozen=True, slots=True)
class PaperPosition:
    """A position; ``size`` is negative when short."""

    coin: str
    size: Decimal
    entry_price: Decimal


class Trading:
    """
    Orders by name; every verb takes ``account``, the account's name.

    Prices and sizes are text, whole numbers or ``Decimal``; answers have the venue's
    shape, and order types are the venue's: ``{"limit": {"tif": "Gtc"}}`` or
    ``{"trigger": {"isMarket": True, "triggerPx": "95", "tpsl": "sl"}}``.
    """

    client: HyperLiquidIntegration
    coins: tuple[str, ...]
    max_data_age: float

    @abstractmethod
    async def act(
        self,
        action: Mapping[str, Any],
        *,
        account: str = "main",
        nonce: int | None = None,
        expires_after: int | None = None,
    ) -> dict[str, Any]:
        """Do what an action of the venue's ``/exchange`` asks for."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the rules and the time of the venue are known."""

    @property
    @abstractmethod
    def accounts(self) -> Mapping[str, Account]:
        """Every account, by name."""

    @property
    @abstractmethod
    def venue(self) -> PaperVenue:
        """The paper venue."""

    # Orders

    async def order(
        self,
        coin: str,
        is_buy: bool,
        size: Number,
        limit_px: Number,
        order_type: Mapping[str, Any] = _LIMIT,
        *,
        reduce_only: bool = False,
        cloid: str | None = None,
        account: str = "main",
        nonce: int | None = None,
    ) -> dict[str, Any]:
        """Place one order; return the venue's answer to it."""
        row = self.order_row(
            coin,
            is_buy,
            size,
            limit_px,
            order_type,
            reduce_only=reduce_only,
            cloid=cloid,
        )
        return await self.orders([row], account=account, nonce=nonce)

    async def orders(
        self,
        rows: Sequence[Mapping[str, Any]],
        grouping: str = "na",
        *,
        account: str = "main",
        nonce: int | None = None,
    ) -> dict[str, Any]:
        """Place several orders at once, as ``order_row`` writes them."""
        action = {"type": "order", "orders": list(rows), "grouping": grouping}
        return await self.act(action, account=account, nonce=nonce)

    def order_row(
        self,
        coin: str,
        is_buy: bool,
        size: Number,
        limit_px: Number,
        order_type: Mapping[str, Any] = _LIMIT,
        *,
        reduce_only: bool = False,
        cloid: str | None = None,
    ) -> dict[str, Any]:
        """Write an order as the venue takes it."""
        row = {
            "a": self._coin(coin).instrument.asset,
            "b": is_buy,
            "p": text(number("limit_px", limit_px)),
            "s": text(number("size", size)),
            "r": reduce_only,
            "t": dict(order_type),
        }
        return {**row, "c": cloid} if cloid is not None else row

    async def cancel(
        self, coin: str, oid: int | str, *, account: str = "main"
    ) -> dict[str, Any]:
        """Cancel an order by its number, or by its cloid."""
        asset = self._coin(coin).instrument.asset
        if isinstance(oid, str):
            row: dict[str, Any] = {"asset": asset, "cloid": oid}
            action = {"type": "cancelByCloid", "cancels": [row]}
        else:
            action = {"type": "cancel", "cancels": [{"a": asset, "o": oid}]}
        return await self.act(action, account=account)

    async def modify(
        self, oid: int | str, row: Mapping[str, Any], *, account: str = "main"
    ) -> dict[str, Any]:
        """Replace an order by another, which ``order_row`` writes; it queues anew."""
        change = {"oid": oid, "order": dict(row)}
        action = {"type": "batchModify", "modifies": [change]}
        return await self.act(action, account=account)

    async def schedule_cancel(
        self, time: int | None, *, account: str = "main"
    ) -> dict[str, Any]:
        """Let all orders end at ``time`` (venue ms); ``None`` takes it back."""
        action: dict[str, Any] = {"type": "scheduleCancel"}
        return await self.act(
            action if time is None else {**action, "time": time}, account=account
        )

    async def update_leverage(
        self, leverage: int, coin: str, is_cross: bool = True, *, account: str = "main"
    ) -> dict[str, Any]:
        """Choose the leverage of a coin."""
        action = {
            "type": "updateLeverage",
            "asset": self._coin(coin).instrument.asset,
            "isCross": is_cross,
            "leverage": leverage,
        }
        return await self.act(action, account=account)

    # At the market

    async def market_open(
        self,
        coin: str,
        is_buy: bool,
        size: Number,
        slippage: Number = _SLIPPAGE,
        *,
        account: str = "main",
        cloid: str | None = None,
        reduce_only: bool = False,
    ) -> PaperFill:
        """
        Take ``size`` coins from the book, or less if less is shown.

        Returns all fills as one, at their average price.

        Raises:
            ConfigError: the coin is not followed, or the size is not above zero.
            StaleDataError: there is no fresh price to trade on; nothing happened.
            OrderRejectedError: the venue would refuse it.
        """
        wanted = amount("size", size)
        if coin not in self.coins:
            raise ConfigError("coin", coin, f"one of {', '.join(self.coins)}")
        mid = self._fresh(coin)
        away = number("slippage", slippage)
        px = rounded_to_figures(
            mid * (ONE + away if is_buy else ONE - away),
            self._coin(coin).instrument.px_decimals,
        )
        answer = await self.order(
            coin,
            is_buy,
            wanted,
            px,
            {"limit": {"tif": "Ioc"}},
            reduce_only=reduce_only,
            cloid=cloid,
            account=account,
        )
        status = _status(answer)
        if "filled" not in status:
            reason = str(status.get("error", answer))
            if reason.startswith(_UNKNOWN):
                raise StaleDataError(coin, self._age(coin), self.max_data_age)
            raise OrderRejectedError(coin, reason, answer)
        return self._filled(account, status["filled"]["oid"])

    async def market_close(
        self, coin: str, size: Number | None = None, *, account: str = "main"
    ) -> PaperFill | None:
        """
        Take the position in ``coin`` off, or part of it; ``None`` without one.

        Raises as ``market_open`` does.
        """
        self._coin(coin)
        known = self.accounts.get(account)
        if known is None:
            raise ConfigError("account", account, f"one of {', '.join(self.accounts)}")
        held = known.positions.get(coin)
        if held is None:
            return None
        wanted = abs(held.szi) if size is None else size
        return await self.market_open(
            coin, held.szi < 0, wanted, account=account, reduce_only=True
        )

    # Looking

    def positions(self, account: str = "main") -> list[PaperPosition]:
        """Return the open positions."""
        known = self.accounts.get(account)
        held = known.positions.values() if known is not None else ()
        return [PaperPosition(it.coin, it.szi, it.entry_px) for it in held]

    def fills(self, account: str = "main") -> list[PaperFill]:
        """Return the latest 2000 fills, oldest first."""
        known = self.accounts.get(account)
        return [_plain(it) for it in known.fills] if known is not None else []

    def open_orders(self, account: str = "main") -> list[Order]:
        """Return what may still do something."""
        known = self.accounts.get(account)
        return list(known.orders.values()) if known is not None else []

    def account(self, name: str = "main") -> dict[str, Any]:
        """Return cash, equity, margins and where the profit came from, in USDC."""
        known = self.accounts.get(name)
        if known is None:
            raise ConfigError("account", name, f"one of {', '.join(self.accounts)}")
        return account_view(known, self.venue.desk if self.is_ready else None)

    # Details

    def _coin(self, name: str) -> Coin:
        if name not in self.coins:
            raise ConfigError("coin", name, f"one of {', '.join(self.coins)}")
        return self.venue.desk.coin(name)

    def _fresh(self, coin: str) -> Decimal:
        """Return the mid, if the coin may be traded on now."""
        if not self.is_ready:
            raise StaleDataError(coin, None, self.max_data_age)
        known = self._coin(coin)
        mid = known.book.mid
        state, _ = known.health.judged(self._now())
        if mid is None or state != "live" or not self.client.is_connected():
            raise StaleDataError(coin, self._age(coin), self.max_data_age)
        return mid

    def _age(self, coin: str) -> float | None:
        heard = self._coin(coin).health.heard_at
        return (self._now() - heard) / 1000 if heard else None

    @abstractmethod
    def _now(self) -> int:
        """Return the venue's time, in ms."""

    def _filled(self, account: str, oid: int) -> PaperFill:
        made = [it for it in self.accounts[account].fills if it.oid == oid]
        size = sum((it.sz for it in made), ZERO)
        first = made[0]
        return PaperFill(
            coin=first.coin,
            is_buy=first.is_buy,
            price=sum((it.sz * it.px for it in made), ZERO) / size,
            size=size,
            fee=sum((it.fee for it in made), ZERO),
            closed_pnl=sum((it.closed_pnl for it in made), ZERO),
            time=first.time,
            data_age=max(it.data_age for it in made) / 1000,
        )


def _plain(made: Filled) -> PaperFill:
    return PaperFill(
        coin=made.coin,
        is_buy=made.is_buy,
        price=made.px,
        size=made.sz,
        fee=made.fee,
        closed_pnl=made.closed_pnl,
        time=made.time,
        data_age=made.data_age / 1000,
    )


def _status(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of the only order of an answer."""
    response = answer.get("response")
    if not isinstance(response, dict):
        return {"error": str(response)}
    status: dict[str, Any] = response["data"]["statuses"][0]
    return status
