"""
A Hyperliquid WebSocket client that comes back by itself.

The names here are public: they stay, and only more are added. What is behind them is
imported when first asked for: the command line wants to be interruptible at once.
"""

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "Config": "config",
    "ConnectionCircuitBreaker": "resilience",
    "HyperLiquidIntegration": "hyperliquid.client",
    "MessageSequenceTracker": "resilience",
}
"""Where a name lives; all others are errors."""
_MODULES = {*_HOMES.values(), "errors", "hyperliquid"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from importlib import import_module  # noqa: PLC0415 -- as all of this

        if name in _MODULES:
            return import_module(f".{name}", __name__)
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


logging.getLogger(__name__).addHandler(logging.NullHandler())
