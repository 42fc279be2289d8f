"""
``bistoury paper``: paper trading from the terminal.

``start`` runs the engine and its server; all others ask that server, or read its
journal when it does not run. ``parity`` reads a recording.
"""

from __future__ import annotations

from .asking_why import explain, report
from .comparing import parity
from .looking import orders, status
from .start import start
from .trading import buy, cancel, reset, sell

COMMANDS = (start, status, orders, buy, sell, cancel, report, explain, parity, reset)
"""In the order of their help."""

__all__ = ["COMMANDS"]
