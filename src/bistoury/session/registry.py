"""
What the application wants, and what the venue holds.

Each subscription has at most one request under way. When it is answered, what
is wanted is compared with what the venue holds, and the next request follows.
So the first subscription, the fiftieth restore and any quarrel of subscribe and
unsubscribe are the same few lines, and late answers of older requests match
nothing. Losing a connection empties what the venue holds; what is wanted stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from .continuity import Continuity
from .entry import Entry, Holding
from .model import Fields, Heals, Promise, Subscription, Traits

__all__ = ["Entry", "Holding", "Registry"]

_AGAIN_AND_AGAIN = 2
"""Waits without an answer after which a request is no longer just late."""


@dataclass(slots=True)
class Registry:
    """Reconciles what is wanted with what the venue holds."""

    continuities: dict[Subscription, Continuity] = field(default_factory=dict)
    """What was delivered of each feed; shared by lines that carry the same feeds."""
    entries: dict[Subscription, Entry] = field(default_factory=dict)
    routes: dict[str, Entry] = field(default_factory=dict)
    """Who gets the frames of a route: the wanted entry, read for every message."""
    due: set[Subscription] = field(default_factory=set)
    """What stands between the session and being live."""
    mute: set[Subscription] = field(default_factory=set)
    """Granted, and the venue's first frame has not come."""
    refused: dict[Subscription, Entry] = field(default_factory=dict)
    """What the venue said no to."""
    gapped: dict[Subscription, Entry] = field(default_factory=dict)
    """What has a gap that is not settled."""
    _asked: dict[Subscription, Entry] = field(default_factory=dict)
    _promising: dict[Subscription, Entry] = field(default_factory=dict)
    """Kept by hand: it is asked for at every event, and a restore is hundreds."""
    _unsent: tuple[deque[Entry], deque[Entry]] = field(
        default_factory=lambda: (deque(), deque())
    )
    _unwanted: deque[Entry] = field(default_factory=deque)
    _occupied: dict[str, Entry] = field(default_factory=dict)

    # What the application says

    def want(self, subscription: Subscription, traits: Traits) -> None:
        """Add ``subscription`` to what is wanted; ask anew if it was refused."""
        entry = self.entries.get(subscription)
        if entry is None:
            is_delta = traits.heals is Heals.RESYNC
            fresh = Continuity(traits.memory, not traits.is_lossless, is_delta)
            continuity = self.continuities.setdefault(subscription, fresh)
            continuity.is_shared = continuity is not fresh
            entry = self.entries[subscription] = Entry(
                subscription, traits, continuity=continuity
            )
        elif not entry.is_wanted and entry.holding != Holding.HELD:
            # Given up meanwhile: this asks for it for the first time.
            entry.was_granted = entry.continuity.was_granted = False
        entry.is_wanted, entry.refusal, entry.refused_at = True, "", inf
        self.routes[traits.route] = entry
        self._enqueue(entry)
        self._note(entry)

    def release(self, subscription: Subscription) -> None:
        """Stop wanting ``subscription``."""
        entry = self.entries.get(subscription)
        if entry is None:
            return
        entry.is_wanted = False
        entry.gap = None
        entry.continuity.discard()
        self.gapped.pop(subscription, None)
        if self.routes.get(entry.traits.route) is entry:
            del self.routes[entry.traits.route]
        if entry.holding == Holding.HELD:
            self._unwanted.append(entry)
        elif entry.holding == Holding.NOTHING:
            del self.entries[subscription]
        self._note(entry)

    def renew(self, entry: Entry) -> None:
        """Give a granted subscription up and ask for it again."""
        if entry.holding == Holding.HELD:
            entry.is_renewing = True
            self._unwanted.append(entry)

    # What may be sent

    @property
    def has_unsent(self) -> bool:
        """Whether something waits to be asked for."""
        return any(self._unsent)

    @property
    def has_unwanted(self) -> bool:
        """Whether something waits to be given up."""
        return bool(self._unwanted)

    def take(self, now: float, room: int, spare: int) -> Iterator[Entry]:
        """
        Yield what to send now, and consider it sent.

        Unsubscribes come first and may use ``spare`` messages; subscribes fill
        ``room``, users' feeds first.
        """
        while self._unwanted and spare > 0:
            entry = self._unwanted.popleft()
            if entry.holding == Holding.HELD and (
                not entry.is_wanted or entry.is_renewing
            ):
                entry.is_renewing = False
                spare, room = spare - 1, room - 1
                self._ask(entry, Holding.LEAVING, now)
                yield entry
        for queue in self._unsent:
            while queue and room > 0:
                entry = queue.popleft()
                if self._may_send(entry):
                    room -= 1
                    self._ask(entry, Holding.ASKED, now)
                    yield entry

    def overdue(self, now: float, timeout: float) -> list[Entry]:
        """Return the requests that stayed unanswered for ``timeout`` seconds."""
        found = []
        for entry in self._asked.values():
            if entry.asked_at + timeout > now:
                break
            found.append(entry)
        return found

    def ask_again(self, entry: Entry, now: float) -> None:
        """Note that an unanswered request is sent once more."""
        del self._asked[entry.subscription]
        self._ask(entry, entry.holding, now)

    def unanswered(self) -> list[Entry]:
        """Return what was asked for again and again, without an answer."""
        return [
            entry
            for entry in self._asked.values()
            if entry.is_due and entry.unanswered >= _AGAIN_AND_AGAIN
        ]

    def asked_since(self) -> float:
        """Return when the oldest unanswered request was sent; infinity if none."""
        return next((e.asked_at for e in self._asked.values()), inf)

    # What the venue says

    def settle(self, fields: Fields, now: float, *, subscribed: bool) -> Entry | None:
        """Take an acknowledgement; return the entry it belongs to, if any."""
        awaited = Holding.ASKED if subscribed else Holding.LEAVING
        entry = self._find(fields, awaited)
        if entry is None:
            return None
        self._answered(entry, Holding.HELD if subscribed else Holding.NOTHING)
        if subscribed:
            entry.was_granted = entry.continuity.was_granted = True
            entry.refusal, entry.refused_at = "", inf
            entry.granted_at = now
        self._reconcile(entry)
        return entry

    def refuse(
        self, fields: Fields, text: str, now: float, *, subscribed: bool
    ) -> Entry | None:
        """Take a refusal that names its request; return whose it is, if anyone's."""
        entry = self._find(fields, Holding.ASKED if subscribed else Holding.LEAVING)
        if entry is not None:
            self._refused(entry, text, now)
        return entry

    def refuse_oldest(self, text: str, now: float, *, users: bool) -> Entry | None:
        """Take a refusal that names no request: the oldest of its class is meant."""
        for entry in self._asked.values():
            if entry.holding == Holding.ASKED and (entry.traits.user or not users):
                self._refused(entry, text, now)
                return entry
        return None

    def recall(self, known: Entry) -> None:
        """Take over what another line was refused for good, without asking."""
        entry = self.entries[known.subscription]
        entry.refusal, entry.refused_at = known.refusal, known.refused_at
        if self.routes.get(entry.traits.route) is entry:
            del self.routes[entry.traits.route]
        self._note(entry)

    def retry_refused(self, now: float, every: float) -> None:
        """Ask again for what was granted once and refused ``every`` seconds ago."""
        for entry in self.refused.values():
            if entry.may_be_asked and now >= entry.refused_at + every:
                entry.refused_at = now
                self._enqueue(entry)

    def refused_since(self) -> float:
        """Return the earliest refusal worth another try; infinity if none."""
        return min(
            (e.refused_at for e in self.refused.values() if e.may_be_asked),
            default=inf,
        )

    def ungreeted(self) -> list[Entry]:
        """Return what was granted and not greeted, and need not speak otherwise."""
        entries = (self.entries[subscription] for subscription in self.mute)
        return [it for it in entries if it.traits.promise is not Promise.PERIODIC]

    def started(self, subscription: Subscription) -> None:
        """Note the first data of ``subscription`` on this connection."""
        entry = self.entries.get(subscription)
        if entry is not None:
            entry.is_speaking = True
            self.mute.discard(subscription)

    @property
    def held(self) -> int:
        """Return how many wanted subscriptions the venue has granted."""
        return sum(
            entry.is_wanted and entry.holding == Holding.HELD
            for entry in self.entries.values()
        )

    @property
    def expects_data(self) -> bool:
        """Whether something wanted speaks without being asked by the market."""
        return any(
            entry.traits.greets or entry.traits.promise is Promise.PERIODIC
            for entry in self.entries.values()
            if entry.is_wanted and not entry.refusal
        )

    def promising(self) -> list[Entry]:
        """Return the granted feeds that promise data at intervals."""
        return list(self._promising.values())

    def connection_lost(self, source: int) -> None:
        """Forget what the venue held over ``source``; remember what is wanted."""
        for queue in (*self._unsent, self._unwanted):
            queue.clear()
        self._asked.clear()
        self._promising.clear()
        self._occupied.clear()
        self.mute.clear()
        for entry in list(self.entries.values()):
            entry.holding, entry.asked_at = Holding.NOTHING, inf
            entry.unanswered = 0
            entry.granted_at, entry.is_renewing = inf, False
            entry.is_speaking, entry.last_at, entry.news_at = False, 0.0, 0.0
            entry.look_at, entry.shown = 0.0, b""
            entry.continuity.source_lost(source)
            if entry.is_wanted:
                if entry.may_be_asked:
                    self._enqueue(entry)
                self._note(entry)
            else:
                del self.entries[entry.subscription]

    # Details

    def _enqueue(self, entry: Entry) -> None:
        # It is free again if a refusal was final here, and not on another line.
        self.routes.setdefault(entry.traits.route, entry)
        self._unsent[0 if entry.traits.user else 1].append(entry)

    def _may_send(self, entry: Entry) -> bool:
        if entry.holding != Holding.NOTHING or not entry.may_be_asked:
            return False
        # Frames of two subscriptions of one route look the same: let the one that
        # is leaving leave first; ``_reconcile`` puts this one back in the queue.
        return self._occupied.get(entry.traits.route) in (None, entry)

    def _ask(self, entry: Entry, holding: Holding, now: float) -> None:
        entry.holding, entry.asked_at = holding, now
        self._asked[entry.subscription] = entry
        self._occupied[entry.traits.route] = entry
        self._note(entry)

    def _answered(self, entry: Entry, holding: Holding) -> None:
        entry.holding, entry.asked_at, entry.unanswered = holding, inf, 0
        self._asked.pop(entry.subscription, None)
        if holding == Holding.NOTHING:
            entry.granted_at, entry.is_speaking = inf, False
            entry.last_at = entry.news_at = entry.look_at = 0.0
            entry.shown = b""
            self._occupied.pop(entry.traits.route, None)
        self._note(entry)

    def _reconcile(self, entry: Entry) -> None:
        """Follow an answer with the next request, if what is wanted has changed."""
        if entry.holding == Holding.HELD:
            if not entry.is_wanted:
                self._unwanted.append(entry)
        elif entry.is_wanted:
            self._enqueue(entry)
        else:
            self.entries.pop(entry.subscription, None)
            successor = self.routes.get(entry.traits.route)
            if successor is not None:
                self._enqueue(successor)
        self._note(entry)

    def _refused(self, entry: Entry, text: str, now: float) -> None:
        was_asked, route = entry.holding == Holding.ASKED, entry.traits.route
        self._answered(entry, Holding.NOTHING)
        if was_asked and entry.is_wanted:
            entry.refusal, entry.refused_at = text, now
            if not entry.may_be_asked and self.routes.get(route) is entry:
                del self.routes[route]  # final: the route is another's to have
        else:
            self._reconcile(entry)
        self._note(entry)

    def _note(self, entry: Entry) -> None:
        """Keep the sets that are asked about all the time."""
        subscription = entry.subscription
        (self.due.add if entry.is_due else self.due.discard)(subscription)
        is_mute = (
            entry.is_wanted
            and entry.holding == Holding.HELD
            and entry.traits.greets
            and not entry.is_speaking
        )
        (self.mute.add if is_mute else self.mute.discard)(subscription)
        promises = entry.traits.promise is Promise.PERIODIC
        if promises and entry.is_wanted and entry.holding == Holding.HELD:
            self._promising[subscription] = entry
        else:
            self._promising.pop(subscription, None)
        if entry.is_wanted and entry.refusal:
            self.refused[subscription] = entry
        else:
            self.refused.pop(subscription, None)

    def _find(self, fields: Fields, holding: Holding) -> Entry | None:
        """
        Return the request under way that an answer with ``fields`` belongs to.

        HL: acknowledgements are written anew from the venue's own type, with
        defaults added and what it does not know left out, so the request's fields
        are contained in the answer's; of several, the most specific is meant (nktkas
        does the same).
        """
        params = tuple(sorted((k, v) for k, v in fields.items() if k != "type"))
        feed = str(fields.get("type", ""))
        exact = self._asked.get(Subscription(feed, params))
        if exact is not None and exact.holding == holding:
            return exact
        contained = [
            entry
            for entry in self._asked.values()
            if entry.holding == holding
            and entry.subscription.feed == feed
            and all(
                fields.get(k, v if k in entry.traits.extras else None) == v
                for k, v in entry.subscription.params
            )
        ]
        return max(contained, key=lambda e: len(e.subscription.params), default=None)
