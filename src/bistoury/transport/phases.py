"""
Which phase an attempt to connect is in, and when that must be over.

One timer serves all phases: entering one moves it. Whatever hangs is cancelled
by it, and the name of the phase says what hung.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from ..errors import ConnectFailedError


class Phases:
    """The phase of one attempt; each has its own deadline, none passes the total."""

    def __init__(
        self, timer: asyncio.Timeout, limits: Mapping[str, float], total: float
    ) -> None:
        self._timer = timer
        self._limits = limits
        self._now = asyncio.get_running_loop().time
        self._end = self._now() + total
        self._since = self._now()
        self.name = "dns"

    def enter(self, name: str, *, and_then: str | None = None) -> None:
        """Leave the last phase; ``and_then`` is a phase whose start nobody sees."""
        self.name = name
        self._since = self._now()
        limit = self._limits[name]
        if and_then is not None:
            limit += self._limits[and_then]
        self._timer.reschedule(min(self._since + limit, self._end))

    def timed_out(self) -> ConnectFailedError:
        """Return the error that says what hung."""
        took = self._now() - self._since
        return ConnectFailedError(
            self.name, f"{_HUNG[self.name]} within {took:.1f} s", timed_out=True
        )


class UpgradeHeaders:
    """
    Headers that notice when they are sent.

    picows asks for them at the one moment when the way to the peer is open, TLS
    included, and the upgrade is about to be requested. It tells us in no other way.
    """

    def __init__(self, headers: Mapping[str, str], phases: Phases) -> None:
        self._headers = headers
        self._phases = phases

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Enter the phase ``upgrade``; yield the headers."""
        self._phases.enter("upgrade")
        yield from self._headers.items()


_HUNG = {
    "dns": "the name was not resolved",
    "tcp": "no address answered",
    "proxy": "the proxy opened no way",
    "tls": "the TLS handshake was not finished",
    "upgrade": "the upgrade was not answered",
}
