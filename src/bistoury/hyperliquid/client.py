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
from collections.abc import Callable, Iterable
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ..config import Config
from ..dispatcher import Dispatcher, Key
from ..io_thread import IoThread
from ..mailbox import Mailbox
from ..observability.listeners import Listeners
from ..observability.logs import Logs
from ..observability.monitor import Monitor
from ..recorder.journal import MAX_BYTES, Journal
from ..resilience import ConnectionCircuitBreaker
from ..session import Update
from ..session import events as on
from ..transport.base import Transport
from . import validate, wire
from .audience import Audience
from .auditor import Auditor
from .claims import Claims
from .errands import Errands
from .fleet import Fleet
from .limits import account_of
from .listening import Listening
from .posts import Posts
from .readiness import Readiness
from .reading import Reading, read, read_typed
from .residing import at_home
from .rotation import RotateAfter, Rotation
from .showing import Showing
from .tuning import Tuning
from .waiting import Departures, Waiting
from .wiring import LineMaker, transport_of

if TYPE_CHECKING:
    from .info import Info

logger = logging.getLogger(__name__)

_HANDLERS_WITHIN = 1.0
_CLOSED_WITHIN = 1.5
_LOOSE_ENDS_WITHIN = 0.2


class HyperLiquidIntegration(Listening, Tuning, Showing):
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
        io_thread: run everything but handlers in a thread of its own, so that a
            handler that blocks costs no connection.
        rotate_after: after how many seconds to replace a connection, before it is given
            up; ``"observed"`` learns from the venue how long that may be.
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
        io_thread: bool = False,
        rotate_after: RotateAfter = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: Transport | None = None,
        rest: Info | None = None,
        rng: Random | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        validate.kind(config, "config", Config)
        self.config = config if config is not None else Config.load_from_env()
        self.connect_timeout = validate.seconds(connect_timeout, "connect_timeout")
        validate.kind(circuit_breaker, "circuit_breaker", ConnectionCircuitBreaker)
        validate.kind(ssl_context, "ssl_context", ssl.SSLContext)
        self._ssl_context = ssl_context
        self._io = IoThread(self._abandoned) if io_thread else None
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
        self._reading = Reading()
        self._fleet = Fleet(
            LineMaker(
                self,
                self.config,
                self._account,
                transport or transport_of(self.config, ssl_context),
                rng or Random(),
                circuit_breaker=circuit_breaker,
                wall_clock=wall_clock,
                codec=self._reading,
                journal=self._journal,
            ),
            self._claims.may_connect,
            shards=validate.count(shards, "shards"),
            redundancy=redundancy,
        )
        self._readiness = Readiness(self._fleet)
        self._monitor = Monitor()
        self._posts = Posts(
            lambda: self._fleet.lines, self._account, self._monitor.request_done
        )
        self._rotation = Rotation(
            rotate_after,
            self._fleet,
            self._claims,
            self._start,
            self._posts.is_idle,
            self.rotated,
        )
        self._dispatcher = Dispatcher(
            read,
            wire.read_raw,
            self,
            read_typed,
            self._reading,
            venue_now=self._venue_now,
        )
        self._audience = Audience(self._dispatcher)
        self._listeners = Listeners(self, self._io)
        self._waiting = Waiting()
        self._departures = Departures()
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

        A ``disconnect`` that is under way comes to its end first; one that is called
        meanwhile makes this return.

        Returns:
            True once live; False after ``connect_timeout``, with retries going on.

        Raises:
            ConnectionLimitError: the venue would refuse another connection.
            SubscriptionLimitError: it would refuse one of the subscriptions.
            WrongLoopError: the client lives on another event loop.
        """
        if not await self._departures.are_over():
            return False
        if self._io is not None:
            self._check_loop()
            self._io.start(asyncio.get_running_loop())
        return await self._connect()

    @at_home
    async def _connect(self) -> bool:
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
        with self._departures.one():
            await self._disconnect(disable_auto_reconnect)

    async def _disconnect(self, disable_auto_reconnect: bool) -> None:
        if disable_auto_reconnect:
            self.disable_auto_reconnect()
        # A handler may be who asks, and must not be waited for. Looked up here, for
        # ``gather`` runs each of these in a task of its own.
        asking = asyncio.current_task()
        events = [it for it in self._listeners.mailboxes() if it.task is not asking]
        readers: list[tuple[Key, Mailbox[Update]]] = [
            (key, outlet)
            for key, outlet in self._dispatcher.places()
            if isinstance(outlet, Mailbox) and outlet.task is not asking
        ]
        self._end_streams()
        boxes: list[Mailbox[Any]] = [*(box for _, box in readers), *events]
        _, *dropped = await asyncio.gather(
            self._close(), *(box.finish(_HANDLERS_WITHIN) for box in boxes)
        )
        await self._account_for(zip(readers, dropped, strict=False))
        if self._io is not None:
            await self._io.stop()

    @at_home
    async def _close(self) -> None:
        self._errands.cancel()
        self._rotation.stop()
        self._fleet.feed(on.CloseRequested())
        await asyncio.gather(
            self._waiting.until(lambda: self._fleet.is_resting, _CLOSED_WITHIN),
            self._close_requests(),
        )
        for line in [*self._fleet.lines, *self._rotation.lines]:
            await line.supervisor.finish(_LOOSE_ENDS_WITHIN)

    @at_home
    async def _account_for(
        self, dropped: Iterable[tuple[tuple[Key, Mailbox[Update]], list[Update]]]
    ) -> None:
        """Tell of what handlers had no room or time for: it will not come again."""
        for (key, box), updates in dropped:
            self._dispatcher.dropped(key, box, updates, self._fleet.entries().values())

    def _abandoned(self) -> None:
        self._fleet.feed(on.CloseRequested())

    @at_home
    async def reconnect(self, reason: str = "user") -> None:
        """Drop every connection and open others; do nothing while disconnected."""
        self._check_loop()
        self._fleet.feed(on.ReconnectRequested(reason))

    def is_connected(self) -> bool:
        """Whether the socket is open and everything wanted is acknowledged."""
        return self._fleet.is_live

    @at_home
    async def wait_ready(self, timeout: float | None = None) -> bool:
        """
        Wait until everything wanted is acknowledged and has said its first word.

        The first word is waited for where the venue sends one at once. Returns
        False after ``timeout`` seconds, or when the client is disconnected.

        Raises:
            ConfigError: ``timeout`` is neither None nor a number of seconds.
        """
        self._check_loop()
        if timeout is not None:
            validate.seconds(timeout, "timeout")
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
