"""
What is said over one open connection, and what its silence means.

Requests and their answers, pings and pongs, promised data that does not come.
It starts anew with every connection; only the registry outlives it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from math import inf

from . import effects as do
from . import events as on
from . import notices as say
from .budget import Window
from .causes import Cause
from .following import compare
from .freshness import Freshness
from .liveness import Liveness
from .model import (
    Acknowledged,
    Complaint,
    Inbound,
    Pong,
    Subscription,
    Update,
    VenueError,
)
from .policy import Policy
from .recovery import Recovery
from .registry import Entry, Holding, Registry
from .watchdog import Watchdog

_LOOK_EVERY = 0.05
"""How often to look at when a feed's messages come, at most, in seconds."""

_RARELY = 12
"""Waits between two requests of what was asked for often, without an answer."""


@dataclass(slots=True)
class Conversation:
    """Speaks with the venue; says when the connection is not worth keeping."""

    policy: Policy
    messages: Window
    effects: list[do.Effect]
    registry: Registry = field(default_factory=Registry)
    liveness: Liveness = field(default_factory=Liveness)
    connection_id: int = 0
    is_open: bool = False
    received: int = 0
    """Messages of data, over all connections."""
    data_at: float | None = None
    """When data last came, over all connections."""
    unrouted: int = 0
    """Frames that no wanted subscription claims."""
    recovery: Recovery = field(init=False)
    freshness: Freshness = field(init=False)
    watchdog: Watchdog = field(default_factory=Watchdog)
    _send_at: float = inf
    _hush: float = inf
    """Silence after which a connection this chatty may have lost something."""
    is_doubtful: bool = False
    """Whether something may have been lost before what came last: :meth:`suspect`."""
    _complaint: str = ""
    """What the venue last said no to, without naming it."""
    _has_data: bool = False
    _has_answer: bool = False

    _routes: dict[str, Entry] = field(init=False)

    def __post_init__(self) -> None:
        self._routes = self.registry.routes
        self.recovery = Recovery(self.policy, self.registry, self.effects)
        self.freshness = Freshness(
            self.policy, self.registry, self.recovery, self.effects
        )

    def begin(self, connection_id: int, now: float) -> None:
        """Start over an open connection: a ping, then all that is wanted."""
        self.connection_id = connection_id
        self.is_open = True
        self.liveness.start(now)
        self.ping(now)
        self.pump(now)

    def end(self, cause: Cause, now: float, *, quietly: bool) -> None:
        """Stop: there is no connection. ``quietly``: tell nobody of gaps yet."""
        is_doubtful = self.liveness.is_overdue(now)
        self.recovery.lost(cause, now, quietly=quietly, is_doubtful=is_doubtful)
        self.is_open = self._has_data = self._has_answer = False
        self.is_doubtful, self._hush, self._complaint = False, inf, ""
        self.liveness.stop()
        self.watchdog.stop()
        self.freshness.connection_lost()
        self.registry.connection_lost(self.connection_id)

    # What time asks for

    @property
    def deadline(self) -> float:
        """When :meth:`inspect` is due; infinity while there is no connection."""
        if not self.is_open:
            return inf
        return min(
            self._send_at,
            self.liveness.deadline(self._silence),
            self.watchdog.deadline(self.patience),
            self.registry.asked_since() + self.policy.ack_timeout,
            self.registry.refused_since() + self.policy.refused_retry,
            self.recovery.deadline,
        )

    @property
    def patience(self) -> float:
        """How long promised data may be missing, in seconds."""
        intervals = [e.interval for e in self.registry.promising() if e.interval]
        learned = self.policy.message_intervals * min(intervals, default=0.0)
        return max(self.policy.message_timeout, learned)

    @property
    def _silence(self) -> float:
        return self.policy.ping_interval + self.policy.pong_timeout

    @property
    def _reserve(self) -> int:
        return round(self.messages.limit * self.policy.message_reserve)

    @property
    def _for_pings(self) -> int:
        return self._reserve // 10  # the rest of it is for unsubscribes

    def inspect(self, now: float) -> tuple[Cause, str] | None:
        """Do what is due; return why the connection must go, if it must."""
        silence, patience = self._silence, self.patience
        if self.liveness.is_silent(now, silence):
            return Cause.SILENT, f"nothing heard for {silence:g} s"
        if self.watchdog.is_due(now, patience):
            if self.watchdog.may_reconnect(now, self.policy.watchdog_cap):
                self.watchdog.fired(now)
                self._announce(say.NoMessages(self.connection_id, patience))
                return Cause.SILENT, f"no messages for {patience:g} s"
            self.watchdog.snooze(now + patience)
        if self.liveness.is_ping_due(now):
            if self.liveness.is_unanswered:
                # The venue speaks and did not answer: something got lost on the way.
                self.recovery.doubt(Cause.SILENT, now)
                self.liveness.excuse()
            self.ping(now)
        self._hush = self._usual_silence()
        self._chase(now)
        self.registry.retry_refused(now, self.policy.refused_retry)
        self.recovery.inspect(now)
        compare(self.registry, self.effects, self.connection_id, now)
        verdict = self.freshness.inspect(now)
        self.pump(now)
        return verdict

    def _usual_silence(self) -> float:
        intervals = [e.interval for e in self.registry.promising() if e.interval]
        if not intervals:
            return inf
        policy = self.policy
        return max(policy.hush_least, policy.hush_intervals * min(intervals))

    def reasons(
        self, now: float, elsewhere: Collection[Subscription] = ()
    ) -> tuple[str, ...]:
        """
        Return what is not well although the connection is, as sentences.

        What is fresh ``elsewhere`` may be stale or late here.
        """
        said = [
            f"{entry.subscription} refused: {entry.refusal}"
            for entry in self.registry.refused.values()
        ]
        said += [
            f"{entry.subscription} unreconciled: what it missed could not be read yet"
            for entry in self.recovery.unreconciled(now)
        ]
        said += [
            f"{entry.subscription} stale: no news for"
            f" {entry.ladder.quiet_for:.0f} s or more"
            for entry in self.freshness.stale()
            if entry.subscription not in elsewhere
        ]
        said += [
            f"{entry.subscription} late: more than {self.policy.lag_warning:g} s behind"
            for entry in self.freshness.late()
            if entry.subscription not in elsewhere
        ]
        why = f"; the venue says: {self._complaint}" if self._complaint else ""
        said += [
            f"{entry.subscription} not acknowledged, although asked for again{why}"
            for entry in self.registry.unanswered()
        ]
        if self.watchdog.is_starving(now, self.patience):
            said.append(
                f"no messages for over {self.patience:g} s, and the limit"
                f" of {self.policy.watchdog_cap} reconnects an hour is used up"
            )
        return tuple(said)

    # Data

    def admit(self, connection_id: int, update: Update, now: float) -> Entry | None:
        """
        Take one frame of data; return whose it is, if anyone wants it.

        ``None`` with ``is_doubtful``: first :meth:`suspect`, and then again.
        """
        if connection_id != self.connection_id or not self.is_open:
            return None
        entry = self._routes.get(update.route)
        if entry is None:
            if not self._breaks_silence(now):
                self.unrouted += 1
            return None
        if now >= entry.look_at:
            if self._breaks_silence(now):
                return None
            self._look(entry, update, now)
        self.received += 1
        entry.received += 1
        is_replay = not entry.is_speaking and entry.is_replaying(now)
        entry.continuity.admit(update, connection_id, now, is_replay)
        return entry

    def _look(self, entry: Entry, update: Update, now: float) -> None:
        """
        Learn what a message tells by when it comes.

        A feed that speaks faster is looked at now and then: what is decided by it is
        counted in seconds, and its rhythm is that of all messages since.
        """
        watchdog = self.watchdog
        watchdog.data_at = max(watchdog.data_at, now)
        if entry.last_at:
            entry.learn((now - entry.last_at) / (entry.received - entry.looked))
        entry.looked, entry.look_at = entry.received, now + _LOOK_EVERY
        entry.last_at = self.data_at = now
        self.freshness.note(entry, update, now)

    def _breaks_silence(self, now: float) -> bool:
        """Hear something; return whether nothing was heard for suspiciously long."""
        if now - self.liveness.heard_at > self._hush:
            self.is_doubtful = True
            self.recovery.mark()
        self.liveness.heard_at = now
        return self.is_doubtful

    def is_hushed(self, now: float) -> bool:
        """Whether a connection that is usually chatty carries no data."""
        return self.data_at is not None and now - self.data_at > self._hush

    def suspect(self, event: on.LossSuspected, now: float) -> None:
        """Look for what may have been lost before what came last."""
        if self.is_doubtful:
            self.is_doubtful = False
            self.liveness.excuse()
        self.recovery.doubt(event.cause, now, event.subscription, event.since)

    def data_started(self, event: on.DataStarted, now: float) -> None:
        """Note the first data of a subscription on this connection."""
        entry = self.registry.entries.get(event.subscription)
        if entry is not None and self.recovery.is_behind(entry, event):
            return  # whoever speaks there has yet to come to where we were
        self._has_data = True
        self.registry.started(event.subscription)
        self._announce(say.Started(event.subscription))
        if entry is not None:
            self.freshness.started(entry)
            self.recovery.started(entry, event, now)
            if entry.continuity.is_delta:
                entry.continuity.follow(self.connection_id)

    def backfilled(self, event: on.BackfillDone, now: float) -> None:
        """Take the end of a read of the venue's history."""
        entry = self.registry.entries.get(event.subscription)
        if entry is not None:
            self.recovery.answered(entry, event, now)

    # Requests and answers

    def receive(self, message: Inbound, now: float) -> None:
        """Take an answer."""
        if self._breaks_silence(now):
            self.suspect(on.LossSuspected(self.connection_id, Cause.SILENT), now)
        match message:
            case Pong():
                self.liveness.ponged(now)
                self._has_answer = True
            case Acknowledged(subscribed, fields):
                entry = self.registry.settle(fields, now, subscribed=subscribed)
                if entry is not None and subscribed:
                    self._granted(entry, now)
            case VenueError():
                self._complained(message, now)

    @property
    def is_proven(self) -> bool:
        """Whether this connection has shown that it carries what it should."""
        # Where no data is to be expected, an answered ping is all the proof there is.
        return self._has_data or (self._has_answer and not self.registry.expects_data)

    def adopt(self, policy: Policy) -> None:
        """Take other numbers to live by."""
        self.policy = self.recovery.policy = self.freshness.policy = policy

    def give_up(self, subscription: Subscription) -> None:
        """Stop wanting a feed."""
        self.registry.release(subscription)
        if not self.registry.promising():
            self.watchdog.stop()

    def pump(self, now: float) -> None:
        """Send requests while the venue's message window has room."""
        if not self.is_open:
            return
        room = self.messages.room(now, self._reserve)
        spare = self.messages.room(now, self._for_pings)
        for entry in self.registry.take(now, room, spare):
            self._send(entry, now)
        self._send_at = inf
        if self.registry.has_unwanted:
            self._send_at = self.messages.frees_at(now, 1, self._for_pings)
        elif self.registry.has_unsent:
            self._send_at = self.messages.frees_at(now, 1, self._reserve)

    def ping(self, now: float) -> None:
        """Ask for a sign of life."""
        self.messages.take(now)
        if not self.liveness.is_waiting:
            self.recovery.mark()
        self.liveness.pinged(now, self.policy.ping_interval)
        self.effects.append(do.SendPing())

    def _send(self, entry: Entry, now: float) -> None:
        self.messages.take(now)
        leaving = entry.holding == Holding.LEAVING
        command = do.SendUnsubscribe if leaving else do.SendSubscribe
        self.effects.append(command(entry.subscription))

    def _chase(self, now: float) -> None:
        """Ask again for what stayed unanswered, as far as there is room."""
        room = self.messages.room(now, self._reserve)
        for entry in self.registry.overdue(now, self.policy.ack_timeout):
            entry.unanswered += room > 0
            # What the venue said no to may be this: then it need not be said often.
            if room > 0 and (not self._complaint or _is_turn(entry.unanswered)):
                room -= 1
                self._announce(say.AskedAgain(entry.subscription))
                self._send(entry, now)
            # Without room the wait starts anew, else the deadline would not move.
            self.registry.ask_again(entry, now)

    def _granted(self, entry: Entry, now: float) -> None:
        self._announce(say.Granted(entry.subscription))
        self.recovery.granted(entry, now)
        # Only the first promise starts the watch: acknowledgements must not feed it,
        # nor those of a feed that is asked for again because it is mute.
        if self.watchdog.data_at == inf and self.registry.promising():
            self.watchdog.promised(now)

    def _complained(self, error: VenueError, now: float) -> None:
        self._announce(say.VenueComplained(error.kind, error.text, error.limit))
        entry: Entry | None = None
        match error.kind:
            case Complaint.REFUSED if error.fields is not None:
                entry = self.registry.refuse(
                    error.fields, error.text, now, subscribed=error.subscribed
                )
            case Complaint.SUBSCRIPTIONS | Complaint.USERS:
                entry = self.registry.refuse_oldest(
                    error.text, now, users=error.kind is Complaint.USERS
                )
            case Complaint.MESSAGES:
                # What it refused is not named: its acknowledgement runs out, and it
                # is asked for again when the window has room.
                self.messages.fill(now)
            case Complaint.REFUSED | Complaint.OTHER:
                self._complaint = error.text
            case _:
                pass
        if entry is not None and entry.refusal:
            self._announce(
                say.Refused(entry.subscription, error.text, entry.may_be_asked)
            )

    def _announce(self, notice: say.Notice) -> None:
        self.effects.append(do.Announce(notice))


def _is_turn(waits: int) -> bool:
    """Whether to ask again now: ever more rarely, and then once a minute or so."""
    return waits % _RARELY == 0 or waits.bit_count() == 1
