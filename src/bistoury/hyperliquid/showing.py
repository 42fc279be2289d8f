"""How a client shows itself: metrics, a page of its own, and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .hearing import Hearing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..alerting import AlertPlan, Alerts
    from ..serving import StatusServer


class Showing(Hearing):
    """Opens windows; nothing behind them decides anything."""

    def get_state(self) -> dict[str, Any]:
        """Return everything there is to see as one document, ``/state.json``'s."""
        return self._window.state()

    def get_incident(self, number: int) -> dict[str, Any] | None:
        """Return the whole account of an incident; ``None`` if it is forgotten."""
        return self._window.incident(number)

    @property
    def metrics_registry(self) -> CollectorRegistry:
        """The client's own Prometheus registry, for an exporter that you have."""
        return self._window.registry

    def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 8766,
        *,
        token: str | None = None,
        allowed_hosts: Iterable[str] = (),
        panels: Iterable[Callable[[], Mapping[str, Any]]] = (),
    ) -> StatusServer:
        """
        Return a server of the status page, ``/metrics``, ``/healthz`` and ``/readyz``.

        Await it, or enter it with ``async with``. It shows the client and changes
        nothing; ``port`` 0 takes a free one, and ``server.url`` says which. ``panels``
        are functions that return further tables for the page.

        Raises:
            ConfigError: an address beyond loopback without a token, or one in use.
        """
        from ..serving import StatusServer  # noqa: PLC0415 -- for those who serve

        return StatusServer(
            self._window,
            host,
            port,
            token=token,
            allowed_hosts=allowed_hosts,
            panels=panels,
        )

    def alerts(
        self,
        *to: str | Callable[[Any], Any],
        plan: AlertPlan | None = None,
        **settings: Any,
    ) -> Alerts:
        """
        Return what tells people of trouble: one message when it begins, one at its end.

        ``to`` are URLs as Apprise reads them (extra ``alerts``), or functions that take
        a message; those are called on a thread. Await it, or enter it with
        ``async with``. ``settings`` are those of ``AlertPlan``.

        Raises:
            ConfigError: a setting is not allowed, or there is nowhere to send to.
        """
        from ..alerting import AlertPlan, Alerts  # noqa: PLC0415 -- for those who ask

        if plan is None:
            try:
                plan = AlertPlan(**settings)
            except TypeError as error:
                raise ConfigError("alerts", ", ".join(settings), str(error)) from None
        elif settings:
            allowed = "nothing beside a plan"
            raise ConfigError("alerts", ", ".join(settings), allowed)
        return Alerts(self._window, plan, to)
