"""Who hears of life-cycle events: one ordered mailbox per handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ConfigError
from ..mailbox import Handler, Home, Mailbox, Reporter
from ..session import notices
from ..session.notices import Notice
from .audited import Audited
from .rotated import Rotated
from .slowness import SlowHandler

Event = Notice | Audited | Rotated | SlowHandler

EVENTS: dict[str, type[Any]] = {
    "connected": notices.Connected,
    "ready": notices.Ready,
    "stable": notices.Stable,
    "disconnected": notices.Disconnected,
    "reconnecting": notices.Reconnecting,
    "stale": notices.Stale,
    "gap": notices.Gap,
    "degraded": notices.Degraded,
    "down": notices.Down,
    "breaker": notices.BreakerChanged,
    "audit": Audited,
    "slow_handler": SlowHandler,
    "rotated": Rotated,
}
"""The names users rely on, and what their handlers get."""


class Listeners:
    """Knows who wants to hear of what."""

    def __init__(self, reporter: Reporter, home: Home | None = None) -> None:
        self._reporter = reporter
        self._home = home
        self._by_type: dict[type[Any], tuple[Mailbox[Event], ...]] = {}

    def add(self, name: str, handler: Handler) -> Callable[[], None]:
        """
        Let ``handler`` hear of the event ``name``; return what takes it back.

        Raises:
            ConfigError: there is no such event, or the handler cannot be called.
        """
        kind = EVENTS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise ConfigError("event", name, f"one of {', '.join(EVENTS)}")
        if not callable(handler):
            raise ConfigError("handler", handler, "a function or a coroutine function")
        mailbox: Mailbox[Event] = Mailbox(
            handler, lambda it: it, self._reporter, home=self._home
        )
        self._by_type[kind] = (*self._by_type.get(kind, ()), mailbox)

        def remove() -> None:
            mailbox.close()
            rest = (m for m in self._by_type.get(kind, ()) if m is not mailbox)
            self._by_type[kind] = tuple(rest)

        return remove

    def hear(self, notice: Event) -> None:
        """Tell everyone who wants to know."""
        for mailbox in self._by_type.get(type(notice), ()):
            mailbox.put(notice)

    def catch_up(self) -> None:
        """Call plain functions at once with what they have not heard yet."""
        for mailbox in self.mailboxes():
            mailbox.catch_up()

    def mailboxes(self) -> list[Mailbox[Event]]:
        """Return every mailbox."""
        return [m for group in self._by_type.values() for m in group]
