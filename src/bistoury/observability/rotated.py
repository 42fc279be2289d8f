"""A connection that was replaced before the venue could end it."""

from __future__ import annotations

import msgspec


class Rotated(msgspec.Struct, frozen=True, tag=True):
    """Another connection took over, with everything wanted proven on it."""

    old_connection_id: int
    connection_id: int
    uptime_seconds: float
    """How long the old one lived."""

    def __str__(self) -> str:
        return (
            f"connection {self.connection_id} took over from"
            f" {self.old_connection_id} after {self.uptime_seconds:.0f} s"
        )
