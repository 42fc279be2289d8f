"""
``HyperLiquidIntegration``: what users hold in hand.

Wiring and verbs. Decisions are the session's, actions the supervisor's, and
everything shown is computed in ``observability``.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from ..config import Config
from ..dispatcher import Dispatcher, Outlet
from ..errors import (
    BistouryError,
    ConfigError,
    ProtocolError,
    StaleDataError,
    SubscriptionRefusedError,
    WrongLoopError,
)
from ..mailbox import DEFAULT_LIMIT, Handler, Mailbox
from ..observability import health
from ..observability.listeners import Listeners
from ..observability.logs import Logs
from ..observability.monitor import Monitor
from ..resilience import ConnectionCircuitBreaker
from ..session import Session, State, Subscription, Update
from ..session import effects as do
from ..session import events as on
from ..session import notices as heard
from ..session.notices import Notice
from ..session.registry import Entry, Holding
from ..supervisor import Supervisor
from ..transport.base import Transport
from . import feeds, wire
from .claims import Claims
from .errands import Errands
from .handles import SubscriptionHandle
from .limits import account_of
from .requests import Requests
from .stream import Stream
from .subscribing import Subscribing
from .tuning import Tuning
from .waiting import Waiting
from .wiring import policy_of, transport_of

logger = logging.getLogger(__name__)

_RESTING = (State.IDLE, State.CLOSED)
_ACKNOWLEDGED_WITHIN = 10.0
_HANDLERS_WITHIN = 1.0
_CLOSED_WITHIN = 1.5


class HyperLiquidIntegration(Subscribing, Tuning, Requests):
    """
    A Hyperliquid client that comes back by itself.

    Args:
        config: where to connect and how patiently; the environment by default.
        circuit_breaker: lets a breaker hold attempts back; by default it reports.
        connect_timeout: how long ``connect`` waits to be live, in seconds.
        transport: another way of opening connections, for tests.
        rng: where jitter comes from, for tests.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        circuit_breaker: ConnectionCircuitBreaker | None = None,
        connect_timeout: float = 10.0,
        ssl_context: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        rng: Random | None = None,
    ) -> None:
        self.config = config if config is not None else Config.load_from_env()
        if not isinstance(self.config, Config):
            raise ConfigError("config", config, "a Config, or nothing")
        self.connect_timeout = connect_timeout
        self._ssl_context = ssl_context
        host = urlsplit(self.config.api_url).netloc
        self._account = account_of(host, self.config.limits)
        breaker = circuit_breaker or ConnectionCircuitBreaker()
        self._session = Session(
            policy=policy_of(self.config),
            rng=rng or Random(),
            breaker=breaker.breaker,
            breaker_is_gate=circuit_breaker is not None,
            connections=self._account.connections_per_minute,
            messages=self._account.messages,
        )
        self._supervisor = Supervisor(
            self._session,
            transport or transport_of(self.config, ssl_context),
            wire,
            self,
            url=self.config.ws_url,
        )
        self._monitor = Monitor()
        self._logs = Logs(logger)
        self._dispatcher = Dispatcher(wire.read, wire.read_raw, self)
        self._listeners = Listeners(self.handler_failed)
        self._waiting = Waiting()
        self._handles: dict[Subscription, list[SubscriptionHandle]] = {}
        self._errands = Errands()
        self._claims = Claims(self._account, self._session.registry)

    def __repr__(self) -> str:
        wanted = len(self._session.registry.routes)
        return (
            f"<HyperLiquidIntegration {self._session.state},"
            f" {wanted} subscriptions, {self.config.ws_url}>"
        )

    # Coming and going

    async def connect(self) -> bool:
        """
        Connect, restore what is wanted, and keep at it until ``disconnect``.

        Returns:
            True once live; False after ``connect_timeout``, with retries going on.

        Raises:
            ConnectionLimitError: the venue would refuse another connection.
            WrongLoopError: the client lives on another event loop.
        """
        self._settle_in(asyncio.get_running_loop())
        began = self._session.state in _RESTING
        if began:
            self._claims.begin(e.subscription for e in self._wanted())
            self._supervisor.feed(on.ConnectRequested(time.time()))
        try:
            await self._waiting.until(
                lambda: self._session.state in (State.LIVE, *_RESTING, State.CLOSING),
                self.connect_timeout,
            )
        except asyncio.CancelledError:
            if began:
                self._supervisor.feed(on.CloseRequested())
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
        self._supervisor.feed(on.CloseRequested())
        for outlet in self._dispatcher.outlets():
            if isinstance(outlet, Stream):
                outlet.close()
        boxes: list[Mailbox[Any]] = [
            *(o for o in self._dispatcher.outlets() if isinstance(o, Mailbox)),
            *self._listeners.mailboxes(),
        ]
        self._errands.cancel()
        await asyncio.gather(
            self._waiting.until(
                lambda: self._session.state in _RESTING, _CLOSED_WITHIN
            ),
            self._close_requests(),
            *(box.finish(_HANDLERS_WITHIN) for box in boxes),
        )

    async def reconnect(self, reason: str = "user") -> None:
        """Drop this connection and open another; do nothing while disconnected."""
        self._check_loop()
        self._supervisor.feed(on.ReconnectRequested(reason))

    def is_connected(self) -> bool:
        """Whether the socket is open and everything wanted is acknowledged."""
        return self._session.state is State.LIVE

    async def wait_ready(self, timeout: float | None = None) -> bool:
        """
        Wait until everything wanted is acknowledged and has said its first word.

        The first word is waited for where the venue sends one at once. Returns
        False after ``timeout`` seconds, or when the client is disconnected.
        """
        self._check_loop()
        registry = self._session.registry

        def is_ready() -> bool:
            return self._session.is_ready and not registry.due and not registry.mute

        await self._waiting.until(
            lambda: is_ready() or self._session.state in _RESTING, timeout
        )
        return is_ready()

    async def __aenter__(self) -> Self:
        await self.connect()
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
    ) -> SubscriptionHandle:
        """
        Subscribe to anything the venue knows: ``{"type": ..., ...}``.

        While live, returns on acknowledgement (or pending, after ten seconds);
        otherwise at once. Cancelling withdraws the handler. ``raw`` gives the handler
        every frame as it comes: repeats, replays and disorder included.

        Raises:
            ConfigError: it is malformed; nothing was sent.
            SubscriptionLimitError: it cannot be had on this connection.
            SubscriptionRefusedError: the venue said no.
        """
        wanted = feeds.canonical(subscription)
        if handler is not None and not callable(handler):
            raise ConfigError("handler", handler, "a function or a coroutine function")
        outlet = None
        if handler is not None:
            outlet = self._dispatcher.mailbox(handler, is_raw=raw)
        return await self.join(wanted, outlet, is_raw=raw)

    async def join(
        self,
        subscription: Subscription,
        outlet: Outlet | None,
        *,
        is_raw: bool = False,
    ) -> SubscriptionHandle:
        """Add a listener to a subscription; the first one asks the venue for it."""
        self._check_loop()
        registry = self._session.registry
        entry = registry.entries.get(subscription)
        is_new = entry is None or not entry.is_wanted or bool(entry.refusal)
        if is_new:
            self._claims.add(subscription)
        if outlet is not None:
            self._dispatcher.add(subscription, outlet, is_raw=is_raw)
        handle = SubscriptionHandle(
            self, lambda: registry.entries.get(subscription), subscription, outlet
        )
        self._handles.setdefault(subscription, []).append(handle)
        if is_new:
            traits = feeds.traits(subscription)
            self._supervisor.feed(on.SubscribeRequested(subscription, traits))
        self._note_raw(subscription)
        if not self.is_connected():
            return handle

        def is_settled() -> bool:
            now = registry.entries.get(subscription)
            return now is None or now.holding == Holding.HELD or bool(now.refusal)

        try:
            await self._waiting.until(is_settled, _ACKNOWLEDGED_WITHIN)
        except asyncio.CancelledError:
            self.leave(handle)
            raise
        if handle.error is not None:
            reason = handle.error
            self._forget(handle)
            raise SubscriptionRefusedError(subscription, reason)
        return handle

    def leave(self, handle: SubscriptionHandle) -> None:
        """Take a listener away; the last one to leave ends the subscription."""
        self._check_loop()
        if not handle.is_closed and self._forget(handle) == 0:
            self._release(handle.subscription)

    def stream(
        self,
        subscription: Mapping[str, Any] | Subscription,
        max_queue: int = DEFAULT_LIMIT,
    ) -> Stream:
        """Return an async iterator over the same data as a handler would get."""
        if not isinstance(max_queue, int) or max_queue < 1:
            raise ConfigError("max_queue", max_queue, "a whole number from 1")
        return Stream(self, _subscription(subscription), wire.read, max_queue)

    def add_message_handler(self, type: str, handler: Handler) -> Callable[[], None]:  # noqa: A002
        """Give ``handler`` every message of a type; return what takes it back."""
        if not isinstance(type, str) or not type:
            raise ConfigError("type", type, "a type of subscription, such as 'trades'")
        if not callable(handler):
            raise ConfigError("handler", handler, "a function or a coroutine function")
        outlet = self._dispatcher.mailbox(handler)
        self._dispatcher.add(type, outlet)
        return lambda: self._dispatcher.remove(type, outlet)

    def on(self, event_name: str, handler: Handler) -> Callable[[], None]:
        """Let ``handler`` hear of life-cycle events; return what takes it back."""
        return self._listeners.add(event_name, handler)

    # How things are

    def require_fresh(
        self,
        subscription: Mapping[str, Any] | Subscription | SubscriptionHandle,
        max_age: float,
    ) -> None:
        """
        Make sure that the newest data of a subscription may be acted on.

        Raises:
            StaleDataError: it is older than ``max_age`` seconds, has a gap or is not
                live.
        """
        wanted = _subscription(subscription)
        entry = self._session.registry.entries.get(wanted)
        age = self.now() - entry.last_at if entry and entry.last_at else None
        is_sound = (
            entry is not None
            and self.is_connected()
            and self.state_of(entry) in ("live", "late")
        )
        if not is_sound or age is None or age > max_age:
            raise StaleDataError(wanted, age, max_age)

    def state_of(self, entry: Entry) -> str:
        """Return where a subscription stands, in one word."""
        return self._session.conversation.freshness.state(entry, self.now())

    def get_reconnection_stats(self) -> dict[str, Any]:
        """Return the state of the connection; from any thread."""
        return health.reconnection_stats(self._view())

    async def get_connection_health(self) -> dict[str, Any]:
        """Return how well the connection does, with reasons if it does not."""
        return health.connection_health(self._view())

    def now(self) -> float:
        """Return the session's time, in seconds."""
        return self._supervisor.now()

    def _view(self) -> health.View:
        return health.View(
            self._session,
            self._monitor,
            self._account,
            self.now(),
            self._supervisor.loop_lag,
            self._claims.is_active,
        )

    # What the supervisor and the dispatcher tell

    def deliver(self, entry: Entry, update: Update) -> None:
        """Hand new data to its handlers."""
        self._dispatcher.deliver(entry, update)

    def deliver_raw(self, entry: Entry, update: Update) -> None:
        """Hand a frame to those who want it as it came."""
        self._dispatcher.deliver_raw(entry, update)

    def announce(self, notice: Notice) -> None:
        """Let everybody hear what happened."""
        self._monitor.observe(notice)
        self._logs.observe(notice)
        if isinstance(notice, heard.VenueComplained) and notice.limit is not None:
            self._account.learn(notice.kind, notice.limit)
        if isinstance(notice, heard.Refused) and not notice.will_retry:
            self._claims.drop(notice.subscription)
        if isinstance(notice, heard.StateChanged) and notice.new is State.CLOSED:
            self._claims.end()
        if isinstance(notice, heard.Gap):
            self._dispatcher.tell(notice)
        self._listeners.hear(notice)
        self._waiting.look()

    def backfill(self, wanted: do.Backfill) -> None:
        """Read what a feed missed, without keeping anything else waiting."""
        self._errands.start(self._read_history(wanted))

    def ticked(self, now: float) -> None:
        """Take a sample, about once a second."""
        self._monitor.ticked(now, self._session.conversation.received)

    def unreadable(self, error: ProtocolError) -> None:
        """Count what could not be read."""
        self._monitor.unreadable += 1
        self._logs.unreadable(error)

    def handler_failed(self, handler: Handler, error: BaseException) -> None:
        """Count what a handler raised."""
        self._monitor.handler_errors += 1
        self._logs.handler_failed(handler, error)

    def overflowed(self, handler: Handler, gap: heard.Gap) -> None:
        """Count what a slow handler had no room for."""
        self._monitor.overflowed += gap.missed_count or 0
        self._logs.overflowed(handler, gap)
        self._monitor.observe(gap)
        self._listeners.hear(gap)

    # Details

    async def _read_history(self, wanted: do.Backfill) -> None:
        from . import history  # noqa: PLC0415 -- REST costs those who never need it

        try:
            found = await history.read(self.info, wanted.subscription, wanted.since)
        except (BistouryError, LookupError, TypeError, ValueError) as error:
            self._logs.unreconciled(wanted.subscription, error)
            self._supervisor.backfilled(wanted, None, complete=False)
        else:
            self._supervisor.backfilled(
                wanted, found.updates, complete=found.is_complete
            )

    def _wanted(self) -> list[Entry]:
        entries = self._session.registry.entries.values()
        return [entry for entry in entries if entry.is_wanted]

    def _forget(self, handle: SubscriptionHandle) -> int:
        """Take a listener off the books; return how many remain."""
        handle.is_closed = True
        if handle.outlet is not None:
            self._dispatcher.remove(handle.subscription, handle.outlet)
        self._note_raw(handle.subscription)
        rest = self._handles.get(handle.subscription, [])
        if handle in rest:
            rest.remove(handle)
        if not rest:
            self._handles.pop(handle.subscription, None)
        return len(rest)

    def _note_raw(self, subscription: Subscription) -> None:
        entry = self._session.registry.entries.get(subscription)
        if entry is not None:
            entry.has_raw_readers = self._dispatcher.has_raw(subscription)

    def _release(self, subscription: Subscription) -> None:
        self._claims.drop(subscription)
        self._supervisor.feed(on.UnsubscribeRequested(subscription))

    def _settle_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make ``loop`` the one to live on, unless another one still is."""
        current = self._supervisor.loop
        if current is not None and current is not loop and current.is_closed():
            self._supervisor.abandon()
        if self._session.state in _RESTING:
            self._supervisor.attach(loop)
            self._waiting.clear()
        else:
            self._check_loop()

    def _check_loop(self) -> None:
        """Refuse a call that would race with the client's own loop."""
        loop = self._supervisor.loop
        if loop is None or not loop.is_running() or self._session.state in _RESTING:
            return
        try:
            current = asyncio.get_running_loop()
        except RuntimeError:
            current = None
        if current is not loop:
            raise WrongLoopError(
                "this client lives on another thread or event loop; call it there,"
                " for example with asyncio.run_coroutine_threadsafe(..., loop)"
            )


def _subscription(
    given: Mapping[str, Any] | Subscription | SubscriptionHandle,
) -> Subscription:
    if isinstance(given, SubscriptionHandle):
        return given.subscription
    return feeds.canonical(given.fields if isinstance(given, Subscription) else given)
