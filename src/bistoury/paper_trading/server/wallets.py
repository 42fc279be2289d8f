"""
Whose account is meant by an address: its own, opened when it first signs.

An agent (API wallet) that was approved, which the journal keeps, or that was named
when the server was started, acts for its owner. Who only asks opens nothing: an
account that is not there yet is shown as it would begin.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ...hyperliquid import validate
from ..accounts import Account
from ..settings import amount
from .trader import Trader

logger = logging.getLogger(__name__)

MOST_ACCOUNTS = 1000
"""A signature for another network leads to a new address each time."""
DEFAULT_CASH = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who may sign for an owner."""

    owner: str
    name: str = ""


class Wallets:
    """Knows accounts by their addresses."""

    def __init__(
        self,
        trader: Trader,
        cash: str | Decimal | None = DEFAULT_CASH,
        agents: Mapping[str, str] | None = None,
    ) -> None:
        self._trader = trader
        self.cash = amount("cash", cash) if cash is not None else None
        self._named = {
            validate.address(agent, "agents"): Agent(validate.address(owner, "agents"))
            for agent, owner in (agents or {}).items()
        }

    @property
    def agents(self) -> dict[str, Agent]:
        """Everybody who may sign for somebody else."""
        approved = {
            agent: Agent(address_of(account), name)
            for account in self._trader.accounts.values()
            for agent, name in account.agents.items()
        }
        return approved | self._named

    def agent(self, signer: str) -> Agent | None:
        """Return whose agent somebody is."""
        named = self._named.get(signer)
        if named is not None:
            return named
        for account in self._trader.accounts.values():
            name = account.agents.get(signer)
            if name is not None:
                return Agent(address_of(account), name)
        return None

    def owner_of(self, signer: str) -> str:
        """Return for whom somebody signs."""
        agent = self.agent(signer)
        return signer if agent is None else agent.owner

    def find(self, address: str) -> Account | None:
        """Return the account of an address, if it is open."""
        known = self._trader.accounts
        found = known.get(address)
        if found is not None:
            return found
        return next(
            (it for it in known.values() if it.address.lower() == address), None
        )

    def opened(self, address: str) -> Account | None:
        """Return the account of an address; open it if that is wanted here."""
        found = self.find(address)
        if found is None and self.cash is not None:
            if len(self._trader.accounts) >= MOST_ACCOUNTS:
                return None
            logger.info("paper account of %s is opened: it signed", address)
            self._trader.open_account(address, self.cash, address)
            found = self._trader.accounts[address]
        return found

    def shown(self, address: str) -> Account:
        """Return the account of an address as it is, or as it would begin."""
        found = self.find(address)
        if found is not None:
            return found
        cash = self.cash or Decimal(0)
        return Account(address, address, opened_with=cash, raw_usd=cash)


def address_of(account: Account) -> str:
    """Return by which address an account is known; empty without one."""
    if account.address:
        return account.address.lower()
    return account.name if account.name.startswith("0x") else ""
