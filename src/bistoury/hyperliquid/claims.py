"""What one client counts for against the venue's limits."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ConnectionLimitError, SubscriptionLimitError
from ..session import Subscription
from ..session.registry import Registry
from . import feeds
from .limits import Account


class Claims:
    """Claims a connection and subscriptions, from connect to disconnect."""

    def __init__(self, account: Account, registry: Registry) -> None:
        self.is_active = False
        self._account = account
        self._registry = registry
        self._users: dict[Subscription, str] = {}

    def begin(self, wanted: Iterable[Subscription]) -> None:
        """
        Count a connection, and what is wanted on it.

        Raises:
            ConnectionLimitError: the venue would refuse the connection.
            SubscriptionLimitError: it would refuse one of the subscriptions.
        """
        allowed = self._account.limits.connections
        if self._account.connections >= allowed:
            raise ConnectionLimitError(allowed)
        self._account.connections += 1
        self.is_active = True
        try:
            for subscription in wanted:
                self.add(subscription)
        except SubscriptionLimitError:
            self.end()
            raise

    def end(self) -> None:
        """Count this client no more."""
        if self.is_active:
            self._account.connections -= 1
            self.is_active = False
        for subscription in list(self._users):
            self.drop(subscription)

    def add(self, subscription: Subscription) -> None:
        """
        Count a subscription.

        Raises:
            SubscriptionLimitError: it cannot be had, and nothing was sent.
        """
        traits = feeds.traits(subscription)
        other = self._registry.routes.get(traits.route)
        if other is not None and other.subscription != subscription:
            raise SubscriptionLimitError(
                subscription,
                f"its frames could not be told from those of {other.subscription},"
                " which this connection carries; use another client",
            )
        if self.is_active and subscription not in self._users:
            self._account.claim(subscription, traits.user)
            self._users[subscription] = traits.user

    def drop(self, subscription: Subscription) -> None:
        """Count a subscription no more."""
        if subscription in self._users:
            self._account.release(self._users.pop(subscription))
