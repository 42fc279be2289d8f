"""
The demonstration: a local venue, a client, eight broken connections, a proof.

Nothing here pretends: what broke is done to the venue, what happened is told by
the client's events, and what was published is read from the venue's own ledger.
"""

from __future__ import annotations

from .breaks import BREAKS, Break
from .play import FAST, Outcome, Pace, play

__all__ = ["BREAKS", "FAST", "Break", "Outcome", "Pace", "play"]
