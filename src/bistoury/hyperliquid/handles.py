"""What a subscriber holds in hand: one listener of one subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..session import Subscription
from ..session.registry import Entry

if TYPE_CHECKING:
    from ..dispatcher import Outlet


class Holder(Protocol):
    """The client, as far as a handle calls it."""

    def state_of(self, entry: Entry) -> str:
        """Return where a subscription stands."""
        ...

    def now(self) -> float:
        """Return the sessions' time."""
        ...

    def leave(self, handle: SubscriptionHandle) -> None:
        """Take a listener away."""
        ...


class SubscriptionHandle:
    """
    One listener of one subscription; always true.

    ``state`` is ``pending``, ``live``, ``late``, ``stale``, ``recovering``,
    ``failed``, ``refused`` or ``closed``; ``error`` is the venue's text if it refused.
    """

    def __init__(
        self,
        client: Holder,
        entry: Callable[[], Entry | None],
        subscription: Subscription,
        outlet: Outlet | None,
        *,
        is_raw: bool = False,
    ) -> None:
        self._client = client
        self._entry = entry
        self.subscription = subscription
        self.outlet = outlet
        self.is_raw = is_raw
        self.is_closed = False

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return str(self.subscription)

    def __repr__(self) -> str:
        return f"<{self.subscription} {self.state}>"

    @property
    def state(self) -> str:
        """Where the subscription stands."""
        entry = None if self.is_closed else self._entry()
        return "closed" if entry is None else self._client.state_of(entry)

    @property
    def error(self) -> str | None:
        """What the venue said when it refused, if it did."""
        entry = self._entry()
        return entry.refusal or None if entry is not None else None

    @property
    def last_message_age(self) -> float | None:
        """Seconds since its last data on this connection; ``None`` before any."""
        entry = self._entry()
        if entry is None or not entry.last_at:
            return None
        return self._client.now() - entry.last_at

    async def unsubscribe(self) -> None:
        """Let no further call of this listener happen; the last to leave ends it."""
        self._client.leave(self)
