"""What outsiders may look through: servers, terminals and alerts read a client here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..session.notices import Notice
from . import snapshot
from .chronicle import Chronicle
from .health import View
from .incidents import Moment
from .tally import Tally
from .verdict import Verdict

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Window:
    """Reads one client; changes nothing. Call it on the client's loop."""

    def __init__(
        self,
        view: Callable[[], View],
        about: snapshot.About,
        chronicle: Chronicle,
        tally: Tally,
    ) -> None:
        self.view = view
        self.about = about
        self.chronicle = chronicle
        self.tally = tally
        self._registry: CollectorRegistry | None = None

    def moment(self) -> Moment:
        """Return now."""
        return self.chronicle.clock()

    def look(self) -> Verdict:
        """Decide anew how things stand: nothing else does while there is no tick."""
        return self.chronicle.look()

    def state(self) -> dict[str, Any]:
        """Return everything, as one document."""
        wall = self.moment().wall
        document: dict[str, Any] = snapshot.snapshot(
            self.view(), self.about, self.chronicle, wall
        )
        return document

    def glance(self) -> dict[str, Any]:
        """Return the verdict, and whether all is ready."""
        return snapshot.glance(self.view(), self.about)

    def incident(self, number: int) -> dict[str, Any] | None:
        """Return the whole account of an incident, if it is remembered."""
        found = self.chronicle.incidents.find(number)
        if found is None:
            return None
        return {"v": snapshot.VERSION, **found.account(self.moment().now)}

    @property
    def registry(self) -> CollectorRegistry:
        """The client's own registry of metrics, made when first asked for."""
        if self._registry is None:
            from .metrics import registry_of  # noqa: PLC0415 -- prometheus-client

            self._registry = registry_of(
                self.view,
                self.tally,
                self.chronicle,
                lambda: self.moment().wall,
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
        """Hear at once of every change; return what ends that."""
        self.chronicle.changed.append(listener)

        def stop() -> None:
            if listener in self.chronicle.changed:
                self.chronicle.changed.remove(listener)

        return stop
