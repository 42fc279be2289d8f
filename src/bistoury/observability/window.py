"""What outsiders may look through: servers, terminals and alerts read a client here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..session.notices import Notice
from . import snapshot
from .chronicle import Chronicle
from .health import View
from .incidents import Moment
from .tally import Tally
from .verdict import Verdict

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


Result = TypeVar("Result")


class Window:
    """
    Reads one client; changes nothing.

    ``at_home`` runs what it is given where the client lives, which may be a thread of
    its own: whoever looks sees one moment, and no half-made change.
    """

    def __init__(
        self,
        view: Callable[[], View],
        about: snapshot.About,
        chronicle: Chronicle,
        tally: Tally,
        at_home: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._view = view
        self._at_home = at_home
        self.about = about
        self.chronicle = chronicle
        self.tally = tally
        self._registry: CollectorRegistry | None = None

    def moment(self) -> Moment:
        """Return now."""
        return self.chronicle.clock()

    def read(self, work: Callable[[View], Result]) -> Result:
        """Return what ``work`` makes of all there is to see."""
        found: Result = self._at_home(lambda: work(self._view()))
        return found

    def look(self) -> Verdict:
        """Decide anew how things stand: nothing else does while there is no tick."""
        verdict: Verdict = self._at_home(self.chronicle.look)
        return verdict

    def state(self) -> dict[str, Any]:
        """Return everything, as one document."""
        document: dict[str, Any] = self.read(
            lambda view: snapshot.snapshot(view, self.about, self.chronicle)
        )
        return document

    def glance(self) -> dict[str, Any]:
        """Return the verdict, and whether all is ready."""
        return self.read(lambda view: snapshot.glance(view, self.about))

    def incident(self, number: int) -> dict[str, Any] | None:
        """Return the whole account of an incident, if it is remembered."""
        account: dict[str, Any] | None = self._at_home(lambda: self._account(number))
        return account

    def _account(self, number: int) -> dict[str, Any] | None:
        found = self.chronicle.incidents.find(number)
        if found is None:
            return None
        return {"v": snapshot.VERSION, **found.account(self.moment().now)}

    def last_outage(self) -> dict[str, Any] | None:
        """Return the account of the newest outage, if there was one."""
        outages = [it for it in self.chronicle.incidents if it.kind == "outage"]
        return self.incident(outages[-1].number) if outages else None

    @property
    def registry(self) -> CollectorRegistry:
        """The client's own registry of metrics, made when first asked for."""
        if self._registry is None:
            from .metrics import registry_of  # noqa: PLC0415 -- prometheus-client

            self._registry = registry_of(
                self.read,
                self.tally,
                self.chronicle,
                self.about.version,
            )
        return self._registry

    def metrics(self) -> tuple[bytes, str]:
        """Return all figures as Prometheus reads them, and their content type."""
        from .metrics import exposition  # noqa: PLC0415 -- prometheus-client

        return exposition(self.registry)

    def listen(
        self, listener: Callable[[Verdict, Notice | None], None]
    ) -> Callable[[], None]:
        """Hear of every change at once, on the loop that runs now; return its end."""
        loop = asyncio.get_running_loop()
        is_over = False

        def hear(verdict: Verdict, notice: Notice | None) -> None:
            if not is_over:
                listener(verdict, notice)

        def pass_on(verdict: Verdict, notice: Notice | None) -> None:
            try:
                is_here = asyncio.get_running_loop() is loop
            except RuntimeError:
                is_here = False
            if is_here:
                hear(verdict, notice)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(hear, verdict, notice)

        self.chronicle.changed.append(pass_on)

        def stop() -> None:
            nonlocal is_over
            is_over = True
            if pass_on in self.chronicle.changed:
                self.chronicle.changed.remove(pass_on)

        return stop
