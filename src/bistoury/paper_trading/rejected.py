"""The refusal of an order, for who would rather have it raised than read it."""

from __future__ import annotations

from typing import Any

from ..errors import BistouryError


class OrderRejectedError(BistouryError):
    """The paper venue refused an order; ``reason`` is the text of the real one."""

    def __init__(self, coin: str, reason: str, answer: Any = None) -> None:
        super().__init__(coin, reason)
        self.coin = coin
        self.reason = reason
        self.answer = answer

    def __str__(self) -> str:
        return f"paper order in {self.coin} rejected: {self.reason}"
