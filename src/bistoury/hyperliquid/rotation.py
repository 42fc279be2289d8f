"""
Connections are replaced before the venue ends them: make before break.

The replacement first carries everything, as one more line of the group, so that
whichever is first delivers; only when it is proven does the old line go. Nothing is
lost, nothing is read again, and nothing is told but that it happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from ..errors import ConfigError
from ..observability.rotated import Rotated
from ..session import Cause, State
from ..session import events as on
from ..session import notices as heard
from ..session.notices import Notice
from .claims import Claims
from .fleet import RESTING, Fleet
from .group import Group
from .line import Line

RotateAfter = float | Literal["observed"] | None

_SHARE = 0.9
"""How much of the shortest observed lifetime a connection may use."""
_SIGHTINGS = 2
_LONG_ENOUGH = 300.0
"""Seconds below which an end is trouble and no lifetime."""
_PATIENCE = 60.0
"""Seconds in which a replacement has to prove itself."""
_OVERLAP = 10.0
"""Seconds for which the old line may be behind the new one, and still be heard."""
_PAUSE = 60.0
"""Seconds before the next try after one that failed."""


@dataclass(slots=True)
class _Relief:
    """A line that is to go, and the one that is to take its place."""

    group: Group
    old: Line
    new: Line
    since: float
    proven_at: float = inf
    """When the new line had everything, and the old one had shown that it did too."""
    connection: int = 0
    """The connection of the new line over which the last proof was asked for."""
    ping: int = 0
    """The ping that is the last proof; 0: not sent yet."""

    def prove(self) -> bool:
        """Let the new line show that it is alive to the end; return whether it has."""
        session = self.new.session
        if self.connection != session.connection_id:
            self.connection, self.ping = session.connection_id, 0
        self.ping = self.ping or self.new.ping()
        return 0 < self.ping <= session.conversation.liveness.pongs


@dataclass(slots=True)
class Rotation:
    """Replaces one line at a time, of one client."""

    after: RotateAfter
    fleet: Fleet
    claims: Claims
    start: Callable[[Line], None]
    """Opens the connection of a new line."""
    may_go: Callable[[Line], bool]
    """Whether a line has nothing under way that only it can end."""
    tell: Callable[[Line, Line, Rotated], None]
    """Hears which line made room, and which took over."""
    _lifetimes: deque[float] = field(default_factory=lambda: deque(maxlen=5))
    _relief: _Relief | None = None
    _retired: list[Line] = field(default_factory=list)
    _paused_until: float = 0.0

    def __post_init__(self) -> None:
        after = self.after
        is_number = isinstance(after, int | float) and not isinstance(after, bool)
        if after in (None, "observed") or (is_number and 0 < float(after) < inf):
            return
        allowed = "a number of seconds above 0, 'observed' or None"
        raise ConfigError("rotate_after", after, allowed)

    @property
    def lines(self) -> list[Line]:
        """Lines on their way out."""
        return list(self._retired)

    @property
    def limit(self) -> float | None:
        """How long a connection may last, in seconds, as far as that is known."""
        if self.after != "observed":
            return self.after
        if len(self._lifetimes) < _SIGHTINGS:
            return None
        return min(self._lifetimes) * _SHARE

    def is_backstage(self, line: Line) -> bool:
        """Whether what a line says of itself is nobody's business yet, or any more."""
        relief = self._relief
        return (relief is not None and line is relief.new) or line in self._retired

    def observe(self, notice: Notice) -> None:
        """Learn how long the venue lets connections live."""
        match notice:
            case heard.Disconnected(cause=Cause.SERVER_ROTATION, uptime_seconds=lived):
                if lived >= _LONG_ENOUGH:
                    self._lifetimes.append(lived)
            case _:
                pass

    def ticked(self, now: float) -> None:
        """Take the next step, about once a second."""
        self._retired = [
            line for line in self._retired if line.session.state not in RESTING
        ]
        if self._relief is not None:
            self._look_after(self._relief, now)
        elif self.limit is not None and now >= self._paused_until:
            self._begin(self.limit, now)

    def stop(self) -> None:
        """Forget what was under way: the client goes."""
        if self._relief is not None:
            self._retire(self._relief, self._relief.new)

    def _begin(self, limit: float, now: float) -> None:
        for group in self.fleet.groups:
            for line in group.lines:
                if _age(line, now) >= limit and all(map(group.is_proven, group.lines)):
                    if self.claims.double(group.wanted):
                        new = self.fleet.relieve(group)
                        self._relief = _Relief(group, line, new, now)
                        self.start(new)
                    else:
                        self._paused_until = now + _PAUSE
                    return

    def _look_after(self, relief: _Relief, now: float) -> None:
        if relief.group not in self.fleet.groups or not relief.group.wanted:
            self._retire(relief, relief.new)
        elif relief.group.coverage.has_open_gaps:
            pass  # whoever opened a gap must stay to close it
        elif relief.group.is_proven(relief.new) and self.may_go(relief.old):
            relief.proven_at = min(relief.proven_at, now)
            if now - relief.proven_at < _OVERLAP or not relief.prove():
                return
            before, after = relief.old.session, relief.new.session
            lived = _age(relief.old, now)
            news = Rotated(before.connection_id, after.connection_id, lived)
            relief.group.succeed(relief.old, relief.new)
            self._retire(relief, relief.old)
            self.tell(relief.old, relief.new, news)
        elif now - relief.since > _PATIENCE and relief.group.is_proven(relief.old):
            self._paused_until = now + _PAUSE
            self._retire(relief, relief.new)

    def _retire(self, relief: _Relief, line: Line) -> None:
        self._relief = None
        self._retired.append(line)
        relief.group.lines.remove(line)
        relief.group.coverage.drop(line)
        self.claims.undouble()
        line.supervisor.feed(on.CloseRequested())


def _age(line: Line, now: float) -> float:
    session = line.session
    return now - session.opened_at if session.state is State.LIVE else 0.0
