"""
What reached the application: every event by its key, every state by its moment.

Keys are read from what was delivered by the venue's ledger's own rules, not by
the client's, so that a client that mixes two events up is found out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ...simulator.ledger import keys_in

Tamper = Callable[[str, str], bool]
"""Given a stream and a key, whether to hide the event: for tests of the proof."""


@dataclass(slots=True)
class Tape:
    """Writes down what handlers are called with."""

    clock: Callable[[], float]
    hides: Tamper
    events: dict[str, Counter[str]] = field(default_factory=dict)
    """For each stream of events, how often each key was delivered."""
    times: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each stream, when (venue ms) each key happened."""
    recovered: dict[str, set[str]] = field(default_factory=dict)
    """For each stream, the keys that came with what fills a gap."""
    newest: dict[str, float] = field(default_factory=dict)
    """For each feed, when its last message came."""
    moments: list[float] = field(default_factory=list)
    """When each message came."""
    messages: int = 0
    mids: dict[str, str] = field(default_factory=dict)

    def listen(self, name: str, user: str = "") -> Callable[[dict[str, Any]], None]:
        """Return the handler of one feed; ``user`` where messages name nobody."""

        def take(message: dict[str, Any]) -> None:
            self.messages += 1
            self.newest[name] = self.clock()
            self.moments.append(self.newest[name])
            if message["channel"] == "allMids":
                self.mids = message["data"]["mids"]
            frame = msgspec.json.encode(message)
            for stream, time, key in keys_in(frame, user):
                if self.hides(stream, key):
                    continue
                self.events.setdefault(stream, Counter())[key] += 1
                self.times.setdefault(stream, {})[key] = time
                if message.get("recovered"):
                    self.recovered.setdefault(stream, set()).add(key)

        return take

    def first_after(self, moment: float) -> float | None:
        """Return when the first message from ``moment`` on came."""
        place = bisect_left(self.moments, moment)
        return self.moments[place] if place < len(self.moments) else None
