"""
Carries out what a session asks for.

The only module that owns connections, tasks and the session's timer. It makes
no decisions.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from math import inf

import msgspec

from .collaborators import Application, Codec, Recorder
from .endings import end_of
from .errors import (
    ConnectFailedError,
    ConnectionLostError,
    ProtocolError,
    TransportError,
)
from .receiver import ConnectionReceiver
from .session import Cause, Inbound, Session, Subscription, Update
from .session import effects as do
from .session import events as on
from .session.model import Pong, PostReply, VenueError
from .session.notices import Gap
from .session.registry import Entry
from .session.state import CONNECTED
from .transport.base import Connection, Transport

_TURNS = 16
"""Turns of the loop that a connection is given to say that it ended."""


class Supervisor:
    """Runs one session over one transport."""

    def __init__(
        self,
        session: Session,
        transport: Transport,
        codec: Codec,
        application: Application,
        *,
        url: str,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.session = session
        self.loop_lag = 0.0
        """How late the last tick came, in seconds."""
        self.recorder: Recorder | None = None
        self._transport = transport
        self._codec = codec
        self._application = application
        self._url = url
        self._wall_clock = wall_clock
        self._clock: Callable[[], float] = time.monotonic
        self._loop: asyncio.AbstractEventLoop | None = None
        self._events: deque[on.Event] = deque()
        self._is_handling = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._opening: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._lingering: dict[int, Connection] = {}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Live on ``loop`` from now on; only while the session is idle or closed."""
        self._loop, self._clock = loop, _clock_of(loop)
        self._timer, self._timer_at = None, inf

    async def finish(self, within: float) -> None:
        """Let what was dropped come to its end; cut it after ``within`` seconds."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=within)
        for connection in list(self._lingering.values()):
            connection.abort()
        for _ in range(_TURNS):
            if not self._lingering:
                return
            await asyncio.sleep(0)

    def abandon(self) -> None:
        """Give up a loop that was closed under us; its connection died with it."""
        self._opening = self._connection = self._timer = None
        self._ending.clear()
        self._lingering.clear()
        self._loop, self._timer_at = None, inf
        self.feed(on.CloseRequested())
        lost = ConnectionLostError("the event loop was closed")
        self.lost(self.session.connection_id, lost)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop this lives on, once it does."""
        return self._loop

    def wall(self) -> float:
        """Return the time of day, in seconds since 1970."""
        return self._wall_clock()

    def now(self) -> float:
        """Return the session's time, in seconds."""
        return self._clock()

    def feed(self, event: on.Event) -> None:
        """Run one event to completion. Events raised meanwhile wait their turn."""
        self._events.append(event)
        if self._is_handling:
            return
        self._is_handling = True
        try:
            while self._events:
                event = self._events.popleft()
                self._handle(event, self._clock())
        finally:
            self._is_handling = False
            self._arm_timer()  # even after a bug: a client without a timer is deaf

    def _handle(self, event: on.Event, now: float) -> None:
        recorder = self.recorder
        effects = (recorder or self.session).handle(event, now)
        for effect in effects:
            self._carry_out(effect)
        if recorder is not None:
            recorder.carried_out(effects, now)

    # From the connection

    def receiver(self, connection_id: int) -> ConnectionReceiver:
        """Return what takes the frames of a connection."""
        decode, deliver = self._codec.decode, self._application.deliver
        return ConnectionReceiver(self, connection_id, decode, deliver, self._clock)

    def take(self, connection_id: int, entry: Entry, update: Update) -> None:
        """Take data that is more than just delivered: the first of a feed, say."""
        if update.unreadable:
            detail = f"{update.unreadable} rows left out"
            self._application.unreadable(ProtocolError(update.route, detail))
            lost = Cause.PROTOCOL_ERROR, entry.subscription
            self.feed(on.LossSuspected(connection_id, *lost))
        if entry.has_raw_readers and update.frame:
            self._application.deliver_raw(entry, update)
        # Before delivery: what is new is taken out of it, but not what it spans.
        oldest, newest, rows = update.oldest, update.time, update.seen
        if not update.is_void:
            self._application.deliver(entry, update)
        if not entry.is_speaking:
            subscription = entry.subscription
            self.feed(on.DataStarted(connection_id, subscription, oldest, newest, rows))

    def unclaimed(self, connection_id: int, update: Update) -> None:
        """Take data that nobody wants, or that came after a suspicious silence."""
        if not self.session.conversation.is_doubtful:
            return
        # The gap first: nobody shall see what came after it before it.
        self.feed(on.LossSuspected(connection_id, Cause.SILENT))
        entry = self.session.admit(connection_id, update, self._clock())
        if entry is not None:
            self.take(connection_id, entry, update)

    def unreadable(self, connection_id: int, error: ProtocolError) -> None:
        """Take a frame that could not be read."""
        self._application.unreadable(error)
        if error.frame.startswith(b"{"):
            self.feed(on.LossSuspected(connection_id))  # a text may greet; this not

    def answer(self, connection_id: int, message: Inbound | PostReply | None) -> None:
        """Take a frame that is not data."""
        if message is None:
            return
        if not isinstance(message, PostReply):
            self.feed(on.MessageReceived(connection_id, message))
            if isinstance(message, Pong):
                self._application.ponged()
            if not isinstance(message, VenueError) or message.post_id is None:
                return
        self._application.answered(message)

    def lost(self, connection_id: int, error: TransportError) -> None:
        """Take the end of a connection."""
        if connection_id == self.session.connection_id:
            self._connection = None
        self._lingering.pop(connection_id, None)
        self.feed(end_of(connection_id, error))

    def backfilled(
        self,
        wanted: do.Backfill,
        found: list[Update] | None,
        *,
        complete: bool,
        trails: bool = False,
    ) -> None:
        """
        Take what was read of a feed's history; ``None`` if that failed.

        ``trails``: what was delivered before is not in it yet.
        """
        entry = self.session.registry.entries.get(wanted.subscription)
        if entry is None or entry.gap is None or entry.gap.number != wanted.number:
            return  # about a connection that is gone
        entry.continuity.found += found or ()
        read = [update for update in found or () if update.items]
        self.feed(
            on.BackfillDone(
                wanted.subscription,
                wanted.number,
                found is None,
                complete,
                min((update.oldest for update in read), default=0),
                max((update.time for update in read), default=0),
                trails,
            )
        )

    def request(self, frame: bytes) -> bool:
        """Send a question of the application's, if connected; return whether."""
        if self._connection is None or self.session.state not in CONNECTED:
            return False
        self.feed(on.RequestSent())
        self._send(frame)
        return True

    # What the session wants

    def _carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.SendSubscribe(subscription):
                self._send(self._codec.subscribe(subscription))
            case do.SendUnsubscribe(subscription):
                self._send(self._codec.unsubscribe(subscription))
            case do.SendPing():
                self._send(self._codec.PING)
            case do.Announce(notice):
                self._application.announce(notice)
            case do.Backfill():
                self._application.backfill(effect)
            case do.Release(subscription):
                self._release(subscription)
            case do.CloseGap(notice, recovered_before):
                self._close_gap(notice, recovered_before)
            case do.OpenConnection(connection_id):
                assert self._loop is not None
                self._opening = self._loop.create_task(
                    self._open(connection_id), name=f"bistoury-open-{connection_id}"
                )
            case do.DropConnection(connection_id, politely):
                self._drop(connection_id, politely=politely)

    def _release(self, subscription: Subscription) -> None:
        entry = self.session.registry.entries.get(subscription)
        if entry is not None:
            for update in entry.continuity.release():
                self._application.deliver(entry, update)

    def _close_gap(self, notice: Gap, recovered_before: int) -> None:
        entry = self.session.registry.entries.get(notice.subscription)
        if entry is not None:
            found = entry.continuity.recovered - recovered_before
            notice = msgspec.structs.replace(notice, recovered_count=found)
            self._application.announce(notice)

    def _send(self, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.send(frame)

    async def _open(self, connection_id: int) -> None:
        receiver = self.receiver(connection_id)
        connection: Connection | None = None
        failure: TransportError | None = None
        try:
            connection = await self._transport.connect(self._url, receiver)
        except TransportError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 -- a bug must not end the retries
            failure = ConnectFailedError("tcp", f"unexpected {error!r}")
            failure.__cause__ = error
        if self._opening is not asyncio.current_task():
            # Given up meanwhile, and the transport did not notice: nobody waits.
            if connection is not None:
                connection.abort()
            return
        self._opening = None
        if connection is not None:
            self._connection = connection
            server_time = getattr(connection, "server_time", None)
            self.feed(on.ConnectionOpened(connection_id, server_time))
        elif failure is not None:
            self.lost(connection_id, failure)

    def _drop(self, connection_id: int, *, politely: bool) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._ending.add(self._opening)
            self._opening.add_done_callback(self._ending.discard)
            self._opening = None
            error = ConnectionLostError("given up")
            self._events.append(end_of(connection_id, error))
            return
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._lingering[connection_id] = connection
        if politely:
            connection.close()
        else:
            connection.abort()

    # Time

    def _arm_timer(self) -> None:
        # The deadline recedes with every message. Arm only to fire earlier; a
        # timer that fires too soon finds the new deadline and arms again.
        deadline = self.session.deadline
        if deadline >= self._timer_at or self._loop is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        now = self._clock()
        self.loop_lag = max(0.0, now - self._timer_at)
        self._timer, self._timer_at = None, inf
        if now >= self.session.deadline:
            self._application.ticked(now)
            self.feed(on.TimePassed(self._wall_clock()))
        else:
            self._arm_timer()


def _clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Return the loop's own clock, without the method around it where that is all."""
    is_plain = type(loop).time is asyncio.BaseEventLoop.time
    return time.monotonic if is_plain else loop.time


__all__ = ["Application", "Codec", "Supervisor"]
