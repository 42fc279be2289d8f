"""From an update to the handlers that want it: by subscription and by type."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from .backlog import DEFAULT_LIMIT, Backlog
from .mailbox import Handler, Home, Mailbox
from .mailbox import Reporter as Troubles
from .session import Cause, Subscription, Update
from .session.notices import Gap
from .session.registry import Entry

Message = dict[str, Any]
Call = Callable[[Update], None]
Key = Subscription | str


class Outlet(Protocol):
    """Where the messages of one listener go in."""

    is_closed: bool
    backlog: Backlog[Any]
    is_typed: bool
    """Whether the messages go in as Structs."""

    @property
    def direct_call(self) -> Call | None:
        """What has a message handled at once; ``None`` if closed, or messages wait."""
        ...

    @property
    def depth(self) -> int:
        """How many messages wait."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether one more message would fit."""
        ...

    @property
    def handler(self) -> Handler:
        """Whoever gets the messages, by a name people know."""
        ...

    def put(self, item: Update, conflate: Hashable = None) -> bool:
        """Take a message; return whether there was room."""
        ...

    def put_gap(self, gap: Gap) -> None:
        """Take the news of a gap, in order with the messages."""
        ...

    def close(self) -> None:
        """Let no further call happen."""
        ...


@dataclass(slots=True)
class _Overflow:
    """What one listener did not get."""

    since: int | None
    until: int
    count: int = 0


class Reporter(Troubles, Protocol):
    """Who hears of handlers' trouble. Nothing here may raise."""

    def missed(self, rows: int) -> None:
        """Hear of rows that a mailbox had no room for, or no time."""
        ...

    def overflowed(self, handler: Handler, gap: Gap) -> None:
        """Hear that a handler misses messages (open gap), or no more (settled)."""
        ...


class Readers(Protocol):
    """Hears who reads a type of feed at once, and so what frames to decode into."""

    def came(self, feed: str, *, typed: bool) -> None:
        """Hear of one more direct reader."""
        ...

    def went(self, feed: str, *, typed: bool) -> None:
        """Hear of one less."""
        ...


