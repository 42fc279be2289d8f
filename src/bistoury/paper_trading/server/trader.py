"""What a paper server needs of the engine behind it, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from ...hyperliquid.client import HyperLiquidIntegration
from ..accounts import Account
from ..events import Event
from ..venue import PaperVenue


class Trader(Protocol):
    """``PaperTradingEngine``, or whatever does as it does."""

    coins: tuple[str, ...]

    @property
    def client(self) -> HyperLiquidIntegration:
        """Where the market comes from."""

    @property
    def is_ready(self) -> bool:
        """Whether the rules and the time of the venue are known."""

    @property
    def trouble(self) -> str:
        """Why nothing can be done until somebody helps; empty while all is well."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Every account, by name."""

    @property
    def venue(self) -> PaperVenue:
        """The paper venue, to be looked at."""

    @property
    def act(self) -> Callable[..., Awaitable[dict[str, Any]]]:
        """Takes an action, ``account``, ``nonce`` and ``expires_after``; answers."""

    def open_account(self, name: str, cash: str | Decimal, address: str = "") -> None:
        """Open an account, or begin one anew."""

    def events(self) -> AsyncIterator[Event]:
        """Return every fact from now on."""

    def facts(self) -> list[Event]:
        """Return every fact there is; may read the disk."""

    def explain(self, tid: int) -> dict[str, Any]:
        """Return why a fill was made; may read the disk."""
