"""
When all of a client is ready, of which each connection knows only a part.

What a line says of its own readiness is passed on when nothing is missing any more,
with figures for the whole; until then it is nobody's business.
"""

from __future__ import annotations

from ..session import State
from ..session import notices as heard
from ..session.notices import Notice
from .fleet import Fleet


class Readiness:
    """Hears every line; says when all of them together are ready."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._was_live = False
        self._is_owed = False
        """Whether being live ended, and nobody was told of its return."""
        self._away_since: float | None = None

    def hear(
        self, notice: Notice, now: float, *, is_backstage: bool
    ) -> heard.Ready | None:
        """Take what a line says; return what to tell if everything is ready now."""
        if isinstance(notice, heard.StateChanged):
            self._look(now)
        match notice:
            case heard.Ready():
                may_tell = self._is_owed or not is_backstage
            case heard.StateChanged(new=State.CLOSED):
                may_tell = self._is_owed  # all that was missing may be unwanted now
            case _:
                may_tell = False
        if not may_tell or not self._fleet.is_proven:
            return None
        # A line that others stood in for was missed by nobody: no time was lost.
        away = 0.0 if self._away_since is None else now - self._away_since
        self._is_owed, self._away_since = False, None
        session = self._fleet.lead.session
        number = getattr(notice, "connection_id", session.connection_id)
        restored = sum(entry.is_held for entry in self._fleet.entries().values())
        return heard.Ready(number, restored, away)

    def _look(self, now: float) -> None:
        is_live = self._fleet.is_live
        if self._fleet.is_resting:
            self._is_owed, self._away_since = False, None
        elif not is_live and (self._was_live or self._away_since is None):
            self._is_owed, self._away_since = True, now
        self._was_live = is_live
