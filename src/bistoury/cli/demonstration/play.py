"""
The play: subscribe, break the connection eight times, account for every event.

What is written on the screen is the audience's affair; it hears of each step as
it happens, and gets the whole as a value at the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from .breaks import BREAKS, Break
from .proof import Row
from .stage import Feed, Stage
from .tape import Tamper

_READY_WITHIN = 45.0
_AWAKE_WITHIN = 10.0
_DELIVERED_WITHIN = 1.0
_SETTLED_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things are left alone, in seconds."""

    overture: float = 3.0
    """How much is watched before anything breaks."""
    settling: float = 8.0
    """How long gaps are given to close before the next break."""
    between: float = 5.0
    """How long a connection is kept before it is broken. A connection that lasted
    five seconds is stable: the next loss begins with the shortest delay again."""


FAST = Pace(overture=1.0, settling=0.0, between=1.0)


@dataclass(slots=True)
class Episode:
    """One break, and what became of it."""

    break_: Break
    noticed_after: float = 0.0
    lost: Any = None
    """The client's ``disconnected``."""
    attempts: list[Any] = field(default_factory=list)
    """The client's ``reconnecting``, one for each attempt."""
    failures: list[Any] = field(default_factory=list)
    """The client's ``disconnected`` for attempts that failed."""
    ready_after: float = 0.0
    """From the break to ``ready``, in seconds."""
    away: float = 0.0
    """From the loss to ``ready``, as the client says."""
    wanted: int = 0
    acknowledged: int = 0
    first_data_after: float | None = None
    """From the break to the first data of the new connection."""
    asked_again: int = 0
    missed: int = 0
    """Events that the venue published between the break and ready."""
    brought_back: int = 0
    """How many of them reached the application."""
    in_gaps: int = 0
    """How many did not, and lie in a gap that the client declared."""
    gaps: Counter[str] = field(default_factory=Counter)
    """How many gaps were told of, by how they stand."""
    settled_after: float | None = None
    """From the break until no gap was open; ``None`` if one still is."""
    error: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether all came back."""
        return not self.error and self.brought_back + self.in_gaps == self.missed


@dataclass(slots=True)
class Outcome:
    """Everything there is to tell."""

    episodes: list[Episode]
    rows: list[tuple[Feed, Row]]
    states: list[tuple[Feed, float | None]]
    """Each feed of states, and how old its newest message is, in seconds."""
    seconds: float
    messages: int
    notes: dict[str, str] = field(default_factory=dict)
    """For each stream with declared gaps, what the client says is missing."""
    started: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether nothing is unaccounted for."""
        return (
            self.started
            and all(row.is_sound for _, row in self.rows)
            and all(episode.is_sound for episode in self.episodes)
        )


class Audience(Protocol):
    """Who watches. ``watching`` is called a few times a second."""

    def opened(self, stage: Stage, *, is_ready: bool) -> None:
        """See the client connected and subscribed, or not."""

    def watching(self, stage: Stage) -> None:
        """See time pass."""

    def broke(self, number: int, total: int, one: Break) -> None:
        """See a connection being broken."""

    def noticed(self, episode: Episode) -> None:
        """See the client notice."""

    def trying(self, episode: Episode) -> None:
        """See an attempt being scheduled, or failing."""

    def restored(self, episode: Episode) -> None:
        """See the client ready again, or given up."""

    def accounted(self, episode: Episode) -> None:
        """See what was missed accounted for."""


async def play(
    audience: Audience,
    pace: Pace,
    *,
    seed: int = 0,
    breaks: Sequence[Break] = BREAKS,
    hides: Tamper | None = None,
) -> Outcome:
    """Play it all; return what there is to tell."""
    async with Stage(seed=seed, hides=hides) as stage:
        watch = asyncio.create_task(_watch(stage, audience))
        try:
            return await _scenes(stage, audience, pace, breaks)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def _scenes(
    stage: Stage, audience: Audience, pace: Pace, breaks: Sequence[Break]
) -> Outcome:
    is_ready = await stage.subscribe_all()
    audience.opened(stage, is_ready=is_ready)
    if not is_ready:
        return Outcome([], [], [], stage.seconds, 0, started=False)
    await asyncio.sleep(pace.overture)
    await _awake(stage)
    episodes = []
    for number, one in enumerate(breaks, 1):
        audience.broke(number, len(breaks), one)
        episode = await _survive(stage, audience, one, pace.settling)
        episodes.append(episode)
        opened = stage.chronicle.last("connected").at
        await asyncio.sleep(max(0.0, opened + pace.between - monotonic()))
    until = stage.venue_time
    await stage.chronicle.settled(_SETTLED_WITHIN)
    await _delivered(stage, stage.since, until)
    return Outcome(
        episodes,
        stage.rows(until),
        _states(stage),
        stage.seconds,
        stage.tape.messages,
        {gap.stream: gap.note for gap in stage.chronicle.declared()},
    )


