"""
Whether this process slept.

A laptop that was shut or a process that was stopped finds its connection in an
unknown state; so does one whose loop was blocked. Two signs: a tick that comes
late, and a wall clock that moved differently from the monotonic one. Neither
proves anything, a stepped clock shows the same, so they only lead to a question.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


def venue_time(
    now: float, wall: float, least_delay: float, server_offset: float | None
) -> int:
    """
    Return the venue's time in milliseconds, as far as it is known.

    By its data (``least_delay``: our time less its at best; infinity: unknown), else by
    what its server said the time is; where it says nothing, by the ``wall`` clock here,
    which may show anything. What goes in is in seconds.
    """
    if least_delay < inf:
        return int((now - least_delay) * 1000)
    if server_offset is not None:
        return int((now + server_offset) * 1000)
    return int(wall * 1000)


@dataclass(slots=True)
class Clocks:
    """Compares the clocks at every tick, and grants a grace while asking."""

    grace_until: float = -inf
    """Until then nothing expires: answers may be waiting to be read."""
    jump: float = 0.0
    """How far the wall clock ran ahead of the monotonic one at the last tick."""
    _offset: float | None = None
    _probed_at: float = inf

    @property
    def is_probing(self) -> bool:
        """Whether a question is open."""
        return self._probed_at < inf

    @property
    def offset(self) -> float:
        """Seconds to add to the monotonic clock to get the time of day."""
        return self._offset or 0.0

    def observe(self, now: float, wall: float) -> None:
        """Compare the clocks."""
        offset = wall - now
        self.jump = 0.0 if self._offset is None else offset - self._offset
        self._offset = offset

    def probe(self, now: float, timeout: float) -> None:
        """Open a question; nothing expires until ``timeout`` seconds have passed."""
        self._probed_at, self.grace_until = now, now + timeout

    def settle(self, answered_at: float) -> bool:
        """
        Close the question; return whether it was answered since it was asked.

        Frames prove nothing: they may have waited in a buffer since before the nap.
        """
        asked_at, self._probed_at = self._probed_at, inf
        return answered_at >= asked_at

    def stop(self) -> None:
        """Forget the question: the connection it was about is gone."""
        self._probed_at, self.grace_until = inf, -inf
