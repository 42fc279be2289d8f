"""Who is told when data cannot be trusted, and how seldom."""

from __future__ import annotations

from .alerts import Alerts
from .message import Message
from .plan import AlertPlan

__all__ = ["AlertPlan", "Alerts", "Message"]
