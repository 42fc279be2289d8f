"""
``HyperLiquidIntegration``: what users hold in hand.

Wiring and verbs. Decisions are the sessions', actions the supervisors', and
everything shown is computed in ``observability``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Callable, Mapping
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ..config import Config
from ..dispatcher import Dispatcher, Outlet
from ..errors import ConfigError, SubscriptionRefusedError
from ..mailbox import DEFAULT_LIMIT, Handler, Mailbox
from ..observability.listeners import Listeners
from ..observability.logs import Logs
from ..observability.monitor import Monitor
from ..recorder.journal import MAX_BYTES, Journal
from ..resilience import ConnectionCircuitBreaker
from ..session import Subscription
from ..session import events as on
from ..transport.base import Transport
from . import feeds, validate, wire
from .audience import Audience
from .auditor import Auditor, check
from .claims import Claims
from .errands import Errands
from .fleet import Fleet
from .handles import SubscriptionHandle
from .limits import account_of
from .posts import Posts
from .requests import Requests
from .residing import Residing
from .showing import Showing
from .stream import Stream
from .subscribing import Subscribing
from .tuning import Tuning
from .viewing import subscription_of
from .waiting import Waiting
from .wiring import LineMaker, transport_of

if TYPE_CHECKING:
    from .info import Info

logger = logging.getLogger(__name__)

_ACKNOWLEDGED_WITHIN = 10.0
_HANDLERS_WITHIN = 1.0
_CLOSED_WITHIN = 1.5
_LOOSE_ENDS_WITHIN = 0.2


class HyperLiquidIntegration(Residing, Subscribing, Tuning, Showing, Requests):
    """
    A Hyperliquid client that comes back by itself.

    Args:
        config: where to connect and how patiently; the environment by default.
        circuit_breaker: lets a breaker hold attempts back; by default it reports.
        connect_timeout: how long ``connect`` waits to be live, in seconds.
        redundancy: how many connections carry each subscription; the first copy wins.
        shards: over how many connections to spread subscriptions; with more than
            one, users' feeds have the first to themselves.
        canary: follow ``allMids`` too, so that a silent venue can be told from a
            quiet market although nothing wanted speaks at intervals.
        journal: a file for the incident journal, which ``bistoury replay`` reads.
        journal_max_bytes: how much of it to keep, the part before it included.
        transport: another way of opening connections, for tests.
        rest: another way of asking over REST, for tests.
        rng: where jitter comes from, for tests.
        wall_clock: what tells the time of day, for tests.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        circuit_breaker: ConnectionCircuitBreaker | None = None,
        connect_timeout: float = 10.0,
        redundancy: int = 1,
        shards: int = 1,
        canary: bool = False,
        journal: str | os.PathLike[str] | None = None,
        journal_max_bytes: int = MAX_BYTES,
        ssl_context: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        rest: Info | None = None,
        rng: Random | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config if config is not None else Config.load_from_env()
        if not isinstance(self.config, Config):
            raise ConfigError("config", config, "a Config, or nothing")
        self.connect_timeout = connect_timeout
        self._ssl_context = ssl_context
        if rest is not None:
            self.__dict__["info"] = rest
        host = urlsplit(self.config.api_url).netloc
        self._account = account_of(host, self.config.limits)
        self._claims = Claims(self._account, validate.count(redundancy, "redundancy"))
        self._logs = Logs(logger)
        self._journal = None
        if journal is not None:
            most = validate.count(journal_max_bytes, "journal_max_bytes")
            failed = self._logs.journal_failed
            self._journal = Journal(journal, max_bytes=most, failed=failed)
        self._fleet = Fleet(
            LineMaker(
                self,
                self.config,
                self._account,
                transport or transport_of(self.config, ssl_context),
                rng or Random(),
                circuit_breaker=circuit_breaker,
                wall_clock=wall_clock,
                journal=self._journal,
            ),
            self._claims.may_connect,
            shards=validate.count(shards, "shards"),
            redundancy=redundancy,
        )
        self._monitor = Monitor()
        self._posts = Posts(
            lambda: self._fleet.lines, self._account, self._monitor.request_done
        )
        self._dispatcher = Dispatcher(wire.read, wire.read_raw, self)
        self._audience = Audience(self._dispatcher)
        self._listeners = Listeners(self.handler_failed)
        self._waiting = Waiting()
        self._errands = Errands()
        self._auditor = Auditor(self, self._fleet.entry, self._errands, self.audited)
        self._canary = {"type": "allMids"} if canary else None

    def __repr__(self) -> str:
        return (
            f"<HyperLiquidIntegration {self._session.state},"
            f" {len(self._fleet.entries())} subscriptions, {self.config.ws_url}>"
        )

    # Coming and going

    async def connect(self) -> bool:
        """
        Connect, restore what is wanted, and keep at it until ``disconnect``.

        Returns:
            True once live; False after ``connect_timeout``, with retries going on.

        Raises:
            ConnectionLimitError: the venue would refuse another connection.
            SubscriptionLimitError: it would refuse one of the subscriptions.
            WrongLoopError: the client lives on another event loop.
        """
        self._settle_in(asyncio.get_running_loop())
        began = self._fleet.is_resting
        if began:
            self._claims.begin(len(self._fleet.lines), self._fleet.entries())
            if self._canary is not None:
                await self.subscribe(self._canary)
                self._canary = None
            self._fleet.feed(on.ConnectRequested(self._supervisor.wall()))
        try:
            await self._waiting.until(
                lambda: self._fleet.is_live or not self._is_going_on,
                self.connect_timeout,
            )
        except asyncio.CancelledError:
            if began:
                self._fleet.feed(on.CloseRequested())
            raise
        return self.is_connected()

    async def disconnect(self, disable_auto_reconnect: bool = False) -> None:
        """
        Stop everything; what is wanted is remembered for the next ``connect``.

        Returns within two seconds, whatever the peer does.
        """
        self._check_loop()
        if disable_auto_reconnect:
            self.disable_auto_reconnect()
        self._errands.cancel()
        self._fleet.feed(on.CloseRequested())
        boxes: list[Mailbox[Any]] = list(self._listeners.mailboxes())
        for outlet in self._audience.outlets():
            if isinstance(outlet, Mailbox):
                boxes.append(outlet)
            else:
                outlet.close()  # a stream ends
        # A handler may be who asks, and must not be waited for. Looked up here, for
        # ``gather`` runs each of these in a task of its own.
        asking = asyncio.current_task()
        await asyncio.gather(
            self._waiting.until(lambda: self._fleet.is_resting, _CLOSED_WITHIN),
            self._close_requests(),
            *(box.finish(_HANDLERS_WITHIN) for box in boxes if box.task is not asking),
        )
        for line in self._fleet.lines:
            await line.supervisor.finish(_LOOSE_ENDS_WITHIN)

    async def reconnect(self, reason: str = "user") -> None:
        """Drop every connection and open others; do nothing while disconnected."""
        self._check_loop()
        self._fleet.feed(on.ReconnectRequested(reason))

    def is_connected(self) -> bool:
        """Whether the socket is open and everything wanted is acknowledged."""
        return self._fleet.is_live

    async def wait_ready(self, timeout: float | None = None) -> bool:
        """
        Wait until everything wanted is acknowledged and has said its first word.

        The first word is waited for where the venue sends one at once. Returns
        False after ``timeout`` seconds, or when the client is disconnected.
        """
        self._check_loop()
        await self._waiting.until(
            lambda: self._fleet.is_ready or self._fleet.is_resting, timeout
        )
        return self._fleet.is_ready

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except asyncio.CancelledError:
            await self.disconnect()  # nobody else will: the block is never entered
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    # Subscriptions

    async def subscribe(
        self,
        subscription: Mapping[str, Any],
        handler: Handler | None = None,
        *,
        raw: bool = False,
        audit: bool = False,
    ) -> SubscriptionHandle:
        """
        Subscribe to anything the venue knows: ``{"type": ..., ...}``.

        While live, returns on acknowledgement (or pending, after ten seconds);
        otherwise at once. Cancelling withdraws the handler. ``raw`` gives the handler
        every frame as it comes: repeats, replays and disorder included. ``audit``
        compares trades with the venue's bars, each minute (event ``audit``).

        Raises:
            ConfigError: it is malformed; nothing was sent.
            SubscriptionLimitError: the venue would refuse it; nothing was sent.
            SubscriptionRefusedError: the venue said no.
        """
        wanted = feeds.canonical(subscription)
        if audit:
            check(wanted)
        outlet = None
        if handler is not None:
            outlet = self._dispatcher.mailbox(_checked(handler), is_raw=raw)
        handle = await self.join(wanted, outlet, is_raw=raw)
        if audit:
            await self._auditor.follow(handle)
        return handle

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
        if not self.is_connected():
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
            if self._claims.is_active:
                self._claims.connected(len(self._fleet.lines) - before)

    def stream(
        self,
        subscription: Mapping[str, Any] | Subscription | SubscriptionHandle,
        max_queue: int = DEFAULT_LIMIT,
    ) -> Stream:
        """Return an async iterator over the same data as a handler would get."""
        limit = validate.count(max_queue, "max_queue")
        return Stream(self, subscription_of(subscription), wire.read, limit)

    def add_message_handler(self, type: str, handler: Handler) -> Callable[[], None]:  # noqa: A002
        """Give ``handler`` every message of a type; return what takes it back."""
        self._check_loop()
        if not isinstance(type, str) or not type:
            raise ConfigError("type", type, "a type of subscription, such as 'trades'")
        outlet = self._dispatcher.mailbox(_checked(handler))
        self._dispatcher.add(type, outlet)
        return lambda: self._dispatcher.remove(type, outlet)

    def on(self, event_name: str, handler: Handler) -> Callable[[], None]:
        """Let ``handler`` hear of life-cycle events; return what takes it back."""
        self._check_loop()
        return self._listeners.add(event_name, handler)

    # Details

    def _ask_for(self, subscription: Subscription) -> None:
        """Want a subscription, over a new connection if it takes one."""
        before = set(self._fleet.lines)
        self._fleet.want(subscription, feeds.traits(subscription))
        new = [line for line in self._fleet.lines if line not in before]
        if new and self._claims.is_active:
            self._claims.connected(len(new))
            for line in new:
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
