"""
Whether everything the venue published was delivered once, or declared missing.

Feed it what was delivered and the gaps that were told of; ask it for the account.
Keys and streams are those of the venue's ledger, which delivery never writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..hyperliquid import wire
from ..session import Subscription
from ..session.notices import Gap
from ..simulator.ledger import Ledger, keys_in


class Row(NamedTuple):
    """The account of one stream."""

    stream: str
    published: int
    delivered: int
    """Published events that came, however often."""
    recovered: int
    """Of these, how many came to fill a gap."""
    repeated: int
    in_gaps: int
    """Published, not delivered, and inside a gap that says so."""
    lost: tuple[tuple[int, str], ...]
    """Published, not delivered, and not a word said: (venue ms, key)."""


class Oracle:
    """Keeps the account of one client against one venue's ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._delivered: dict[str, Counter[str]] = defaultdict(Counter)
        self._recovered: Counter[str] = Counter()
        self._gaps: dict[str, list[Gap]] = defaultdict(list)

    def handler(self, user: str = "") -> Callable[[dict[str, Any]], None]:
        """Return a message handler; ``user`` where frames do not say whose they are."""

        def take(message: dict[str, Any]) -> None:
            self.deliver(message, user)

        return take

    def deliver(self, message: dict[str, Any], user: str = "") -> None:
        """Note a message."""
        bare = {"channel": message["channel"], "data": message["data"]}
        for stream, _, key in keys_in(wire.encode(bare), user):
            self._delivered[stream][key] += 1
            self._recovered[stream] += bool(message.get("recovered"))

    def gap(self, gap: Gap) -> None:
        """Note the news of a gap."""
        self._gaps[stream_of(gap.subscription)].append(gap)

    def account(self, stream: str, since: int, until: int) -> Row:
        """Return the account of ``stream`` from ``since`` to ``until``, venue ms."""
        got = self._delivered[stream]
        published = [
            (time, key)
            for time, key in self._ledger.stream(stream, since)
            if time <= until
        ]
        missing = [(time, key) for time, key in published if key not in got]
        lost = tuple(it for it in missing if not self._is_declared(stream, *it))
        return Row(
            stream,
            len(published),
            len(published) - len(missing),
            self._recovered[stream],
            sum(times - 1 for times in got.values()),
            len(missing) - len(lost),
            lost,
        )

    def accounts(self, streams: Iterable[str], since: int, until: int) -> list[Row]:
        """Return the account of each stream."""
        return [self.account(stream, since, until) for stream in streams]

    def _is_declared(self, stream: str, time: int, key: str) -> bool:
        gaps = self._gaps[stream]
        settled = [gap for gap in gaps if gap.status != "open"]
        if len(settled) < len(gaps) - len(settled):
            settled.append(gaps[-1])  # the last one is open still, and says so
        return any(
            (gap.status != "recovered" or self._is_noted(stream, gap, key))
            and (gap.since or 0) <= time <= (gap.until or time)
            for gap in settled
        )

    def _is_noted(self, stream: str, gap: Gap, key: str) -> bool:
        """Whether the note of a recovered gap excuses that a row is missing."""
        if not stream.startswith("orderUpdates:"):
            return bool(gap.note)
        # Transitions before the last one: a later one of the same order came.
        order, _, at, _ = key.split(":")
        return any(
            other.split(":")[0] == order and int(other.split(":")[2]) >= int(at)
            for other in self._delivered[stream]
            if other != key
        )


def stream_of(subscription: Subscription) -> str:
    """Return the name the ledger has for what a subscription carries."""
    names = dict(subscription.params)
    if subscription.feed == "candle":
        return f"candle:{names['coin']},{names['interval']}"
    which = str(names.get("user") or names.get("coin") or "")
    return f"{subscription.feed}:{which}" if which else subscription.feed
