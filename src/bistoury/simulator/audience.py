"""Who is subscribed to what."""

from __future__ import annotations

from collections.abc import Iterator

from .subscriptions import Subscription


class Audience:
    """The subscriptions of all connections, found by type and by subject."""

    def __init__(self) -> None:
        self._holders: dict[str, dict[int, None]] = {}
        self._topics: dict[tuple[str, str], dict[str, Subscription]] = {}
        # Grows with every change, so that what is derived can be kept.
        self.version = 0

    def join(self, subscription: Subscription, connection: int) -> None:
        """Note that a connection holds a subscription."""
        text = subscription.text
        holders = self._holders.get(text)
        if holders is None:
            self.version += 1
            holders = self._holders[text] = {}
            for topic in _topics(subscription):
                self._topics.setdefault(topic, {})[text] = subscription
        holders[connection] = None

    def leave(self, subscription: Subscription, connection: int) -> None:
        """Note that it does not any more."""
        text = subscription.text
        holders = self._holders.get(text)
        if holders is None:
            return
        holders.pop(connection, None)
        if not holders:
            self.version += 1
            del self._holders[text]
            for topic in _topics(subscription):
                self._topics[topic].pop(text, None)

    def holders(self, subscription: Subscription) -> list[int]:
        """Return the connections that hold a subscription."""
        return list(self._holders.get(subscription.text, ()))

    def about(self, kind: str, subject: str = "") -> Iterator[Subscription]:
        """Yield the subscriptions of a type, about a coin or a user."""
        yield from list(self._topics.get((kind, subject), {}).values())

    def wants(self, *kinds: str) -> bool:
        """Tell whether anybody holds one of these types."""
        topics = self._topics
        return any(topics.get((kind, "")) for kind in kinds)


def _topics(subscription: Subscription) -> set[tuple[str, str]]:
    kind = subscription.type
    subjects = {"", subscription.coin, subscription.user}
    return {(kind, subject) for subject in subjects}
