"""All users: who exists, when each acts next, and the hourly funding."""

from __future__ import annotations

import heapq
import re

from .accounts import Account
from .bars import HOUR
from .funding_rates import FundingRates, stamp
from .habits import HABITS
from .ledger import Ledger
from .market import CoinMarket, Market
from .numbers import rate
from .scene import Scene
from .settings import Settings

_ADDRESS = re.compile(r"0x[0-9a-f]{40}\Z")
_PAST_STEP = 60_000
NEVER = 1 << 62


class Users:
    """The accounts, which come to life when first asked for."""

    def __init__(
        self,
        settings: Settings,
        seed: int,
        market: Market,
        rates: FundingRates,
        ledger: Ledger,
    ) -> None:
        self._settings = settings
        self._seed = seed
        self._market = market
        self._rates = rates
        self._ledger = ledger
        self._accounts: dict[str, Account] = {}
        self._coins = list(market.coins.values())
        self._due: list[tuple[int, str]] = []
        self._hour = (market.start // HOUR + 1) * HOUR
        self._active: dict[str, None] = {}
        self._names = [name for name, (_, weight) in HABITS.items() if weight]
        self._weights = [HABITS[name][1] for name in self._names]

    @property
    def next_at(self) -> int:
        """When (ms) somebody acts or is paid."""
        due = self._due[0][0] if self._due else NEVER
        return min(due, self._market.block_after(stamp(self._hour)))

    def account(self, address: str, now: int) -> Account | None:
        """Return the account of an address; None if it has none."""
        address = address.lower()
        known = self._accounts.get(address)
        if known is not None or not _ADDRESS.match(address):
            return known
        allowed = self._settings.users
        if allowed is not None and address not in {name.lower() for name in allowed}:
            return None
        opened = self._market.block_at(now)
        account = Account(address, self._seed, opened, self._ledger)
        self._accounts[address] = account
        self._rehearse(account)
        self._schedule(account, float(opened))
        return account

    def step(self, block: int, time: int) -> list[CoinMarket]:
        """Let everybody act who is due by ``block``; return the coins traded."""
        traded: list[CoinMarket] = []
        while self._due and self._due[0][0] <= block:
            _, address = heapq.heappop(self._due)
            account = self._accounts[address]
            coin = account.rng.choice(self._coins)
            name = account.rng.choices(self._names, self._weights)[0]
            HABITS[name][0](Scene(account, coin, time))
            traded.append(coin)
            self._active[address] = None
            self._schedule(account, float(block))
        while self._market.block_after(stamp(self._hour)) <= block:
            self._rates.settle(self._hour)
            for account in self._accounts.values():
                self._pay(account, self._hour)
                self._active[account.address] = None
            self._hour += HOUR
        return traded

    def act(self, address: str, habit: str, coin: str, now: int, time: int) -> None:
        """Have a user do something now; ``habit`` is a name in ``HABITS``."""
        account = self.account(address, now)
        if account is not None:
            HABITS[habit][0](Scene(account, self._market.coins[coin], time))
            self._active[account.address] = None

    def active(self) -> list[Account]:
        """Return the accounts that did something since this was last asked."""
        active, self._active = self._active, {}
        return [self._accounts[address] for address in active]

    def _schedule(self, account: Account, after: float) -> None:
        per_ms = self._settings.user_rate / 1000
        if per_ms > 0:
            moment = after + account.rng.expovariate(per_ms)
            block = self._market.block_after(moment)
            heapq.heappush(self._due, (block, account.address))

    def _rehearse(self, account: Account) -> None:
        """Give a new account a past, which the stream shows as its snapshot."""
        count = self._settings.user_history
        account.enter(
            {"type": "deposit", "usdc": "10000.0"},
            f"0x{account.rng.getrandbits(256):064x}",
            account.opened - (count + 1) * _PAST_STEP,
        )
        for left in range(count, 0, -1):
            coin = account.rng.choice(self._coins)
            name = account.rng.choices(self._names, self._weights)[0]
            time = account.opened - left * _PAST_STEP
            HABITS[name][0](Scene(account, coin, time, public=False))
        # An hour that is being paid right now is paid by ``step``.
        last = account.opened - 200
        self._pay(account, last // HOUR * HOUR)
        account.taken()

    def _pay(self, account: Account, hour: int) -> None:
        for name, coin in self._market.coins.items():
            value, _ = self._rates.at(name, hour)
            account.pay_funding(coin, value, rate(value), stamp(hour))
