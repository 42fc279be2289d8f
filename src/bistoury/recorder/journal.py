"""
Writes down everything that happened to the sessions of one client.

A session decides by its events, the time, chance, and by what frames changed. All
of that is written, the frames only as numbers, so the same can be made to happen
again. What the sessions told is written too: it shows whether it was the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from math import inf
from random import Random
from secrets import token_hex

from ..session import Session, facts
from ..session import effects as do
from ..session import events as on
from ..session import notices as say
from ..session.budget import Window
from ..session.facts import UNHEARD, Facts, FeedFacts, LineFacts
from ..session.registry import Entry
from .file import JournalFile
from .records import Began, Happened, Lined, encode, told

MAX_BYTES = 64 * 1024 * 1024
_FLUSH_EVERY = 5.0
_ROUTINE = (say.Granted, say.Started, say.AskedAgain)


class Journal:
    """The journal of one client; its lines share limits, breaker and chance."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        failed: Callable[[OSError], None],
    ) -> None:
        self.file = JournalFile(path, max_bytes, self._head, failed)
        self._run = token_hex(8)
        self._first: Session | None = None
        self._chance: tuple[int, tuple[int, ...], float | None] | None = None
        self._lines = 0
        self._grants = [0, 0]
        self._breaker: tuple[int, float, bool] | None = None
        self._limits: tuple[int, int] | None = None
        self._flushed_at = -inf

    def line(self, session: Session) -> LineRecorder:
        """Begin to write about a session."""
        if self._first is None:
            self._first = session
            self._chance = _state_of(session.rng)
        self._lines += 1
        return LineRecorder(self, session, self._lines)

    def put(self, record: Happened | Lined) -> None:
        """Write something down."""
        self.file.write(encode(record))

    def note_shared(self, session: Session) -> Facts:
        """Return what others did to what the lines share, and remember it all."""
        windows = session.connections, session.messages
        taken = [_since(it, self._grants[i]) for i, it in enumerate(windows)]
        breaker = session.breaker.memory
        limits = session.connections.limit, session.messages.limit
        failures, failed_at, is_probing = breaker
        known = Facts(
            breaker=None
            if breaker == self._breaker
            else (failures, facts.finite(failed_at), is_probing),
            limits=None if limits == self._limits else limits,
            connections=taken[0],
            messages=taken[1],
        )
        self.catch_up(session)
        return known

    def catch_up(self, session: Session) -> None:
        """Take what the lines share as it is: the events tell why."""
        self._grants = [session.connections.grants, session.messages.grants]
        self._breaker = session.breaker.memory
        self._limits = session.connections.limit, session.messages.limit

    def settle(self, notices: list[say.Notice], now: float) -> None:
        """Put on the disk what somebody may want to read soon."""
        is_news = any(not isinstance(it, _ROUTINE) for it in notices)
        if is_news or now >= self._flushed_at + _FLUSH_EVERY:
            self._flushed_at = now
            self.file.flush()

    def _head(self, part: int) -> bytes:
        from .. import __version__  # noqa: PLC0415 -- it imports all of this

        session = self._first
        assert session is not None
        return encode(
            Began(
                run=self._run,
                part=part,
                version=__version__,
                chance=self._chance,
                threshold=session.breaker.threshold,
                timeout=session.breaker.timeout,
                is_gate=session.breaker_is_gate,
            )
        )


class LineRecorder:
    """Hands events to one session, and writes down what comes of them."""

    def __init__(self, journal: Journal, session: Session, number: int) -> None:
        self._journal = journal
        self._session = session
        self._number = number
        self._has_begun = False
        self._line: LineFacts | None = None
        self._feeds: dict[str, tuple[Entry, FeedFacts]] = {}

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Let the session handle an event, and write it down."""
        if self._journal.file.is_broken:
            return self._session.handle(event, now)
        if not self._has_begun:
            self._has_begun = True
            began = Lined(line=self._number, policy=self._session.policy)
            self._journal.put(began)
        self._note(self._journal.note_shared(self._session), now)
        self._journal.put(Happened(self._number, now, event))
        try:
            return self._session.handle(event, now)
        finally:
            self._journal.catch_up(self._session)

    def carried_out(self, effects: list[do.Effect], now: float) -> None:
        """Hear that what the session wanted was done."""
        if self._journal.file.is_broken:
            return
        notices = told(self._session, effects)
        if effects:
            self._note(Facts(), now)
        if notices:
            self._journal.put(Happened(self._number, now, notices))
        self._journal.settle(notices, now)

    def _note(self, shared: Facts, now: float) -> None:
        """Write down what changed without an event."""
        known = Facts(
            self._changed_line(),
            self._changed_feeds(),
            shared.breaker,
            shared.limits,
            shared.connections,
            shared.messages,
        )
        if not known.is_empty:
            self._journal.put(Happened(self._number, now, known))

    def _changed_line(self) -> LineFacts | None:
        line = facts.of_line(self._session)
        if line == self._line:
            return None
        self._line = line
        return line

    def _changed_feeds(self) -> dict[str, FeedFacts]:
        changed: dict[str, FeedFacts] = {}
        routes = self._session.registry.routes
        for route in [it for it in self._feeds if it not in routes]:
            del self._feeds[route]
        for route, entry in routes.items():
            before, known = self._feeds.get(route, (entry, UNHEARD))
            feed = facts.of_feed(entry)
            if feed != (known if before is entry else UNHEARD):
                changed[route] = feed
            self._feeds[route] = (entry, feed)
        return changed


def _since(window: Window, grants: int) -> list[tuple[float, int]]:
    return window.latest(window.grants - grants)


def _state_of(rng: Random) -> tuple[int, tuple[int, ...], float | None] | None:
    try:
        version, state, gauss = rng.getstate()
    except NotImplementedError:  # the system's chance cannot be had again
        return None
    return version, tuple(state), gauss
