"""
The session: one pure state machine.

Rule 1. Everything that decides lives in this package; nothing that acts does.

Rule 2. Time enters as an argument and leaves as ``deadline``. There are no
timers to cancel, so there is no stale timer to race with.

Rule 3. Connections are numbered. News of any connection but the current one
is history, and is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from math import inf
from random import Random

from . import effects as do
from . import events as on
from . import notices as say
from .attempts import Attempts
from .breaker import Breaker
from .budget import Window
from .causes import Cause
from .clocks import Clocks
from .continuity import Continuity
from .conversation import Conversation
from .model import Subscription, Update
from .policy import Policy
from .registry import Entry, Registry
from .reports import Reports
from .state import CONNECTED, TRANSITIONS, TRYING, State, Trigger


@dataclass(slots=True)
class Session:
    """
    A lasting conversation with the venue, over many connections.

    Feed it events with :meth:`handle` and carry out the effects it returns, in
    order. When the clock reaches :attr:`deadline`, feed it ``TimePassed``. Data
    takes a fast lane: ask :meth:`admit` about each frame.
    """

    policy: Policy = field(default_factory=Policy)
    rng: Random = field(default_factory=Random)
    breaker: Breaker = field(default_factory=lambda: Breaker(5, 300.0))
    breaker_is_gate: bool = False
    connections: Window = field(default_factory=lambda: Window(30))
    """New connections in any minute; share it among sessions of one host."""
    messages: Window = field(default_factory=lambda: Window(2000))
    """Messages sent in any minute; share it among sessions of one host."""

    continuities: dict[Subscription, Continuity] = field(default_factory=dict)
    """What was delivered of each feed; share it among lines with the same feeds."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Where connection numbers come from; share it among sessions of one client."""

    state: State = State.IDLE
    connection_id: int = 0
    opened_at: float = -inf
    """When the current connection opened."""
    is_lost: bool = False
    """Whether a connection was lost, or could not be opened, and none is live since."""
    is_ready: bool = False
    retry_at: float = inf
    """When the next attempt is due, while in back-off."""
    last_error: str = ""
    attempts: Attempts = field(init=False)
    conversation: Conversation = field(init=False)

    _effects: list[do.Effect] = field(default_factory=list)
    _clocks: Clocks = field(default_factory=Clocks)
    _expires_at: float = inf
    _stable_at: float = inf
    _tick_at: float = inf
    _down_at: float = inf
    _away_since: float = 0.0
    _is_stable: bool = False
    _is_rate_limited: bool = False
    _tell: Reports = field(init=False)

    def __post_init__(self) -> None:
        self._tell = Reports(self._effects)
        self.attempts = Attempts(
            self.rng, self.breaker, self.connections, self.breaker_is_gate
        )
        registry = Registry(self.continuities)
        self.conversation = Conversation(
            self.policy, self.messages, self._effects, registry
        )

    def __repr__(self) -> str:
        wanted = len(self.registry.routes)
        return f"<Session {self.state} #{self.connection_id}, {wanted} subscriptions>"

    @property
    def registry(self) -> Registry:
        """What is wanted, and what the venue holds."""
        return self.conversation.registry

    @property
    def deadline(self) -> float:
        """When ``TimePassed`` is due; infinity while nothing is pending."""
        soonest = min(
            self._expires_at,
            self.retry_at,
            self._stable_at,
            self._tick_at,
            self._down_at,
            self.conversation.deadline,
        )
        return max(soonest, self._clocks.grace_until)

    @property
    def admit(self) -> Callable[[int, Update, float], Entry | None]:
        """
        What takes one frame of data: ``admit(connection_id, update, now)``.

        Returns whose it is, or ``None`` to throw it away. Moves clocks and counters,
        and takes rows out of ``update`` that were delivered before (``is_void``: all
        of them). The caller feeds ``DataStarted`` when the entry is not speaking yet.
        """
        return self.conversation.admit

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Absorb one event; return what to do about it, in order."""
        if getattr(event, "connection_id", self.connection_id) != self.connection_id:
            return []
        is_open = self.state in CONNECTED
        match event:
            case on.TimePassed(wall):
                self._time_passed(now, wall)
                # A deadline that time cannot move would spin the loop.
                assert self.deadline > now, repr(self)
            case on.MessageReceived(_, message) if is_open:
                self.conversation.receive(message, now)
                self._settle(now)
            case on.DataStarted() if is_open:
                self.conversation.data_started(event, now)
                self._settle(now)
            case on.BackfillDone() if is_open:
                self.conversation.backfilled(event, now)
                self._settle(now)
            case on.LossSuspected() if is_open:
                self.conversation.suspect(event, now)
            case on.Carried(subscription, until):
                self.conversation.recovery.carried(subscription, until)
            case on.ConnectionOpened(_, server_time):
                self.conversation.recovery.opened(server_time, now)
                self._move(Trigger.OPENED, now)
            case on.ConnectionLost():
                self._lost(event, now)
            case on.SubscribeRequested(subscription, traits):
                self.registry.want(subscription, traits)
                self._settle(now)
            case on.UnsubscribeRequested(subscription):
                self.conversation.give_up(subscription)
                self._settle(now)
            case on.ConnectRequested(wall):
                self._connect(now, wall)
            case on.RequestSent():
                self.messages.take(now)
            case on.PingRequested() if is_open:
                self.conversation.ping(now)
            case on.CloseRequested():
                self._close(now)
            case on.ReconnectRequested(reason):
                self._reconnect(reason, now)
            case on.PolicyChanged(policy):
                self._adopt(policy, now)
        self._tell.breaker(self.breaker, now)
        effects = self._effects.copy()
        self._effects.clear()
        return effects

    # Time

    def _time_passed(self, now: float, wall: float) -> None:
        late = now - self.deadline
        self._clocks.observe(now, wall)
        self.conversation.recovery.clock_offset = self._clocks.offset
        jump = self._clocks.jump
        if self._is_odd(late, jump) and not self._clocks.is_probing:
            self._suspect(late, jump, now)
            return
        if self._clocks.is_probing and now >= self._clocks.grace_until:
            answered = self._clocks.settle(self.conversation.liveness.answered_at)
            self._clocks.stop()
            if not answered:
                self._drop(Cause.SUSPENDED, "no answer after a suspend", now)
        if now >= self._expires_at:
            self._expired(now)
        if now >= self.retry_at:
            self._try(now)
        if self.state in CONNECTED:
            self._inspect(now)
        if now >= self._down_at:
            self._down_at = now + self.policy.down_after
            since = datetime.fromtimestamp(self._away_since + self._clocks.offset, UTC)
            self._tell.announce(say.Down(since, self.attempts.number, self.last_error))

    def _is_odd(self, late: float, jump: float) -> bool:
        """Whether the process may have slept, and it matters."""
        if self.state not in CONNECTED | TRYING:
            return False
        # A stepped clock says nothing about an attempt, which ends by itself.
        sign = late if self.state is State.CONNECTING else max(late, abs(jump))
        return sign > self.policy.late_after

    def _suspect(self, late: float, jump: float, now: float) -> None:
        """Ask for a sign of life: the process may have slept."""
        if self.state is State.BACKOFF:
            # Whatever was wrong before the nap, the network may be back.
            if jump > self.policy.late_after and not self._is_rate_limited:
                self.attempts.forgive()
                self.retry_at = min(self.retry_at, now + self.policy.backoff.nominal(0))
            self.retry_at = max(self.retry_at, now + self.policy.tick)
            self._down_at = max(self._down_at, now + self.policy.tick)
            return
        self._clocks.probe(now, self.policy.probe_timeout)
        if self.state in CONNECTED:
            self._tell.announce(say.Probing(late, jump))
            self.conversation.ping(now)

    def _inspect(self, now: float) -> None:
        """Look after an open connection."""
        verdict = self.conversation.inspect(now)
        if verdict is not None:
            self._drop(*verdict, now)
            return
        if now >= self._stable_at:
            self._stable_at, self._is_stable = inf, True
            self.attempts.succeeded(now)
            self._tell.announce(say.Stable(self.connection_id))
        if now >= self._tick_at:
            self._tick_at = now + self.policy.tick
        self._settle(now)

    # Coming and going

    def _connect(self, now: float, wall: float) -> None:
        if self.state in (State.IDLE, State.CLOSED):
            if wall:
                self._clocks.observe(now, wall)
                self.conversation.recovery.clock_offset = self._clocks.offset
            self.conversation.recovery.resumed()
            self.attempts.forgive()
            self._away_since = now
            self._down_at = now + self.policy.down_after
            self._try(now)

    def _close(self, now: float) -> None:
        if self.state in CONNECTED:
            ended = on.ConnectionLost(self.connection_id, Cause.USER)
            self._report_end(ended, now)
        self._move(Trigger.CLOSE, now)

    def _reconnect(self, reason: str, now: float) -> None:
        if self.state in CONNECTED:
            self._drop(Cause.USER, reason, now, politely=True)
        elif self.state is State.BACKOFF:
            self.retry_at = now

    def _try(self, now: float) -> None:
        """Open a connection, unless a limit holds it back for a while."""
        until = self.attempts.held_until(now)
        if until > now:
            self.retry_at = min(until, now + self.policy.backoff.maximum)
            self._move(Trigger.HELD_BACK, now)
        else:
            self.attempts.started(now)
            waited = self.state is State.BACKOFF
            self._move(Trigger.RETRY_DUE if waited else Trigger.CONNECT, now)

    def _expired(self, now: float) -> None:
        if self.state is State.CONNECTING:
            wait = self.policy.open_timeout
            self._drop(Cause.CONNECT_TIMEOUT, f"not open after {wait:g} s", now)
        else:
            self._move(Trigger.TIMED_OUT, now)

    def _drop(
        self, cause: Cause, reason: str, now: float, *, politely: bool = False
    ) -> None:
        self._effects.append(do.DropConnection(self.connection_id, politely))
        self._lost(on.ConnectionLost(self.connection_id, cause, None, reason), now)

    def _lost(self, event: on.ConnectionLost, now: float) -> None:
        if self.state not in CONNECTED | {State.CONNECTING}:
            self._move(Trigger.LOST, now)  # while closing; otherwise it is no news
            return
        self.last_error = event.reason or str(event.cause)
        self._report_end(event, now)
        if self.state is State.LIVE:
            self._away_since = now
            self._down_at = now + self.policy.down_after
        self.is_lost = True
        was_asked_for = event.cause is Cause.USER
        if was_asked_for:
            self.breaker.withdraw()  # a probe cut short says nothing
        elif not self._is_stable:
            self.attempts.failed(now)
        if self.policy.auto_reconnect or was_asked_for:
            self._schedule(event, now)
        else:
            self._move(Trigger.GAVE_UP, now, event.cause)

    def _schedule(self, event: on.ConnectionLost, now: float) -> None:
        """Decide how long to wait before the next attempt."""
        self._is_rate_limited = event.cause is Cause.RATE_LIMITED
        wait = self.attempts.wait(self.policy, event, now)
        self.retry_at = now + wait
        self._move(Trigger.LOST, now, event.cause)
        self._tell.announce(say.Reconnecting(self.attempts.number, wait, event.cause))

    def _settle(self, now: float) -> None:
        """Ask for what is wanted, and see whether all is well."""
        if self.state not in CONNECTED:
            return
        self.conversation.pump(now)
        if not self.registry.due:
            if self.state is State.SYNCING:
                self._move(Trigger.SYNCED, now)
            if not self.is_ready and self.conversation.is_proven:
                self.is_ready = True
                self._stable_at = max(now, self.opened_at + self.policy.stable_after)
                restored, away = self.registry.held, now - self._away_since
                self._tell.announce(say.Ready(self.connection_id, restored, away))
        if self.state is State.LIVE:
            self._tell.reasons(self.conversation.reasons(now))

    def _move(self, trigger: Trigger, now: float, cause: Cause = Cause.USER) -> None:
        """Make the one transition that ``trigger`` allows, if it allows any."""
        old, new = self.state, TRANSITIONS[self.state].get(trigger)
        if new is None:
            return
        self.state = new
        self._tell.announce(say.StateChanged(old, new, trigger))
        if trigger is Trigger.CLOSE:
            self.breaker.withdraw()  # a probe cut short says nothing
        if old in CONNECTED and new not in CONNECTED:
            asked_for = trigger is Trigger.CLOSE
            self._forget_connection(cause, now, quietly=asked_for)
        match new:
            case State.CONNECTING:
                self.connection_id = next(self.numbers)
                self.retry_at = inf
                self._expires_at = now + self.policy.open_timeout
                self._effects.append(do.OpenConnection(self.connection_id))
            case State.SYNCING:
                self.opened_at = now
                self._expires_at = inf
                self._tick_at = now + self.policy.tick
                self._tell.announce(say.Connected(self.connection_id))
                self.conversation.begin(self.connection_id, now)
                self._settle(now)
            case State.LIVE:
                self.is_lost = False
                self._down_at = inf
            case State.BACKOFF:
                self._expires_at = inf
            case State.CLOSING:
                self._expires_at = now + self.policy.close_timeout
                self._effects.append(do.DropConnection(self.connection_id, True))
            case _:  # closed
                self._expires_at = self.retry_at = self._down_at = inf
                self._clocks.stop()
                if trigger is not Trigger.GAVE_UP:
                    self.is_lost = False

    def _forget_connection(self, cause: Cause, now: float, *, quietly: bool) -> None:
        self._stable_at = self._tick_at = inf
        self.is_ready = self._is_stable = False
        self._tell.forget_reasons()
        self._clocks.stop()
        self.conversation.end(cause, now, quietly=quietly)

    def _adopt(self, policy: Policy, now: float) -> None:
        # An attempt that a limit holds back, or that was asked for, is not a retry.
        is_off = self.policy.auto_reconnect and not policy.auto_reconnect
        self.policy = policy
        self.conversation.adopt(policy)
        if is_off and self.state is State.BACKOFF:
            self._move(Trigger.GAVE_UP, now)

    def _report_end(self, event: on.ConnectionLost, now: float) -> None:
        was_open = self.state in CONNECTED
        uptime = now - self.opened_at if was_open else 0.0
        why = event.cause, event.code, event.reason
        ended = say.Disconnected(*why, self.connection_id, uptime, was_open)
        self._tell.announce(ended)
