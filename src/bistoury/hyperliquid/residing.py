"""On which event loop a client lives."""

from __future__ import annotations

import asyncio

from ..errors import WrongLoopError
from .fleet import Fleet
from .waiting import Waiting


class Residing:
    """Settles on a loop when it connects, and refuses calls from elsewhere."""

    _fleet: Fleet
    _waiting: Waiting

    @property
    def _is_going_on(self) -> bool:
        states = {line.session.state for line in self._fleet.lines}
        return not states <= {"idle", "closing", "closed"}

    def _settle_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make ``loop`` the one to live on, unless another one still is."""
        for line in self._fleet.lines:
            current = line.supervisor.loop
            if current is not None and current is not loop and current.is_closed():
                line.supervisor.abandon()
        if self._fleet.is_resting:
            for line in self._fleet.lines:
                line.supervisor.attach(loop)
            self._waiting.clear()
        else:
            self._check_loop()

    def _check_loop(self) -> None:
        """Refuse a call that would race with the client's own loop."""
        loop = self._fleet.lead.supervisor.loop
        if loop is None or not loop.is_running() or self._fleet.is_resting:
            return
        try:
            current = asyncio.get_running_loop()
        except RuntimeError:
            current = None
        if current is not loop:
            raise WrongLoopError(
                "this client lives on another thread or event loop; call it there,"
                " for example with asyncio.run_coroutine_threadsafe(..., loop)"
            )