async def _awake(stage: Stage) -> None:
    """Wait until every coin has traded: the market, too, has only just begun."""
    names = {feed.name for feed in stage.feeds if feed.fields["type"] == "trades"}
    end = monotonic() + _AWAKE_WITHIN
    while monotonic() < end:
        if names <= stage.tape.newest.keys():
            return
        await asyncio.sleep(0.05)


async def _survive(
    stage: Stage, audience: Audience, one: Break, settling: float
) -> Episode:
    """Break the connection in one way; see the client come back."""
    episode = Episode(one)
    position, asked = len(stage.chronicle.told), stage.asked_again
    began, since = monotonic(), stage.venue_time
    acting = asyncio.create_task(one.act(stage))
    try:
        await _follow(stage, audience, episode, position, began)
        await acting
    except TimeoutError:
        episode.error = f"not ready again within {_READY_WITHIN:g} s"
        audience.restored(episode)
        return episode
    finally:
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        stage.venue.heal()
    episode.asked_again = stage.asked_again - asked
    audience.restored(episode)
    until = stage.venue_time
    if await stage.chronicle.settled(settling):
        episode.settled_after = monotonic() - began
    await _conclude(stage, episode, began, since, until)
    episode.gaps = stage.chronicle.gap_counts(position)
    audience.accounted(episode)
    return episode


async def _follow(
    stage: Stage, audience: Audience, episode: Episode, position: int, began: float
) -> None:
    """Take in what the client tells until it is ready."""
    names = ("disconnected", "reconnecting", "ready")
    async with asyncio.timeout(_READY_WITHIN):
        while True:
            told = await stage.chronicle.next(
                *names, after=position, within=_READY_WITHIN
            )
            position = stage.chronicle.told.index(told) + 1
            if told.name == "ready":
                episode.ready_after = told.at - began
                episode.away = told.notice.downtime_seconds
                episode.wanted = told.subscriptions["wanted"]
                episode.acknowledged = told.subscriptions["acknowledged"]
                return
            if told.name == "reconnecting":
                episode.attempts.append(told.notice)
                audience.trying(episode)
            elif episode.lost is None:
                episode.lost = told.notice
                episode.noticed_after = told.at - began
                audience.noticed(episode)
            else:
                episode.failures.append(told.notice)


async def _conclude(
    stage: Stage, episode: Episode, began: float, since: int, until: int
) -> None:
    """Write down what the client brought back."""
    await stage.client.wait_ready(_DELIVERED_WITHIN)
    first = stage.tape.first_after(stage.chronicle.last("connected").at)
    episode.first_data_after = None if first is None else first - began
    await _delivered(stage, since, until)
    rows = [row for _, row in stage.rows(until, since)]
    episode.missed = sum(row.published for row in rows)
    episode.brought_back = sum(row.delivered for row in rows)
    episode.in_gaps = sum(row.in_gaps for row in rows)


async def _delivered(stage: Stage, since: int, until: int) -> None:
    """Wait for what is still on its way, for a while."""
    end = monotonic() + _DELIVERED_WITHIN
    while monotonic() < end:
        rows = (row for _, row in stage.rows(until, since))
        if all(row.published == row.delivered for row in rows):
            return
        await asyncio.sleep(0.05)


def _states(stage: Stage) -> list[tuple[Feed, float | None]]:
    now = monotonic()
    newest = ((feed, stage.tape.newest.get(feed.name)) for feed in stage.feeds)
    return [
        (feed, None if at is None else now - at)
        for feed, at in newest
        if not feed.stream
    ]


async def _watch(stage: Stage, audience: Audience) -> None:
    while True:
        audience.watching(stage)
        await asyncio.sleep(0.25)
