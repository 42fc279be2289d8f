"""Which faults are active now, and what they decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from .faults import (
    EVERYTHING,
    AnyFault,
    Fault,
    LinkFault,
    RefuseSubscriptions,
    Rest,
    Silent,
    What,
    concerns,
)
from .plan import FaultPlan

NEVER = 1 << 62

Kind = TypeVar("Kind", bound=Fault)


class Active(NamedTuple):
    """A fault that is on, from ``since`` to ``until`` (ms)."""

    number: int
    fault: AnyFault
    since: int
    until: int


class Conduct:
    """How the venue behaves: what a plan and commands have switched on."""

    def __init__(self, plan: FaultPlan | None = None) -> None:
        self._plan = plan or FaultPlan()
        self._origin: int | None = None
        self._next_step = 0
        self._numbers = 0
        self._active: list[Active] = []
        self._counts: dict[int, int] = {}
        # Read on every frame: what acts on a connection's way out.
        self.on_links: list[Active] = []

    def begin(self, now: int) -> None:
        """Start the plan's timeline, once."""
        if self._origin is None:
            self._origin = now

    @property
    def next_at(self) -> int:
        """When (ms) a fault begins or ends."""
        ends = min((item.until for item in self._active), default=NEVER)
        steps = self._plan.steps
        if self._origin is None or self._next_step >= len(steps):
            return ends
        return min(ends, self._origin + int(steps[self._next_step].at * 1000))

    @property
    def active(self) -> list[Active]:
        """What is on, oldest first."""
        return list(self._active)

    def begun(self, now: int) -> list[Active]:
        """Take up the plan's faults that begin by ``now``."""
        fresh: list[Active] = []
        steps = self._plan.steps
        while self._origin is not None and self._next_step < len(steps):
            step = steps[self._next_step]
            if self._origin + int(step.at * 1000) > now:
                break
            self._next_step += 1
            fresh.append(self.add(step.fault, now, step.lasts))
        return fresh

    def add(self, fault: AnyFault, now: int, lasts: float | None) -> Active:
        """Switch a fault on for ``lasts`` seconds; None is until healed."""
        self._numbers += 1
        until = NEVER if lasts is None else now + int(lasts * 1000)
        item = Active(self._numbers, fault, now, until)
        self._active.append(item)
        self._sort()
        return item

    def ended(self, now: int) -> list[Active]:
        """Switch off and return what ends by ``now``."""
        return self._drop([item for item in self._active if item.until <= now])

    def heal(self, number: int | None = None) -> list[Active]:
        """Switch off and return one fault, or all; a plan goes on."""
        return self._drop(
            [item for item in self._active if number in {None, item.number}]
        )

    def forget(self, item: Active) -> None:
        """Remove a fault that acted once."""
        self._drop([item])

    def all(self, kind: type[Kind], connection: int | None = None) -> Iterator[Kind]:
        """Yield the active faults of a kind, about a connection."""
        for item in self._active:
            fault = item.fault
            if isinstance(fault, kind) and (
                connection is None or concerns(fault, connection)
            ):
                yield fault

    def first(self, kind: type[Kind], connection: int | None = None) -> Kind | None:
        """Return the first active fault of a kind."""
        return next(self.all(kind, connection), None)

    def hears(self, connection: int) -> bool:
        """Tell whether what this client sends arrives."""
        return not any(
            fault.direction != "out" and fault.what == EVERYTHING
            for fault in self.all(Silent, connection)
        )

    def speaks(self, connection: int, what: What = "pong") -> bool:
        """Tell whether a control frame, say, would reach this client."""
        return not any(
            fault.direction != "in" and what in fault.what and fault.type is None
            for fault in self.all(Silent, connection)
        )

    def refuses(self, kind: str, coin: str, text: str, connection: int) -> str | None:
        """Return the error text that answers a subscribe, if one does."""
        for item in self._active:
            fault = item.fault
            if (
                not isinstance(fault, RefuseSubscriptions)
                or not concerns(fault, connection)
                or fault.type not in {None, kind}
                or fault.coin not in {None, coin}
            ):
                continue
            count = self._counts[item.number] = self._counts.get(item.number, 0) + 1
            if count % max(fault.every, 1) == 0:
                return fault.text.replace("{subscription}", text)
        return None

    def rest(self, kind: str) -> Rest | None:
        """Return the fault that answers an info request of this type."""
        for fault in self.all(Rest):
            if not fault.types or kind in fault.types:
                return fault
        return None

    def _drop(self, gone: list[Active]) -> list[Active]:
        if gone:
            numbers = {item.number for item in gone}
            kept = [item for item in self._active if item.number not in numbers]
            self._active = kept
            self._sort()
        return gone

    def _sort(self) -> None:
        self.on_links = [
            item for item in self._active if isinstance(item.fault, LinkFault)
        ]
