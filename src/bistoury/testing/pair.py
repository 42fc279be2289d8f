"""
A session and a venue joined by an imaginary wire.

No event loop, no clock, no sockets: time is a number, the network is a heap, and
a seed decides everything. Hours pass in seconds, and a failing seed replays.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import count
from math import inf
from random import Random
from typing import Any

import msgspec

from ..errors import BistouryError, ProtocolError
from ..hyperliquid import feeds, history, wire
from ..recorder.journal import Journal
from ..session import Inbound, Policy, Session, Subscription, Update, causes
from ..session import effects as do
from ..session import events as on
from ..session.model import PostReply
from ..session.notices import Notice
from ..simulator.exchange import Exchange
from ..simulator.ledger import keys_in
from ..simulator.outputs import Close, Output, Refusal, Send
from ..simulator.plan import FaultPlan
from ..simulator.settings import Settings
from .local_info import OPENED, LocalInfo


class Pair:
    """Runs one session against one venue, in virtual time."""

    def __init__(
        self,
        seed: int,
        *,
        settings: Settings | None = None,
        plan: FaultPlan | None = None,
        policy: Policy | None = None,
        latency: float = 0.02,
        journal: Journal | None = None,
    ) -> None:
        self.now = OPENED
        self.latency = latency
        self.exchange = Exchange(settings, seed, plan)
        self.exchange.advance(self.now)
        self.session = Session(policy or Policy(), Random(f"{seed}:session"))
        self.recorder = journal.line(self.session) if journal else None
        self.notices: list[tuple[float, Notice]] = []
        self.delivered: dict[str, list[str]] = defaultdict(list)
        """The keys of what was delivered, by stream, as the venue's ledger has it."""
        self.on_message: Callable[[dict[str, Any], str], None] = _ignore
        """Gets each message of events, and whose it is."""
        self.unreadable = 0
        self.info = LocalInfo(self.exchange, lambda: self.now)
        self._numbers: dict[int, int] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._arrives_at: dict[int, float] = defaultdict(float)
        self._dropped: set[int] = set()

    def subscribe(self, *bodies: Mapping[str, Any]) -> list[Subscription]:
        """Want feeds."""
        subscriptions = [feeds.canonical(body) for body in bodies]
        for it in subscriptions:
            self.feed(on.SubscribeRequested(it, feeds.traits(it)))
        return subscriptions

    def unsubscribe(self, subscription: Subscription) -> None:
        """Want a feed no longer."""
        self.feed(on.UnsubscribeRequested(subscription))

    def connect(self) -> None:
        """Begin."""
        self.feed(on.ConnectRequested(self.now))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while True:
            arrival = self._heap[0][0] if self._heap else inf
            at = min(arrival, self.session.deadline, self.exchange.next_at)
            if at > until:
                self.now = until
                return
            self.now = max(self.now, at)
            if arrival <= self.now:
                heapq.heappop(self._heap)[2]()
            elif self.session.deadline <= self.now:
                self.feed(on.TimePassed(self.now))
            else:
                self.exchange.advance(self.now)
            self._drain()

    def heal(self) -> None:
        """Make the venue behave from here on."""
        self.exchange.heal(self.now)

    def feed(self, event: on.Event) -> None:
        """Give the session an event and carry out what it asks."""
        effects = (self.recorder or self.session).handle(event, self.now)
        for effect in effects:
            self._carry_out(effect)
        if self.recorder is not None:
            self.recorder.carried_out(effects, self.now)
        self._drain()

    def holdings(self) -> set[str]:
        """Return what the venue holds for this client, as canonical JSON."""
        held = self.exchange.subscriptions()
        number = self._numbers.get(self.session.connection_id, -1)
        return held.get(number, set())

    # The client's side

    def _carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.OpenConnection(connection_id):
                self._later(lambda: self._knock(connection_id))
            case do.DropConnection(connection_id):
                self._dropped.add(connection_id)
                self._later(lambda: self._hang_up(connection_id))
            case do.SendSubscribe(subscription):
                self._send(wire.subscribe(subscription))
            case do.SendUnsubscribe(subscription):
                self._send(wire.unsubscribe(subscription))
            case do.SendPing():
                self._send(wire.PING)
            case do.Announce(notice):
                self.notices.append((self.now, notice))
            case do.Backfill():
                self._later(lambda: self._read(effect))
            case do.Release(subscription):
                self._release(subscription)
            case do.CloseGap(notice, recovered_before):
                entry = self.session.registry.entries[notice.subscription]
                found = entry.continuity.recovered - recovered_before
                closed = msgspec.structs.replace(notice, recovered_count=found)
                self.notices.append((self.now, closed))

    def _knock(self, connection_id: int) -> None:
        if connection_id in self._dropped:
            return
        answer = self.exchange.connect(self.now)
        if not isinstance(answer, Refusal):
            self._numbers[connection_id] = answer
            self._later(
                lambda: self.feed(on.ConnectionOpened(connection_id, int(self.now)))
            )
        elif answer.body != "hang":
            status = answer.status or None
            cause = causes.of_failure("upgrade", status, timed_out=False)
            lost = on.ConnectionLost(connection_id, cause, status)
            self._later(lambda: self.feed(lost))

    def _hang_up(self, connection_id: int) -> None:
        number = self._numbers.get(connection_id)
        if number is not None:
            self.exchange.disconnect(number, self.now)
        self.feed(on.ConnectionLost(connection_id, causes.Cause.NETWORK))

    def _read(self, wanted: do.Backfill) -> None:
        reading = history.read(self.info, wanted)
        try:
            reading.send(None)
        except StopIteration as stop:
            found: history.Found = stop.value
            self._later(lambda: self._found(wanted, found))
        except BistouryError:
            self._later(lambda: self._found(wanted, None))

    def _found(self, wanted: do.Backfill, found: history.Found | None) -> None:
        entry = self.session.registry.entries.get(wanted.subscription)
        if entry is None or entry.gap is None or entry.gap.number != wanted.number:
            return
        updates = found.updates if found else []
        entry.continuity.found += updates
        read = [update for update in updates if update.items]
        complete = found is not None and found.is_complete
        self.feed(
            on.BackfillDone(
                wanted.subscription,
                wanted.number,
                found is None,
                complete,
                min((update.oldest for update in read), default=0),
                max((update.time for update in read), default=0),
                found is not None and found.trails,
            )
        )

    def _release(self, subscription: Subscription) -> None:
        entry = self.session.registry.entries.get(subscription)
        for update in entry.continuity.release() if entry else ():
            self._record(subscription, update)

    def _record(self, subscription: Subscription, update: Update) -> None:
        if update.message is None:
            return
        user = str(subscription.get("user"))
        self.on_message(update.message, user)
        for stream, _, key in keys_in(wire.encode(update.message), user):
            self.delivered[stream].append(key)

    def _send(self, frame: bytes) -> None:
        number = self._numbers[self.session.connection_id]
        self._later(lambda: self.exchange.receive(number, frame, self.now))

    # The venue's side

    def _drain(self) -> None:
        for output in self.exchange.take_output():
            for connection_id, number in self._numbers.items():
                if number == output.connection_id:
                    self._arrive(connection_id, output)

    def _arrive(self, connection_id: int, output: Output) -> None:
        delay = self.latency
        if isinstance(output, Send):
            if output.rate:
                delay += len(output.frame) / output.rate
            self._later(lambda: self._take(connection_id, output), connection_id, delay)
            return
        if isinstance(output, Close):
            cause = causes.of_loss(output.code, output.reason)
            lost = on.ConnectionLost(connection_id, cause, output.code, output.reason)
        else:
            lost = on.ConnectionLost(connection_id, causes.Cause.NETWORK)
        self._later(lambda: self.feed(lost), connection_id, delay)

    def _take(self, connection_id: int, output: Send) -> None:
        if connection_id in self._dropped or output.binary:
            return
        try:
            output.frame.decode()
            message = wire.decode(output.frame)
        except UnicodeDecodeError:
            # What the transport does: invalid UTF-8 ends the connection.
            lost = on.ConnectionLost(connection_id, causes.Cause.PROTOCOL_ERROR, 1007)
            self._dropped.add(connection_id)
            self._later(lambda: self._hang_up(connection_id))
            self.feed(lost)
            return
        except ProtocolError as error:
            self.unreadable += 1
            if error.frame.startswith(b"{"):
                self.feed(on.LossSuspected(connection_id))
            return
        if isinstance(message, Update):
            self._admit(connection_id, message)
        elif message is not None and not isinstance(message, PostReply):
            self._answer(connection_id, message)

    def _answer(self, connection_id: int, message: Inbound) -> None:
        self.feed(on.MessageReceived(connection_id, message))

    def _admit(self, connection_id: int, update: Update) -> None:
        entry = self.session.admit(connection_id, update, self.now)
        if entry is None and self.session.conversation.is_doubtful:
            self.feed(on.LossSuspected(connection_id, causes.Cause.SILENT))
            entry = self.session.admit(connection_id, update, self.now)
        if entry is None:
            return
        oldest, newest, rows = update.oldest, update.time, update.seen
        if not update.is_void:
            self._record(entry.subscription, update)
        if not entry.is_speaking:
            subscription = entry.subscription
            self.feed(on.DataStarted(connection_id, subscription, oldest, newest, rows))

    # The wire

    def _later(
        self,
        action: Callable[[], None],
        connection_id: int | None = None,
        delay: float | None = None,
    ) -> None:
        at = self.now + (self.latency if delay is None else delay)
        if connection_id is not None:
            # One direction of one connection keeps its order, as TCP does.
            at = max(at, self._arrives_at[connection_id])
            self._arrives_at[connection_id] = at
        heapq.heappush(self._heap, (at, next(self._order), action))


def _ignore(message: dict[str, Any], user: str) -> None:
    """Let nobody know."""
