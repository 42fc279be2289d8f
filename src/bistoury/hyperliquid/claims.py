"""What one client counts for against the venue's limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..errors import ConnectionLimitError, SubscriptionLimitError
from ..session import Subscription
from . import feeds
from .limits import Account


class Claims:
    """Claims connections and subscriptions, from connect to disconnect."""

    def __init__(self, account: Account, copies: int) -> None:
        self.is_active = False
        self._account = account
        self._copies = copies
        self._connections = 0
        self._users: dict[Subscription, tuple[str, int]] = {}

    def begin(self, connections: int, wanted: Iterable[Subscription]) -> None:
        """
        Count connections, and what is wanted on them.

        Raises:
            ConnectionLimitError: the venue would refuse a connection.
            SubscriptionLimitError: it would refuse one of the subscriptions.
        """
        if not self.may_connect(connections):
            raise ConnectionLimitError(self._account.limits.connections)
        self.is_active = True
        self.connected(connections)
        try:
            for subscription in wanted:
                self.add(subscription)
        except SubscriptionLimitError:
            self.end()
            raise

    def end(self) -> None:
        """Count this client no more."""
        self.is_active = False
        self.connected(-self._connections)
        for subscription in list(self._users):
            self.drop(subscription)

    def may_connect(self, connections: int = 1) -> bool:
        """Whether the venue allows as many connections more."""
        open_now = self._account.connections
        return open_now + connections <= self._account.limits.connections

    def connected(self, connections: int) -> None:
        """Count connections, or fewer of them."""
        self._connections += connections
        self._account.connections += connections

    def add(self, subscription: Subscription) -> None:
        """
        Count a subscription.

        Raises:
            SubscriptionLimitError: the venue would refuse it; nothing was sent.
        """
        if self.is_active and subscription not in self._users:
            user = feeds.traits(subscription).user
            self._account.claim(subscription, user, self._copies)
            self._users[subscription] = user, self._copies

    def drop(self, subscription: Subscription) -> None:
        """Count a subscription no more."""
        if subscription in self._users:
            self._account.release(*self._users.pop(subscription))

    def double(self, wanted: Collection[Subscription]) -> bool:
        """Count one connection more, with these on it too; return whether it may be."""
        room = self._account.limits.subscriptions - self._account.subscriptions
        if not self.may_connect() or len(wanted) > room:
            return False
        self.connected(1)
        self._copies += 1
        for subscription in wanted:
            if subscription in self._users:
                user, copies = self._users[subscription]
                self._users[subscription] = user, copies + 1
                self._account.subscriptions += 1
        return True

    def undouble(self) -> None:
        """Count one connection less, and what was on it."""
        self._copies -= 1
        for subscription, (user, copies) in self._users.items():
            if copies > self._copies:
                self._users[subscription] = user, self._copies
                self._account.subscriptions -= copies - self._copies
        if self.is_active:
            self.connected(-1)
