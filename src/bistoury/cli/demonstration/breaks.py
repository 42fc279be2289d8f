"""The eight ways in which the connection is broken."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ...simulator import AnyFault
from ...simulator.faults import Cut, DropAcks, Refuse, Silent
from .stage import Stage

Act = Callable[[Stage], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Break:
    """One way to lose a connection."""

    name: str
    title: str
    what: str
    """What the venue, or the network, does."""
    act: Act


def _inject(*faults: AnyFault) -> Act:
    async def act(stage: Stage) -> None:
        for fault in faults:
            stage.inject(fault)

    return act


async def _half_open(stage: Stage) -> None:
    """Silence the connection that is open, both ways; a new one works."""
    stage.inject(Silent(connection=_open_connection(stage)))


async def _data_stops(stage: Stage) -> None:
    number = _open_connection(stage)
    stage.inject(Silent(connection=number, direction="out", what=("data",)))


def _open_connection(stage: Stage) -> int:
    return max(stage.venue.exchange.subscriptions())


async def _maintenance(stage: Stage) -> None:
    """Turn three attempts away, each in another manner."""
    chronicle = stage.chronicle
    position = len(chronicle.told)
    stage.inject(Refuse(how="tcp"))
    stage.inject(Cut(how="rst"))
    await chronicle.next("disconnected", after=position)
    for fault in (Refuse(status=503), Refuse(status=429, retry_after=1.0), None):
        position = len(chronicle.told)
        await chronicle.next("disconnected", after=position)
        stage.venue.heal()
        if fault is not None:
            stage.inject(fault)


async def _lose_answers(stage: Stage) -> None:
    """Cut, and keep the answers to the requests that follow from coming."""
    position = len(stage.chronicle.told)
    number = stage.inject(DropAcks(method="subscribe"))
    stage.inject(Cut(how="eof"))
    # "Already subscribed" is no acknowledgement, so the second request is answered.
    await stage.chronicle.next("ready", after=position)
    stage.venue.heal(number)


BREAKS = (
    Break(
        "reset",
        "TCP reset",
        "the connection is reset under way",
        _inject(Cut(how="rst")),
    ),
    Break(
        "eof",
        "End of file",
        "the venue hangs up without a close frame",
        _inject(Cut(how="eof")),
    ),
    Break(
        "rotation",
        'Close 1000 "Expired"',
        "the venue ends an old connection, politely",
        _inject(Cut(how="close", code=1000, reason="Expired")),
    ),
    Break(
        "rate_limit",
        'Close 1008 "Too many requests"',
        "the venue says we ask too much",
        _inject(Cut(how="close", code=1008, reason="Too many requests")),
    ),
    Break(
        "half_open",
        "Half-open",
        "nothing passes any more, either way, and nobody says so",
        _half_open,
    ),
    Break(
        "data_stops",
        "Data stops",
        "the connection answers pings, but carries no data",
        _data_stops,
    ),
    Break(
        "maintenance",
        "Maintenance",
        "reset; then refused, HTTP 503, and 429 with Retry-After: 1",
        _maintenance,
    ),
    Break(
        "lost_answers",
        "Lost acknowledgements",
        "cut, and nothing is acknowledged then",
        _lose_answers,
    ),
)
