"""Trading with made-up money on real data."""

from .account import PaperAccount, PaperFill, PaperPosition
from .engine import PaperTradingEngine

__all__ = ["PaperAccount", "PaperFill", "PaperPosition", "PaperTradingEngine"]
