"""
On which event loop a client lives, and how its verbs get there.

Ordinarily that is its user's own loop. With a thread for input and output it is
the loop of that thread: verbs go there, and handlers are called where the user is.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..errors import WrongLoopError
from ..io_thread import IoThread
from .fleet import Fleet
from .waiting import Waiting

Params = ParamSpec("Params")
Result = TypeVar("Result")
Client = TypeVar("Client", bound="Residing")
Verb = Callable[Concatenate[Client, Params], Coroutine[Any, Any, Result]]
PlainVerb = Callable[Concatenate[Client, Params], Result]


def at_home(verb: Verb[Client, Params, Result]) -> Verb[Client, Params, Result]:
    """Run a coroutine method on the loop that the client lives on."""

    @wraps(verb)
    async def go(
        self: Client, /, *args: Params.args, **kwargs: Params.kwargs
    ) -> Result:
        io = self._io
        if io is None or not io.is_elsewhere:
            return await verb(self, *args, **kwargs)
        self._check_loop()
        return await io.run(verb(self, *args, **kwargs))

    return go


def at_home_now(
    verb: PlainVerb[Client, Params, Result],
) -> PlainVerb[Client, Params, Result]:
    """Run a plain method in the thread that the client lives in."""

    @wraps(verb)
    def go(self: Client, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        io = self._io
        if io is None or not io.is_elsewhere:
            return verb(self, *args, **kwargs)
        self._check_loop()
        return io.call(lambda: verb(self, *args, **kwargs))

    return go


class Residing:
    """Settles on a loop when it connects, and refuses calls from elsewhere."""

    _fleet: Fleet
    _waiting: Waiting
    _io: IoThread | None

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
        allowed = [loop] if self._io is None else [loop, self._io.home_loop]
        try:
            current = asyncio.get_running_loop()
        except RuntimeError:
            current = None
        if current not in allowed:
            raise WrongLoopError(
                "this client lives on another thread or event loop; call it there,"
                " for example with asyncio.run_coroutine_threadsafe(..., loop)"
            )

    async def _run_at_home(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await ``work`` where the client lives, from the first question on."""
        io = self._io
        if io is None or io.is_current:
            return await work
        if not io.is_running:
            io.start(asyncio.get_running_loop())
        return await io.run(work)

    @abstractmethod
    def _abandoned(self) -> None:
        """Hear, in the thread for input and output, that the user's loop is gone."""
