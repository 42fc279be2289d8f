"""A gap of one line, and whom it is trusted to: the records of ``coverage``."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from ..session import Subscription
from ..session import effects as do
from ..session.notices import Gap
from .line import Line


@dataclass(slots=True, eq=False)
class Cover:
    """A gap of one line, while another one is trusted to have filled it."""

    line: Line
    gap: Gap
    by: Line
    by_connection: int
    since: int
    """From when on something may be missing, in venue milliseconds."""
    connection: int = 0
    """Over which ``line`` carries the feed again, so that ``by`` can prove it; or 0."""
    asked_at: float = inf
    """Since when it can be proven."""
    doubted_at: float = inf
    """When the line was last doubted before that: a later doubt needs another proof."""
    ping: int = 0
    """The ping whose answer is the proof; 0: not sent yet."""
    is_proven: bool = False
    reads: list[do.Backfill] = field(default_factory=list)
    """What ``line`` wants to read, unless it is proven to be needless."""
    settled: Gap | None = None
    """How ``line`` ended the gap by itself, if it could not be recovered there."""

    @property
    def subscription(self) -> Subscription:
        """The feed it is about."""
        return self.gap.subscription

    def is_over(self) -> bool:
        """Whether the line went away once more, with the gap still open."""
        now = self.line.session.connection_id
        return self.settled is None and self.connection not in (0, now)

    def ask(self) -> None:
        """Let it be proven from now on."""
        self.connection = self.line.session.connection_id
        self.asked_at = self.line.supervisor.now()
        self.doubted_at = self._doubted_at

    def is_doubted(self) -> bool:
        """Whether the line has lost something more since the proof was asked for."""
        is_asked = self.connection and self.settled is None
        return bool(is_asked) and self._doubted_at > self.doubted_at

    def renew(self) -> None:
        """Have it proven once more."""
        self.ping, self.is_proven = 0, False
        self.ask()

    def begin_anew(self) -> None:
        """Start over."""
        self.connection, self.asked_at = 0, inf
        self.ping, self.is_proven = 0, False
        self.reads.clear()

    @property
    def _doubted_at(self) -> float:
        entry = self.line.session.registry.entries.get(self.subscription)
        return -inf if entry is None or entry.gap is None else entry.gap.granted_at


@dataclass(slots=True)
class Told:
    """A gap that users were told of."""

    gap: Gap
    at: float
    """When, in the session's time."""
    asked: int = 0
    """How often a line was asked to make good all of it."""

    @property
    def since(self) -> int:
        """From when on something is missing, in venue milliseconds."""
        return begin(self.gap)


def begin(gap: Gap) -> int:
    """Return when a gap begins, in venue milliseconds."""
    return gap.since or 0


def end(gap: Gap) -> int:
    """Return when a gap ends, in venue milliseconds; 0: not yet."""
    return gap.until or 0
