"""
The figures of paper trading for Prometheus, beside those of the client.

What is counted is counted when it is told, which is after it was written down; what
stands is read when somebody asks. Counters begin at zero with the engine, as
Prometheus expects, and not with the journal.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from ..observability.addresses import labels
from ..observability.metric_names import PAPER
from ..observability.metrics import family, steadily
from . import events as said
from .accounts import Account
from .degraded import Degraded
from .events import Event
from .venue import PaperVenue

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from ..hyperliquid.client import HyperLiquidIntegration

logger = logging.getLogger(__name__)

MOST_ACCOUNTS = 100
"""With more of them, only the first have figures of their own."""

Values = float | Mapping[tuple[str, ...], float]


class Traded(Protocol):
    """What the figures are read of: a ``PaperTradingEngine``."""

    client: HyperLiquidIntegration

    @property
    def is_ready(self) -> bool:
        """Whether the rules and the time of the venue are known."""

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Every account, by name."""

    @property
    def venue(self) -> PaperVenue:
        """The paper venue, to be looked at."""


class Figures:
    """A collector of one engine; ``now`` gives venue milliseconds."""

    def __init__(self, of: Traded, now: Callable[[], int]) -> None:
        self._of, self._now = of, now
        self._is_shown = False
        self._open: set[int] = set()
        self._orders = self._rejects = 0
        self._fills: Counter[str] = Counter()
        self._degraded = Degraded()
        self._seconds: dict[tuple[str, ...], float] = {}

    def show(self) -> None:
        """Let the client's registry show them, from now on."""
        self._open = {oid for it in self._of.accounts.values() for oid in it.orders}
        try:
            self._of.client.metrics_registry.register(self)
        except ValueError:
            logger.warning("another engine's figures are shown for this client already")
        else:
            self._is_shown = True

    def hide(self) -> None:
        """Let the client's registry forget them; what was counted stays counted."""
        if self._is_shown:
            self._of.client.metrics_registry.unregister(self)
            self._is_shown = False

    def see(self, event: Event) -> None:
        """Hear a fact."""
        match event:
            case said.OrderChanged(order=order):
                self._orders += order.oid not in self._open
                (self._open.add if order.is_live else self._open.discard)(order.oid)
            case said.Rejected():
                self._rejects += 1
            case said.Filled(quality=quality):
                self._fills[quality] += 1
            case _:
                self._degraded.see(event)

    def describe(self) -> Iterator[Metric]:
        """Yield every figure without a value: no two engines may show the same."""
        for name, metric in PAPER.items():
            yield family(name, metric, {})

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; an exporter may ask from a thread of its own."""
        for name, values in steadily(self._values).items():
            yield family(name, PAPER[name], values)

    def _values(self) -> dict[str, Values]:
        accounts = self._of.accounts
        marks = self._of.venue.desk.marks() if self._of.is_ready else {}
        worth = {
            name: float(it.value(marks))
            for name, it in islice(list(accounts.items()), MOST_ACCOUNTS)
        }
        shown = labels(worth)
        return {
            "paper_orders": self._orders,
            "paper_rejects": self._rejects,
            "paper_fills": {(it,): count for it, count in dict(self._fills).items()},
            "paper_degraded_seconds": self._degraded_seconds(),
            "paper_open_orders": sum(len(it.orders) for it in list(accounts.values())),
            "paper_equity": {(shown[it],): value for it, value in worth.items()},
        }

    def _degraded_seconds(self) -> dict[tuple[str, ...], float]:
        if not self._of.is_ready:
            return self._seconds
        for coin, states in self._degraded.spent(self._now()).items():
            for state in ("gap", "stale", *states):
                # What is told lags behind the clock by a write to the disk: the end
                # of a bad time may lie before the last look, and counters only grow.
                before = self._seconds.get((coin, state), 0.0)
                spent = states.get(state, 0) / 1000
                self._seconds[coin, state] = max(before, spent)
        return self._seconds
