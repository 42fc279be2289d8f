"""The client's life-cycle events, with their moments, to be waited for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .proof import Declared

NAMES = (
    *("connected", "ready", "disconnected", "reconnecting"),
    *("degraded", "down", "gap"),
)


class Told(NamedTuple):
    """One event: when it came, its name, and what the client said."""

    at: float
    name: str
    notice: Any
    subscriptions: dict[str, int]
    """How the subscriptions stood at that moment."""


@dataclass(slots=True)
class Chronicle:
    """Writes down every event of one client."""

    client: Any
    clock: Callable[[], float]
    told: list[Told] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        for name in NAMES:
            self.client.on(name, self._listener(name))

    def _listener(self, name: str) -> Callable[[Any], None]:
        def tell(notice: Any) -> None:
            standing = self.client.get_reconnection_stats()["subscriptions"]
            self.told.append(Told(self.clock(), name, notice, standing))
            self._changed.set()

        return tell

    async def next(self, *names: str, after: int, within: float = 30.0) -> Told:
        """
        Return the first event of one of these names from position ``after`` on.

        Raises:
            TimeoutError: there was none ``within`` so many seconds.
        """
        async with asyncio.timeout(within):
            while True:
                for told in self.told[after:]:
                    if told.name in names:
                        return told
                self._changed.clear()
                await self._changed.wait()

    def last(self, name: str) -> Told:
        """Return the newest event of a name; there must be one."""
        return [told for told in self.told if told.name == name][-1]

    async def settled(self, within: float) -> bool:
        """Wait until no gap is open; return whether that came about in time."""
        try:
            async with asyncio.timeout(within):
                while any(gap.status == "open" for gap in self._gaps().values()):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def gap_counts(self, after: int) -> Counter[str]:
        """Return how many gaps were told of from a position on, by how they stand."""
        return Counter(gap.status for gap in self._gaps(after).values())

    def declared(self) -> list[Declared]:
        """
        Return where something may be missing, by the client's own word.

        That is in gaps that are open, that cannot be filled, or that were filled
        as far as the venue's history goes: then a note says what it leaves out.
        """
        return [
            Declared(stream, gap.since, gap.until, gap.note)
            for (stream, _), gap in self._gaps().items()
            if gap.status != "recovered" or gap.note
        ]

    def _gaps(self, after: int = 0) -> dict[tuple[str, int | None], Any]:
        """Return the last word on each gap."""
        told = (it.notice for it in self.told[after:] if it.name == "gap")
        return {(stream_of(it.subscription.fields), it.since): it for it in told}


def stream_of(fields: dict[str, Any]) -> str:
    """Return the ledger's name of what a subscription carries."""
    about = ("coin", "user", "interval")
    return f"{fields['type']}:" + ",".join(
        str(fields[name]) for name in about if name in fields
    )
