"""From an update to the handlers that want it: by subscription and by type."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

from .mailbox import Handler, Mailbox
from .session import Subscription, Update
from .session.registry import Entry

Message = dict[str, Any]
Key = Subscription | str


class Outlet(Protocol):
    """Where the messages of one listener go in."""

    is_closed: bool

    @property
    def handler(self) -> Handler:
        """Whoever gets the messages, by a name people know."""
        ...

    def put(self, item: Update, conflate: Hashable = None) -> bool:
        """Take a message; return whether there was room."""
        ...

    def close(self) -> None:
        """Let no further call happen."""
        ...


class Reporter(Protocol):
    """Who hears of handlers' trouble. Nothing here may raise."""

    def handler_failed(self, handler: Handler, error: BaseException) -> None:
        """Hear that a handler raised."""
        ...

    def overflowed(self, handler: Handler, subscription: Subscription) -> None:
        """Hear that a mailbox had no room for a message of an event feed."""
        ...


class Dispatcher:
    """Knows every handler."""

    def __init__(self, read: Callable[[Update], Message], reporter: Reporter) -> None:
        self._read = read
        self._reporter = reporter
        self._outlets: dict[Key, tuple[Outlet, ...]] = {}

    def mailbox(self, handler: Handler) -> Mailbox[Update]:
        """Make a mailbox for ``handler``."""
        return Mailbox(handler, self._read, self._reporter.handler_failed)

    def add(self, key: Key, outlet: Outlet) -> None:
        """Give ``outlet`` the messages of one subscription, or of one type."""
        # The tuple is replaced, not changed: a delivery may be walking over it.
        self._outlets[key] = (*self._outlets.get(key, ()), outlet)

    def remove(self, key: Key, outlet: Outlet) -> None:
        """Let no further call of ``outlet`` happen."""
        outlet.close()
        rest = tuple(o for o in self._outlets.get(key, ()) if o is not outlet)
        if rest:
            self._outlets[key] = rest
        else:
            self._outlets.pop(key, None)

    def outlets(self) -> list[Outlet]:
        """Return every outlet."""
        return [outlet for group in self._outlets.values() for outlet in group]

    def deliver(self, entry: Entry, update: Update) -> None:
        """Hand an update to everyone who wants it."""
        subscription = entry.subscription
        # State feeds keep the newest message only; event feeds keep all.
        conflate = None if entry.traits.is_lossless else subscription
        for key in (subscription, subscription.feed):
            for outlet in self._outlets.get(key, ()):
                if not outlet.is_closed and not outlet.put(update, conflate):
                    self._reporter.overflowed(outlet.handler, subscription)
