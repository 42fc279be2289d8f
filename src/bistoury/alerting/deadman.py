"""
A sign of life to somebody else, who raises the alarm when it stays away.

What is down cannot say so: a crashed process, a machine without a network. The ping
stays away too while the connection is down; what is merely degraded has its alerts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)

_WITHIN = 10.0


class DeadMan:
    """Asks for a URL regularly, as long as ``is_well`` says so."""

    def __init__(self, url: str, every: float, is_well: Callable[[], bool]) -> None:
        self.sent = 0
        self.failed = 0
        self._url = url
        self._every = every
        self._is_well = is_well

    async def run(self) -> None:
        """Ping until cancelled."""
        import aiohttp  # noqa: PLC0415 -- only who has a switch needs it

        timeout = aiohttp.ClientTimeout(total=_WITHIN)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                if self._is_well():
                    await self._ping(http)
                await asyncio.sleep(self._every)

    async def _ping(self, http: object) -> None:
        import aiohttp  # noqa: PLC0415

        assert isinstance(http, aiohttp.ClientSession)
        try:
            async with http.get(self._url) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failed += 1
            # Without the URL: it is a secret.
            logger.info("the sign of life was not taken: %s", type(error).__name__)
        else:
            self.sent += 1
