"""
Makes happen again what a journal tells of, and says whether it was the same.

New sessions are fed the events that were written down, at the moments at which they
happened. Where the beginning is gone, what the sessions told is taken on trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import msgspec

from ..session import Session
from ..session import effects as do
from ..session import events as on
from ..session.breaker import Breaker
from ..session.budget import Window
from ..session.continuity import Continuity
from ..session.facts import Facts, apply
from ..session.model import Subscription
from ..session.notices import Notice
from .records import Began, Happened, Lined, Record, decode, told


@dataclass(frozen=True, slots=True)
class Told:
    """Something a session told."""

    run: int
    line: int
    at: float
    """In the session's time, in seconds."""
    wall: float | None
    """The time of day, in seconds since 1970, if known."""
    notice: Notice


@dataclass(slots=True)
class Replayed:
    """What a journal told, once more."""

    told: list[Told] = field(default_factory=list)
    runs: int = 0
    events: int = 0
    frames: dict[str, int] = field(default_factory=dict)
    """How many frames of data each feed carried, by route."""
    damage: str = ""
    """Why the rest of the file could not be read, if it could not."""
    is_headless: bool = False
    """Whether the beginning is gone, so that nothing was made to happen again."""
    differs: str = ""
    """Where what happened again first differed from what was written down."""


@dataclass(slots=True)
class _Line:
    """One session that lives again."""

    session: Session
    continuities: dict[Subscription, Continuity]
    effects: list[do.Effect] = field(default_factory=list)
    """What the last event led to and is not told yet."""


class Replay:
    """Goes through the records of a journal."""

    def __init__(self) -> None:
        self.result = Replayed()
        self._began: Began | None = None
        self._lines: dict[int, _Line] = {}
        self._walls: dict[int, float] = {}
        self._frames: dict[tuple[int, str], int] = {}
        self._rng = Random()
        self._breaker = Breaker()
        self._windows = Window(0), Window(0)
        self._numbers = count(1)

    def take(self, record: Record) -> None:
        """Take the next record."""
        match record:
            case Began():
                self._begin(record)
            case Lined():
                self._add(record)
            case Happened(line, at, what):
                self._happen(line, at, what)

    def finish(self) -> Replayed:
        """Return what came of it all."""
        return self.result

    def _begin(self, began: Began) -> None:
        before, self._began = self._began, began
        if before is not None and before.run == began.run:
            if began.part == before.part + 1:
                return  # the next part of the same run
            self.result.is_headless = True
        else:
            self.result.runs += 1
            self.result.is_headless = self.result.is_headless or began.part > 1
        self._lines.clear()
        self._walls.clear()
        self._rng = Random()
        if began.chance is not None:
            self._rng.setstate(began.chance)
        self._breaker = Breaker(began.threshold, began.timeout)
        self._windows = Window(0), Window(0)
        self._numbers = count(1)

    def _add(self, lined: Lined) -> None:
        if self._began is None or self.result.is_headless:
            return
        continuities: dict[Subscription, Continuity] = {}
        session = Session(
            policy=lined.policy,
            rng=self._rng,
            breaker=self._breaker,
            breaker_is_gate=self._began.is_gate,
            connections=self._windows[0],
            messages=self._windows[1],
            continuities=continuities,
            numbers=self._numbers,
        )
        self._lines[lined.line] = _Line(session, continuities)

    def _happen(
        self, number: int, at: float, what: on.Event | Facts | list[Notice]
    ) -> None:
        line = self._lines.get(number)
        if isinstance(what, Facts):
            self._count(number, what)
            if line is not None:
                apply(what, line.session)
        elif isinstance(what, list):
            self._tell(number, at, what, line)
        else:
            self.result.events += 1
            if isinstance(what, on.TimePassed | on.ConnectRequested) and what.wall:
                self._walls[number] = what.wall - at
            if line is not None:
                self._again(number, at, what, line)

    def _again(self, number: int, at: float, event: on.Event, line: _Line) -> None:
        if told(line.session, line.effects):
            self._differ(at, "something was told that was not written down")
        line.effects = line.session.handle(event, at)
        for effect in line.effects:
            if isinstance(effect, do.Release):
                entry = line.session.registry.entries.get(effect.subscription)
                if entry is not None:
                    entry.continuity.release()
        if isinstance(event, on.UnsubscribeRequested):
            # Whether it was remembered, the facts will tell.
            line.continuities.pop(event.subscription, None)

    def _tell(
        self, number: int, at: float, written: list[Notice], line: _Line | None
    ) -> None:
        notices = written
        if line is not None:
            notices = told(line.session, line.effects)
            line.effects = []
            if _plain(notices) != _plain(written):
                self._differ(at, "something else was told")
        offset = self._walls.get(number)
        wall = None if offset is None else at + offset
        run = self.result.runs
        self.result.told += [Told(run, number, at, wall, it) for it in notices]

    def _count(self, number: int, known: Facts) -> None:
        frames = self.result.frames
        for route, feed in known.feeds.items():
            before = self._frames.get((number, route), 0)
            more = feed.received - before if feed.received >= before else feed.received
            self._frames[number, route] = feed.received
            frames[route] = frames.get(route, 0) + more

    def _differ(self, at: float, how: str) -> None:
        self.result.differs = self.result.differs or f"{how}, at {at:.3f} s"


def read(path: Path) -> Replayed:
    """
    Replay a file, as far as it can be read, with the part before it if there is one.

    Raises:
        OSError: it cannot be opened.
    """
    replay = Replay()
    files = [path]
    earlier = path.with_name(f"{path.name}.1")
    if _goes_on(earlier, path):
        files.insert(0, earlier)
    for file in files:
        damage = ""
        for number, text in enumerate(_lines(file), 1):
            try:
                replay.take(decode(text))
            except (msgspec.MsgspecError, ValueError) as error:
                damage = f"{file.name}, line {number}: {error}"
                break
        if damage:
            replay.result.damage = damage
            break
    return replay.finish()


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for text in file:
            yield text.rstrip(b"\n")


def _goes_on(earlier: Path, later: Path) -> bool:
    """Whether ``later`` begins in the middle of a run that ``earlier`` has."""
    try:
        began = decode(next(_lines(later), b""))
        if not isinstance(began, Began) or began.part == 1:
            return False
        for text in _lines(earlier):
            if text[:1] == b"{":
                record = decode(text)
                if isinstance(record, Began) and record.run == began.run:
                    return record.part == began.part - 1
    except (OSError, ValueError, msgspec.MsgspecError):
        pass
    return False


def _plain(notices: list[Notice]) -> bytes:
    return msgspec.json.encode(notices)
