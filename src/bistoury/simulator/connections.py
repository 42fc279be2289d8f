"""One client's connection, and the address it comes from, as the venue sees them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .limits import Window
from .link import Link
from .settings import Limits
from .subscriptions import Subscription

NEVER = 1 << 62


@dataclass(slots=True)
class Reply:
    """An answer to a post that is on its way."""

    due: int
    data: bytes


@dataclass(slots=True)
class Connection:
    """An open connection. Times are milliseconds."""

    number: int
    visitor: Visitor
    opened: int
    link: Link
    last_sent: int
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    # Unsubscribed, but frames that were on their way still come until then.
    leaving: dict[str, tuple[int, Subscription]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    received: int = 0
    sent: int = 0

    def next_at(self, idle: int, life: int) -> int:
        """When the next thing happens to this connection by itself."""
        at = self.last_sent + idle if idle else NEVER
        if life:
            at = min(at, self.opened + life)
        for reply in self.replies:
            at = min(at, reply.due)
        for until, _ in self.leaving.values():
            at = min(at, until)
        return at


class Visitor:
    """An address: what its connections may do together."""

    def __init__(self, address: str, limits: Limits) -> None:
        self.address = address
        self.connections: dict[int, Connection] = {}
        length = limits.window
        self.attempts = Window(limits.connections_per_minute, length)
        self.messages = Window(limits.messages_per_minute, length)
        self.weight = Window(limits.rest_weight_per_minute, length)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions its connections hold."""
        return sum(len(each.subscriptions) for each in self.connections.values())

    @property
    def posts(self) -> int:
        """How many of its posts are in flight."""
        return sum(len(each.replies) for each in self.connections.values())

    @property
    def users(self) -> set[str]:
        """The distinct users its subscriptions name."""
        return {
            subscription.user
            for connection in self.connections.values()
            for subscription in connection.subscriptions.values()
            if subscription.user
        }
