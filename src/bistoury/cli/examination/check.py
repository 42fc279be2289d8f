"""What one step found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SLOW_DOWN = "too much was asked from this address: wait a minute, then ask less"
NOBODY_LISTENS = (
    "nobody listens there: is the address right, and the venue running? "
    "(`bistoury sim` starts a local one)"
)
NO_PROXY = "no proxy listens there: look at BISTOURY_PROXY, and whether it is running"
HELD_UP = (
    "nothing comes back over a connection that is open: try again, and look for a "
    "proxy, a firewall or a VPN that holds it up"
)
IN_TROUBLE = "the venue answers that it is in trouble itself: wait and try again"
NO_VENUE = (
    "something answers there, but lets nobody in: wait and try again, or look whether "
    "the address is a venue's"
)
NO_WAY = "look for a firewall or a VPN in the way, or name a proxy in BISTOURY_PROXY"
CLOCK = "set this machine's clock, for example with `timedatectl set-ntp true`"
SPELLING = "check the spelling (case counts), and that the network has it"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    is_ok: bool | None
    """``None``: not looked at, because it does not apply or came too late."""
    said: str
    seconds: float | None = None
    advice: str = ""

    def members(self) -> dict[str, Any]:
        """Return it as members of a JSON object."""
        return {
            "name": self.name,
            "ok": self.is_ok,
            "seconds": self.seconds,
            "said": self.said,
            "advice": self.advice or None,
        }
