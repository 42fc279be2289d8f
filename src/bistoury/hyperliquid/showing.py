"""How a client shows itself: metrics, a page of its own, and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .hearing import Hearing

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..serving import StatusServer


class Showing(Hearing):
    """Opens windows; nothing behind them decides anything."""

    def get_state(self) -> dict[str, Any]:
        """Return everything there is to see as one document, ``/state.json``'s."""
        return self._window.state()

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
    ) -> StatusServer:
        """
        Return a server of the status page, ``/metrics``, ``/healthz`` and ``/readyz``.

        Await it, or enter it with ``async with``. It shows the client and changes
        nothing; ``port`` 0 takes a free one, and ``server.url`` says which.

        Raises:
            ConfigError: an address beyond loopback without a token, or one in use.
        """
        from ..serving import StatusServer  # noqa: PLC0415 -- for those who serve

        return StatusServer(
            self._window, host, port, token=token, allowed_hosts=allowed_hosts
        )
