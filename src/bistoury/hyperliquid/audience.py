"""Who listens to what: the handles of every subscription, and their mailboxes."""

from __future__ import annotations

from ..dispatcher import Dispatcher
from ..session import Subscription
from .handles import SubscriptionHandle


class Audience:
    """Keeps listeners and dispatcher in step."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._handles: dict[Subscription, list[SubscriptionHandle]] = {}

    def add(self, handle: SubscriptionHandle) -> None:
        """Let a listener hear."""
        if handle.outlet is not None:
            self._dispatcher.add(
                handle.subscription, handle.outlet, is_raw=handle.is_raw
            )
        self._handles.setdefault(handle.subscription, []).append(handle)

    def remove(self, handle: SubscriptionHandle) -> int:
        """Let a listener hear no more; return how many remain."""
        handle.is_closed = True
        if handle.outlet is not None:
            self._dispatcher.remove(handle.subscription, handle.outlet)
        rest = self._handles.get(handle.subscription, [])
        if handle in rest:
            rest.remove(handle)
        if not rest:
            self._handles.pop(handle.subscription, None)
        return len(rest)
