"""Who listens, and to what: subscriptions, streams, handlers of messages and events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ..backlog import DEFAULT_LIMIT
from ..config import Config
from ..dispatcher import Dispatcher, Outlet
from ..errors import ConfigError, SubscriptionRefusedError
from ..mailbox import Handler
from ..observability.listeners import Listeners
from ..session import Subscription
from ..session import events as on
from . import feeds, validate
from .audience import Audience
from .auditor import Auditor, check
from .claims import Claims
from .handles import SubscriptionHandle
from .line import Line
from .reading import read, read_typed
from .residing import at_home, at_home_now
from .stream import Stream
from .subscribing import Subscribing
from .viewing import Viewing, subscription_of

_ACKNOWLEDGED_WITHIN = 10.0


class Listening(Viewing, Subscribing):
    """Keeps listeners, claims and what is wanted of the venue in step."""

    config: Config
    _claims: Claims
    _dispatcher: Dispatcher
    _audience: Audience
    _listeners: Listeners
    _auditor: Auditor

    @at_home
    async def subscribe(
        self,
        subscription: Mapping[str, Any],
        handler: Handler | None = None,
        *,
        raw: bool = False,
        typed: bool = False,
        audit: bool = False,
        max_queue: int = DEFAULT_LIMIT,
        conflate: bool | None = None,
    ) -> SubscriptionHandle:
        """
        Subscribe to anything the venue knows: ``{"type": ..., ...}``.

        While live, returns on acknowledgement (or pending, after ten seconds);
        otherwise at once. Cancelling withdraws the handler. ``raw`` gives the handler
        every frame as it comes: repeats, replays and disorder included. ``typed``
        gives it a ``Message`` with Structs instead of dicts. ``audit`` compares trades
        with the venue's bars, each minute (event ``audit``).

        Of messages that wait for a slow handler, state feeds (books, mids, contexts)
        keep the newest and the others as many as ``max_queue``; ``conflate`` asks for
        the newest, or for all of them, whatever the feed.

        Raises:
            ConfigError: it is malformed; nothing was sent.
            SubscriptionLimitError: the venue would refuse it; nothing was sent.
            SubscriptionRefusedError: the venue said no.
        """
        wanted = feeds.canonical(subscription)
        limit = validate.count(max_queue, "max_queue")
        if audit:
            check(wanted)
        if raw and typed:
            raise ConfigError("typed", typed, "raw or typed, not both")
        outlet = None
        if handler is not None:
            outlet = self._dispatcher.mailbox(
                _checked(handler),
                is_raw=raw,
                is_typed=typed,
                limit=limit,
                conflate=validate.choice(conflate, "conflate"),
                home=self._io,
                before_gap=self._listeners.catch_up,
            )
        handle = await self.join(wanted, outlet, is_raw=raw)
        if audit:
            await self._auditor.follow(handle)
        return handle

    @at_home
    async def join(
        self,
        subscription: Subscription,
        outlet: Outlet | None,
        *,
        is_raw: bool = False,
    ) -> SubscriptionHandle:
        """Add a listener to a subscription; the first one asks the venue for it."""
        self._check_loop()
        entry = self._fleet.entry(subscription)
        is_new = entry is None or bool(entry.refusal)
        if is_new:
            self._claims.add(subscription)
        handle = SubscriptionHandle(
            self,
            lambda: self._fleet.entry(subscription),
            subscription,
            outlet,
            is_raw=is_raw,
        )
        self._audience.add(handle)
        if is_new:
            try:
                self._ask_for(subscription)
            except BaseException:
                self._audience.remove(handle)
                self._claims.drop(subscription)
                raise
        self._note_raw(subscription)
        if not self._fleet.is_live:
            return handle

        def is_settled() -> bool:
            now = self._fleet.entry(subscription)
            return now is None or now.is_held or bool(now.refusal)

        try:
            await self._waiting.until(is_settled, _ACKNOWLEDGED_WITHIN)
        except asyncio.CancelledError:
            self.leave(handle)
            raise
        if handle.error is not None:
            reason = handle.error
            self._audience.remove(handle)
            raise SubscriptionRefusedError(subscription, reason)
        return handle

    @at_home_now
    def leave(self, handle: SubscriptionHandle) -> None:
        """Take a listener away; the last one to leave ends the subscription."""
        self._check_loop()
        if handle.is_closed:
            return
        self._auditor.left(handle)
        remaining = self._audience.remove(handle)
        self._note_raw(handle.subscription)
        if not remaining:
            self._claims.drop(handle.subscription)
            before = len(self._fleet.lines)
            self._fleet.release(handle.subscription)
            self.gave_up(handle.subscription)
            if self._claims.is_active:
                self._claims.connected(len(self._fleet.lines) - before)

    def stream(
        self,
        subscription: Mapping[str, Any] | Subscription | SubscriptionHandle,
        max_queue: int = DEFAULT_LIMIT,
        conflate: bool | None = None,
        *,
        typed: bool = False,
    ) -> Stream:
        """
        Return an async iterator over the same data as a handler would get.

        ``max_queue``, ``conflate`` and ``typed`` are those of ``subscribe``.
        """
        return Stream(
            self,
            subscription_of(subscription),
            read_typed if typed else read,
            validate.count(max_queue, "max_queue"),
            conflate=validate.choice(conflate, "conflate"),
            home=self._io,
        )

    def add_message_handler(
        self,
        type: str,  # noqa: A002
        handler: Handler,
        *,
        typed: bool = False,
    ) -> Callable[[], None]:
        """Give ``handler`` every message of a type; return what takes it back."""
        self._check_loop()
        if not isinstance(type, str) or not type:
            raise ConfigError("type", type, "a type of subscription, such as 'trades'")
        outlet = self._dispatcher.mailbox(
            _checked(handler),
            is_typed=typed,
            home=self._io,
            before_gap=self._listeners.catch_up,
        )
        self._attach(type, outlet)
        return lambda: self._detach(type, outlet)

    def on(self, event_name: str, handler: Handler) -> Callable[[], None]:
        """Let ``handler`` hear of life-cycle events; return what takes it back."""
        self._check_loop()
        return self._listeners.add(event_name, handler)

    # Details

    @at_home_now
    def _attach(self, type: str, outlet: Outlet) -> None:  # noqa: A002
        self._dispatcher.add(type, outlet)

    @at_home_now
    def _detach(self, type: str, outlet: Outlet) -> None:  # noqa: A002
        self._dispatcher.remove(type, outlet)

    def _ask_for(self, subscription: Subscription) -> None:
        """Want a subscription, over a new connection if it takes one."""
        before = set(self._fleet.lines)
        memory = self.config.user_memory, self.config.coin_memory
        self._fleet.want(subscription, feeds.traits(subscription, *memory))
        new = [line for line in self._fleet.lines if line not in before]
        if new and self._claims.is_active:
            self._claims.connected(len(new))
            for line in new:
                self._start(line)

    def _start(self, line: Line) -> None:
        """Open a line's connection; frames as they come go to those who want them."""
        for subscription in line.session.registry.entries:
            self._note_raw(subscription)
        line.supervisor.attach(asyncio.get_running_loop())
        line.supervisor.feed(on.ConnectRequested(line.supervisor.wall()))

    def _note_raw(self, subscription: Subscription) -> None:
        is_wanted = self._dispatcher.has_raw(subscription)
        for line in self._fleet.lines:
            entry = line.session.registry.entries.get(subscription)
            if entry is not None:
                entry.has_raw_readers = is_wanted


def _checked(handler: Handler) -> Handler:
    if not callable(handler):
        raise ConfigError("handler", handler, "a function or a coroutine function")
    return handler
