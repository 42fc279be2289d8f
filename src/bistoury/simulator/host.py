"""What the server needs of a venue: the exchange has it, and so has a replay."""

from __future__ import annotations

from typing import Protocol

from .conduct import Conduct
from .faults import AnyFault, What
from .ledger import Ledger
from .outputs import Output, Refusal
from .settings import Settings


class Host(Protocol):
    """A pure venue, as the server drives it."""

    settings: Settings
    conduct: Conduct
    ledger: Ledger
    counters: dict[str, int]

    @property
    def next_at(self) -> float:
        """When something is due."""

    def connect(self, now: float, address: str = ...) -> int | Refusal:
        """Open a connection."""

    def receive(self, connection_id: int, frame: bytes, now: float) -> None:
        """Take a client's frame."""

    def disconnect(self, connection_id: int, now: float) -> None:
        """Hear that a client went away."""

    def advance(self, now: float) -> None:
        """Run up to now."""

    def take_output(self) -> list[Output]:
        """Return what is to be done."""

    def info(self, body: object, now: float, address: str = ...) -> tuple[int, object]:
        """Answer a REST request."""

    def subscriptions(self) -> dict[int, set[str]]:
        """Return what each connection holds."""

    def inject(self, fault: AnyFault, now: float, lasts: float | None = ...) -> int:
        """Switch a fault on."""

    def heal(self, now: float, number: int | None = ...) -> None:
        """Switch faults off."""

    def is_mute(self, connection_id: int, what: What = ...) -> bool:
        """Tell whether control frames are kept from a client."""

    def is_deaf(self, connection_id: int) -> bool:
        """Tell whether a client's frames are kept from us."""
