"""
Which rows are new, and which must wait their turn.

The venue replays: snapshots after a subscription, the last trades, rows that a
second connection already carried. Each row has a key; a key seen before is not
delivered again. While what was missed is being fetched, live rows are held, so
that all of it comes out in the venue's order.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from .model import Item, Update, Version

MOST_HELD = 10_000
"""Rows that may wait for what was missed."""

_BARS_REMEMBERED = 64

_FOLLOW_FOR = 3.0
"""How long a line that leads may be silent before another one is followed."""

_COPIES_WITHIN = 30.0
"""How far one line may trail another one, in seconds: by then, it is given up."""


@dataclass(slots=True)
class Memory:
    """
    Remembers at least the last ``limit`` keys, one at least, and at most twice that.

    Two generations: when the young one is full it becomes the old one. Keys that are
    known to be new are only noted; sets are made of them when somebody asks, which
    is when the venue repeats itself.
    """

    limit: int
    _young: set[Hashable] = field(default_factory=set)
    _noted: list[Hashable] = field(default_factory=list)
    """Keys of the young generation that are not in its set yet."""
    _old: set[Hashable] = field(default_factory=set)
    _old_noted: list[Hashable] = field(default_factory=list)
    _versions: dict[Hashable, int] = field(default_factory=dict)

    def is_new(self, key: Hashable) -> bool:
        """
        Return whether ``key`` is not remembered, and remember it.

        Of a key with versions, an older version is never news again.
        """
        if self._noted or self._old_noted:
            self._young.update(self._noted)
            self._old.update(self._old_noted)
            self._noted, self._old_noted = [], []
        if key in self._young or key in self._old:
            return False
        if key.__class__ is Version and not self._is_newer(key):
            return False
        self._young.add(key)
        if len(self._young) >= self.limit:
            self._change_generations()
        return True

    def note(self, keys: list[Hashable]) -> None:
        """Remember keys that nobody has seen before, all different, no versions."""
        self._noted += keys
        if len(self._young) + len(self._noted) >= self.limit:
            self._change_generations()

    def _change_generations(self) -> None:
        self._old, self._old_noted = self._young, self._noted
        self._young, self._noted = set(), []

    def _is_newer(self, key: Version) -> bool:
        if key.number < self._versions.get(key.item, key.number):
            return False
        self._versions[key.item] = key.number
        if len(self._versions) > _BARS_REMEMBERED:
            del self._versions[next(iter(self._versions))]
        return True


class _Frame(NamedTuple):
    """A frame that nothing orders, as one of several lines brought it."""

    update: Update
    source: int
    at: float


class _Candidate(NamedTuple):
    """A row that may be delivered, and where it came from."""

    item: Item
    update: Update
    is_recovered: bool


@dataclass(slots=True)
class Continuity:
    """Lets the new rows of one feed through, in order."""

    limit: int
    is_state: bool = False
    """Whether every frame replaces the last one."""
    is_delta: bool = False
    """Whether every frame changes what those before it on its line have made."""
    duplicates: int = 0
    """Frames or rows recognised and not delivered again."""
    recovered: int = 0
    """Rows of history that filled a gap."""
    newest: int = 0
    """Venue time of the newest row or state delivered, in milliseconds."""
    newest_key: Hashable = None
    """The key of that row."""
    is_shared: bool = False
    """Whether more than one connection delivers into it."""
    was_granted: bool = False
    """Whether the venue granted it on any connection that delivers into it."""
    has_history: bool = False
    """Whether anything was delivered before: history now fills a gap."""
    is_holding: bool = False
    """Whether live rows wait for what was missed."""
    found: list[Update] = field(default_factory=list)
    """What was fetched and not delivered yet."""
    _held: list[tuple[Update, bool]] = field(default_factory=list)
    held_rows: int = 0
    """How many live rows wait."""
    _memory: Memory = field(init=False)
    overrule_at: float = 0.0
    """When :meth:`release` is due because the line that is followed has not said what
    another one did; 0: it has."""
    _last_frame: bytes = b""
    _source: int = 0
    """The line that is followed where nothing tells which of several is ahead."""
    _accepted_at: float = 0.0
    # Empty tuples take no room, and most feeds have one line.
    _said: tuple[tuple[int, bytes], ...] = ()
    """The last state that each of several lines brought."""
    _aside: _Frame | None = None
    """A state that another line brought, and not the one that is followed."""
    _copies: tuple[_Frame, ...] = ()
    """Frames that one of several lines brought lately, and no other yet."""

    def __post_init__(self) -> None:
        self._memory = Memory(self.limit)

    @property
    def is_full(self) -> bool:
        """Whether no more rows may be held."""
        return self.held_rows >= MOST_HELD

    def admit(
        self, update: Update, source: int, now: float, is_replay: bool = False
    ) -> None:
        """
        Take out of ``update`` what was delivered before, or what must wait.

        ``source`` is the connection it came over: of several, the first copy wins.

        ``is_replay`` says that the venue repeats the past without marking it. What
        is new in history is marked ``snapshot`` the first time, ``recovered`` later.
        """
        if update.items is not None:
            self._admit_rows(update, update.items, is_replay or update.is_snapshot)
            return
        if self.is_state:
            # Let through unless it is the same or older than the last one.
            time, frame = update.time, update.frame
            if time or not self.is_shared:
                is_old = frame == self._last_frame or 0 < time < self.newest
            else:
                is_old = self._is_put_aside(update, source, now)
            if not is_old:
                self._last_frame, self._source, self.has_history = frame, source, True
                if time:
                    self.newest = time
                return
        elif not self.is_shared or not self._is_copy(update, source, now):
            return
        self.duplicates += 1
        update.is_void = True

    def _is_put_aside(self, update: Update, source: int, now: float) -> bool:
        """
        Whether another line is followed, or has said the same.

        Nothing tells which of two lines is ahead, so one of them is followed until it
        has nothing new to say. What the other one says meanwhile is put aside, for it
        may say it only once.
        """
        said = (source, update.frame)
        is_repeated = said in self._said
        self._said = (*(it for it in self._said if it[0] != source), said)
        is_its_own = self._aside is not None and self._aside.source == source
        if update.frame == self._last_frame:
            if is_its_own:
                self._aside, self.overrule_at = None, 0.0
            return True
        if is_repeated:
            if not is_its_own or now < self.overrule_at:
                return True
        elif not self.is_followed(source) and now - self._accepted_at < _FOLLOW_FOR:
            self._aside = _Frame(update, source, now)
            self.overrule_at = now + _FOLLOW_FOR
            return True
        self._accepted_at = now
        if is_its_own:
            self._aside = None
        self.overrule_at = 0.0 if self._aside is None else now + _FOLLOW_FOR
        return False

    def _is_copy(self, update: Update, source: int, now: float) -> bool:
        """Whether another line has brought the same, or changes of its own."""
        if self.is_delta:
            return not self.is_followed(source)
        recent = [it for it in self._copies if it.at >= now - _COPIES_WITHIN]
        for place, other in enumerate(recent):
            if other.source != source and other.update.frame == update.frame:
                self._copies = (*recent[:place], *recent[place + 1 :])
                return True
        self._copies = (*recent, _Frame(update, source, now))
        return False

    def is_followed(self, source: int) -> bool:
        """Whether ``source`` is the line to follow, or might be."""
        return self._source in (0, source)

    def follow(self, source: int) -> bool:
        """Follow ``source`` if no line is; return whether that is a change."""
        was_none = self._source == 0
        self._source = self._source or source
        return was_none

    def _admit_rows(self, update: Update, items: list[Item], is_replay: bool) -> None:
        if self.is_holding:
            self._held.append((update, is_replay))
            self.held_rows += len(items)
            update.is_void = True
            return
        if items and items[0][0] > self.newest and not update.is_single:
            # The usual frame: all of it happened after whatever was delivered, so
            # none of it was, and only itself can repeat itself.
            keys = [item[1] for item in items]
            if len(keys) == 1 or len(set(keys)) == len(keys):
                self._memory.note(keys)
                self.newest, self.newest_key = items[-1][0], keys[-1]
            else:
                items = self._take_out(update, items)
        else:
            items = self._take_out(update, items)
        if is_replay:
            update.mark("recovered" if self.has_history else "snapshot")
            self.recovered += len(items) if self.has_history else 0
        update.is_void = not items and (self.has_history or not is_replay)
        self.has_history = True

    def source_lost(self, source: int) -> None:
        """Forget the last state if it came over ``source``: the next one is news."""
        if self._source == source:
            self._source, self._last_frame = 0, b""
        self._said = tuple(it for it in self._said if it[0] != source)
        if self._aside is not None and self._aside.source == source:
            self._aside, self.overrule_at = None, 0.0

    def hold(self) -> None:
        """Let live rows wait from now on."""
        self.is_holding = True

    def discard(self) -> None:
        """Hold no more, and forget what waits: nobody wants it."""
        self.is_holding = False
        self.found, self._held, self.held_rows = [], [], 0

    def release(self) -> list[Update]:
        """Return what waits and what was fetched, in order; hold no more."""
        if self._aside is not None:
            return [self._overruling(self._aside)]
        self.has_history = True
        live = {
            item[1]
            for update, is_replay in self._held
            if not is_replay
            for item in update.items or ()
        }
        candidates = [
            _Candidate(item, update, is_recovered)
            for update, is_recovered in [*((u, True) for u in self.found), *self._held]
            for item in update.items or ()
            if not (is_recovered and item[1] in live)
        ]
        self.discard()
        candidates.sort(key=lambda it: it.item[0])
        return list(self._frames(candidates))

    def _overruling(self, aside: _Frame) -> Update:
        """Follow the line that said what the one that was followed has not."""
        self._aside, self.overrule_at = None, 0.0
        self._last_frame, self._source = aside.update.frame, aside.source
        self._accepted_at = aside.at
        self.duplicates -= 1
        aside.update.is_void = False
        return aside.update

    def _frames(self, candidates: list[_Candidate]) -> Iterator[Update]:
        """Deliver rows in order, those of one kind together as the venue would."""
        fresh = [it for it in candidates if self._memory.is_new(it.item[1])]
        self.duplicates += len(candidates) - len(fresh)
        self._delivered([it.item for it in fresh])

        def kind(it: _Candidate) -> tuple[bool, bool, str | None, int]:
            # A row that stands alone in its frame is never joined with others, nor
            # one that was read into a type with one that was not.
            update = it.update
            alone = id(it) if update.is_single else 0
            return it.is_recovered, update.typed is None, update.slot, alone

        for (is_recovered, _, _, _), group in groupby(fresh, kind):
            rows = list(group)
            update = rows[0].update.part([it.item for it in rows])
            update.is_void = False
            if is_recovered:
                self.recovered += len(rows)
                update.mark("recovered")
            yield update

    def _take_out(self, update: Update, items: list[Item]) -> list[Item]:
        """Take what was delivered before out of ``update``; return what is left."""
        is_new = self._memory.is_new
        fresh = [item for item in items if is_new(item[1])]
        if len(fresh) < len(items):
            self.duplicates += len(items) - len(fresh)
            update.keep(fresh)
        self._delivered(fresh)
        return fresh

    def _delivered(self, items: list[Item]) -> None:
        # The last of them is the newest: rows come sorted.
        if items and items[-1][0] > self.newest:
            self.newest, self.newest_key = items[-1][0], items[-1][1]
