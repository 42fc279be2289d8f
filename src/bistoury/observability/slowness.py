"""A handler that takes its time."""

from __future__ import annotations

import msgspec


class SlowHandler(msgspec.Struct, frozen=True, tag=True):
    """One call of a handler took so long that its messages may be late."""

    handler: str
    seconds: float
    waiting: int
    """Messages that wait for it meanwhile."""

    def __str__(self) -> str:
        return (
            f"handler {self.handler} took {self.seconds:.1f} s,"
            f" {self.waiting} messages wait"
        )
