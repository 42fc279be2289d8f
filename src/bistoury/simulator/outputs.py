"""What the exchange wants done to its connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message; ``rate`` is bytes per second, None as fast as it goes."""

    connection_id: int
    frame: bytes
    binary: bool = False
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Send a close frame and end the connection."""

    connection_id: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """End the connection without a close frame."""

    connection_id: int
    how: Literal["rst", "eof"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Why there is no connection.

    ``status`` is the HTTP status; 0 means no HTTP answer at all: ``body`` is then
    ``tcp``, ``close``, ``rst`` or ``hang``.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


Output = Send | Close | Abort
