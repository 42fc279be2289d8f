"""
What the venue allows one address, counted for the whole process.

HL: docs "rate limits and user limits". They hold per IP address and not per
connection, so every client of one host shares one account of them: the only
thing in bistoury that is process-wide.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ..config import Limits
from ..errors import SubscriptionLimitError
from ..session import Complaint, Subscription
from ..session.budget import Window


@dataclass(slots=True)
class Account:
    """What one venue host has been asked by this process."""

    limits: Limits
    connections_per_minute: Window = field(init=False)
    messages: Window = field(init=False)
    rest_weight: Window = field(init=False)
    connections: int = 0
    subscriptions: int = 0
    posts: int = 0
    """Questions over sockets that the venue has not answered."""
    users: Counter[str] = field(default_factory=Counter)
    users_learned: int | None = None
    """The venue's own number of users, once it has refused one too many."""

    def __post_init__(self) -> None:
        self.connections_per_minute = Window(self.limits.connections_per_minute)
        self.messages = Window(self.limits.messages_per_minute)
        self.rest_weight = Window(self.limits.rest_weight_per_minute)

    def adopt(self, limits: Limits) -> None:
        """Take other limits: the newest client's count."""
        self.limits = limits
        self.connections_per_minute.limit = limits.connections_per_minute
        self.messages.limit = limits.messages_per_minute
        self.rest_weight.limit = limits.rest_weight_per_minute

    @property
    def users_allowed(self) -> int:
        """How many distinct users may be subscribed to."""
        return min(self.limits.users, self.users_learned or self.limits.users)

    def learn(self, kind: Complaint, limit: int) -> None:
        """Take the venue's own word for a limit that our documents may have wrong."""
        if kind is Complaint.USERS:
            self.users_learned = limit

    def claim(self, subscription: Subscription, user: str, copies: int = 1) -> None:
        """
        Count a subscription, once for each connection that carries it.

        Raises:
            SubscriptionLimitError: the venue would refuse it.
        """
        if self.subscriptions + copies > self.limits.subscriptions:
            allowed = self.limits.subscriptions
            raise SubscriptionLimitError(
                subscription, f"at most {allowed} subscriptions are allowed"
            )
        if user and user not in self.users and len(self.users) >= self.users_allowed:
            raise SubscriptionLimitError(
                subscription, f"at most {self.users_allowed} users are allowed"
            )
        self.subscriptions += copies
        if user:
            self.users[user] += 1

    def release(self, user: str, copies: int = 1) -> None:
        """Count a subscription no more."""
        self.subscriptions -= copies
        if user:
            self.users[user] -= 1
            if self.users[user] <= 0:
                del self.users[user]


_ACCOUNTS: dict[str, Account] = {}


def account_of(host: str, limits: Limits) -> Account:
    """Return the process's one account of ``host``."""
    account = _ACCOUNTS.get(host)
    if account is None:
        account = _ACCOUNTS[host] = Account(limits)
    elif account.limits != limits:
        account.adopt(limits)
    return account