class Dispatcher:
    """Knows every handler."""

    def __init__(
        self,
        read: Callable[[Update], Message],
        read_raw: Callable[[Update], Message],
        reporter: Reporter,
        read_typed: Callable[[Update], Any] | None = None,
        readers: Readers | None = None,
        *,
        venue_now: Callable[[], int],
    ) -> None:
        self._read = read
        self._read_raw = read_raw
        self._read_typed = read_typed or read
        self._reporter = reporter
        self._venue_now = venue_now
        self._readers = readers
        self._outlets: dict[Key, tuple[Outlet, ...]] = {}
        self._raw: dict[Key, tuple[Outlet, ...]] = {}
        self._plans: dict[Subscription, tuple[Outlet, ...]] = {}
        """Who gets a subscription's messages; put together when one comes."""
        self._direct: dict[Outlet, str] = {}
        self._overflows: dict[tuple[Outlet, Subscription], _Overflow] = {}

    def mailbox(
        self,
        handler: Handler,
        *,
        is_raw: bool = False,
        is_typed: bool = False,
        limit: int = DEFAULT_LIMIT,
        conflate: bool | None = None,
        home: Home | None = None,
        before_gap: Callable[[], None] | None = None,
    ) -> Mailbox[Update]:
        """Make a mailbox for ``handler``; raw messages are as the venue sent them."""
        read: Callable[[Update], Any] = self._read_raw if is_raw else self._read
        if is_typed:
            read = self._read_typed
        box = Mailbox(
            handler,
            read,
            self._reporter,
            limit,
            conflate=conflate,
            home=home,
            before_gap=before_gap,
        )
        box.is_typed = is_typed
        return box

    def add(self, key: Key, outlet: Outlet, *, is_raw: bool = False) -> None:
        """Give ``outlet`` the messages of one subscription, or of one type."""
        # The tuple is replaced, not changed: a delivery may be walking over it.
        table = self._raw if is_raw else self._outlets
        table[key] = (*table.get(key, ()), outlet)
        self._plans.clear()
        if self._readers is not None and outlet.direct_call and not is_raw:
            feed = key if isinstance(key, str) else key.feed
            self._direct[outlet] = feed
            self._readers.came(feed, typed=outlet.is_typed)

    def remove(self, key: Key, outlet: Outlet) -> None:
        """Let no further call of ``outlet`` happen."""
        outlet.close()
        self._plans.clear()
        feed = self._direct.pop(outlet, None)
        if self._readers is not None and feed is not None:
            self._readers.went(feed, typed=outlet.is_typed)
        for place in [it for it in self._overflows if it[0] is outlet]:
            missed = self._overflows.pop(place)
            gap = _gap(place[1], missed, "unrecoverable")
            self._reporter.overflowed(outlet.handler, gap)
        for table in (self._outlets, self._raw):
            rest = tuple(o for o in table.get(key, ()) if o is not outlet)
            if rest:
                table[key] = rest
            else:
                table.pop(key, None)

    def places(self) -> list[tuple[Key, Outlet]]:
        """Return every outlet, with what it gets."""
        tables = [*self._outlets.items(), *self._raw.items()]
        return [(key, outlet) for key, group in tables for outlet in group]

    def outlets(self) -> list[Outlet]:
        """Return every outlet."""
        return [outlet for _, outlet in self.places()]

    def has_raw(self, subscription: Subscription) -> bool:
        """Whether anybody wants the frames of a subscription as they come."""
        return subscription in self._raw

    def deliver(self, entry: Entry, update: Update) -> None:
        """Hand an update to everyone who wants it."""
        subscription = entry.subscription
        plan = self._plans.get(subscription)
        if plan is None:
            of_type = self._outlets.get(subscription.feed, ())
            plan = (*self._outlets.get(subscription, ()), *of_type)
            self._plans[subscription] = plan
        for outlet in plan:
            call = outlet.direct_call
            if call is not None:
                call(update)
            elif not outlet.is_closed:
                # State feeds keep the newest message only; event feeds keep all.
                conflate = None if entry.traits.is_lossless else subscription
                self._put(outlet, subscription, update, conflate)

    def deliver_raw(self, entry: Entry, update: Update) -> None:
        """Hand a frame to those who want it as it came."""
        subscription = entry.subscription
        conflate = None if entry.traits.is_lossless else subscription
        for outlet in self._raw.get(subscription, ()):
            if not outlet.is_closed:
                self._put(outlet, subscription, update, conflate)

    def tell(self, gap: Gap) -> None:
        """Let whoever reads a feed in order know of a gap in it."""
        for key in (gap.subscription, gap.subscription.feed):
            for table in (self._outlets, self._raw):
                for outlet in table.get(key, ()):
                    if not outlet.is_closed:
                        outlet.put_gap(gap)

    def dropped(
        self, key: Key, outlet: Outlet, updates: list[Update], wanted: Iterable[Entry]
    ) -> None:
        """
        Tell of messages that were taken away before their reader came to them.

        Who gets a whole type cannot say of which subscription each was if several of
        ``wanted`` share a route: then it is missing in all of them.
        """
        for place in [it for it in self._overflows if it[0] is outlet]:
            self._settle(*place)
        for entry in wanted:
            subscription, traits = entry.subscription, entry.traits
            if key not in (subscription, subscription.feed):
                continue
            missed = [it for it in updates if it.route == traits.route]
            # Of states the next one is the whole truth.
            if missed and outlet.backlog.keeps(is_lossless=traits.is_lossless):
                for update in missed:
                    self._miss(outlet, subscription, update, has_waited=True)
                self._settle(outlet, subscription)

    def look(self) -> None:
        """Settle what had no room once its reader is past it, about once a second."""
        for key in [it for it in self._overflows if not it[0].depth]:
            self._settle(*key)

    def _settle(self, outlet: Outlet, subscription: Subscription) -> None:
        missed = self._overflows.pop((outlet, subscription))
        self._report(outlet, _gap(subscription, missed, "unrecoverable"))

    def _put(
        self,
        outlet: Outlet,
        subscription: Subscription,
        update: Update,
        conflate: Hashable,
    ) -> None:
        key = (outlet, subscription)
        if self._overflows and key in self._overflows and outlet.has_room:
            self._settle(*key)
        if not outlet.put(update, conflate):
            self._miss(outlet, subscription, update)

    def _miss(
        self,
        outlet: Outlet,
        subscription: Subscription,
        update: Update,
        *,
        has_waited: bool = False,
    ) -> None:
        key = (outlet, subscription)
        since: int | None = update.time
        until = update.time
        if update.items:
            since, until = update.items[0][0], update.items[-1][0]
        if not until:
            # The venue does not say when: it came just now, or nobody knows when.
            until = self._venue_now()
            since = None if has_waited else until
        if key not in self._overflows:
            self._overflows[key] = _Overflow(since, until)
            self._report(outlet, _gap(subscription, self._overflows[key], "open"))
        missed = self._overflows[key]
        missed.until = max(missed.until, until)
        rows = 1 if update.items is None else len(update.items)
        missed.count += rows
        self._reporter.missed(rows)

    def _report(self, outlet: Outlet, gap: Gap) -> None:
        self._reporter.overflowed(outlet.handler, gap)
        outlet.put_gap(gap)


def _gap(subscription: Subscription, missed: _Overflow, status: str) -> Gap:
    is_open = status == "open"
    return Gap(
        subscription,
        missed.since,
        None if is_open else missed.until,
        status,
        0,
        Cause.OVERFLOW,
        missed_count=None if is_open else missed.count,
    )
