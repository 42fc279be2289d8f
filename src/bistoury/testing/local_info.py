"""REST without a network: questions go straight to a venue in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import RequestError
from ..hyperliquid.info import Info
from ..simulator.exchange import Exchange

OPENED = 1_790_000_000.0
"""When a venue in virtual time opens, in seconds since 1970: any time will do."""

_OK = 200


class LocalInfo(Info):
    """Asks ``exchange`` at the moment ``now`` returns."""

    def __init__(self, exchange: Exchange, now: Callable[[], float]) -> None:
        super().__init__("http://127.0.0.1")
        self._exchange = exchange
        self._now = now

    async def request(self, body: dict[str, Any], *, weight: int | None = None) -> Any:
        """Return the venue's answer to ``body``, at once."""
        status, answer = self._exchange.info(body, self._now())
        if status != _OK:
            raise RequestError(str(body.get("type")), str(answer), status)
        return answer
