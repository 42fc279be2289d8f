"""
The local venue: the other side, for tests, demonstrations and trials.

It shares no protocol code with the client, so that a misreading of the protocol
cannot be made twice and cancel out.
"""

from __future__ import annotations

from .exchange import Exchange
from .faults import AnyFault
from .ledger import Ledger, keys_in
from .outputs import Abort, Close, Output, Refusal, Send
from .plan import FaultPlan, Step, read_fault
from .replay import Replay
from .server import Venue
from .settings import DEFAULT_COINS, Cadences, Limits, Settings, many_coins

__all__ = [
    "DEFAULT_COINS",
    "Abort",
    "AnyFault",
    "Cadences",
    "Close",
    "Exchange",
    "FaultPlan",
    "Ledger",
    "Limits",
    "Output",
    "Refusal",
    "Replay",
    "Send",
    "Settings",
    "Step",
    "Venue",
    "keys_in",
    "many_coins",
    "read_fault",
]
