"""
A Hyperliquid WebSocket client that comes back by itself.

The names here are public: they stay, and only more are added.
"""

import logging

from .config import Config
from .errors import (
    BistouryError,
    ConfigError,
    ConnectFailedError,
    ConnectionLimitError,
    ConnectionLostError,
    NotSentError,
    OutcomeUnknownError,
    ProtocolError,
    RateLimitedError,
    RequestError,
    SessionClosedError,
    StaleDataError,
    SubscriptionError,
    SubscriptionLimitError,
    SubscriptionRefusedError,
    TransportError,
    WrongLoopError,
)
from .hyperliquid.client import HyperLiquidIntegration
from .resilience import ConnectionCircuitBreaker, MessageSequenceTracker

__version__ = "0.1.0"

__all__ = [
    "BistouryError",
    "Config",
    "ConfigError",
    "ConnectFailedError",
    "ConnectionCircuitBreaker",
    "ConnectionLimitError",
    "ConnectionLostError",
    "HyperLiquidIntegration",
    "MessageSequenceTracker",
    "NotSentError",
    "OutcomeUnknownError",
    "ProtocolError",
    "RateLimitedError",
    "RequestError",
    "SessionClosedError",
    "StaleDataError",
    "SubscriptionError",
    "SubscriptionLimitError",
    "SubscriptionRefusedError",
    "TransportError",
    "WrongLoopError",
    "__version__",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
