"""
The session: what to do, never how or when.

Nothing in this package performs I/O, reads a clock, sleeps, logs or awaits.
``ruff.toml`` beside this file makes that a lint error, and
``tests/test_architecture.py`` makes it a test failure.
"""

from .backoff import Backoff
from .causes import Cause
from .model import (
    Acknowledged,
    Complaint,
    Inbound,
    Pong,
    Promise,
    Subscription,
    Traits,
    Update,
    VenueError,
)
from .policy import Policy
from .session import Session
from .state import State, Trigger

__all__ = [
    "Acknowledged",
    "Backoff",
    "Cause",
    "Complaint",
    "Inbound",
    "Policy",
    "Pong",
    "Promise",
    "Session",
    "State",
    "Subscription",
    "Traits",
    "Trigger",
    "Update",
    "VenueError",
]
