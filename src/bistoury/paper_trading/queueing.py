"""
How far a resting order has come in its queue.

The venue shows sizes, not orders. What is known for certain: the size shown when
the order arrived is ahead of it, trades at the price take from the front, and no
more can be ahead than is shown. Where a level shrinks although nobody traded,
someone cancelled, ahead of the order or behind it. The models differ only in that:

* ``risk_averse``: behind, as long as that is possible. Never too early.
* ``power(n)``, ``log``: split by where in the queue the order stands.
* ``touch``: the queue is not looked at. For tests; it flatters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from ..errors import ConfigError
from .numbers import ONE, ZERO

Weight = Callable[[Decimal], Decimal]
_FORM = re.compile(r"\s*(risk_averse|log|touch|power)\s*(?:\(\s*([0-9.]+)\s*\))?\s*\Z")
_ALLOWED = "risk_averse, power(n) with n above 0, log or touch"


class QueueModel(NamedTuple):
    """A model, by its name."""

    name: str
    weight: Weight | None = None
    """How likely a part of the queue is to cancel; ``None``: nobody ahead does."""

    @property
    def is_touch(self) -> bool:
        """Whether queues are not looked at."""
        return self.name == "touch"


def queue_model(name: str) -> QueueModel:
    """
    Return a model by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    found = _FORM.match(name) if isinstance(name, str) else None
    if found is None:
        raise ConfigError("queue", name, _ALLOWED)
    kind, number = found.groups()
    if (kind == "power") != (number is not None):
        raise ConfigError("queue", name, _ALLOWED)
    if kind == "power":
        n = Decimal(number)
        if n <= 0:
            raise ConfigError("queue", name, _ALLOWED)
        return QueueModel(f"power({n})", lambda part: part**n)
    if kind == "log":
        return QueueModel("log", lambda part: (ONE + part).ln())
    return QueueModel(kind)


class Place:
    """
    Where one order stands at its level.

    ``ahead`` is the size before it, or ``None`` while the level was never shown.
    """

    __slots__ = ("_before", "_shown", "_updated_at", "ahead")

    is_exact = False

    def __init__(self) -> None:
        self.ahead: Decimal | None = None
        self._shown = ZERO
        self._before = ZERO
        self._updated_at = 0

    @classmethod
    def at(cls, ahead: Decimal) -> Place:
        """Return a place with ``ahead`` before it."""
        made = cls()
        made.ahead = made._shown = made._before = ahead
        return made

    def shown(self, model: QueueModel, size: Decimal, time: int) -> None:
        """Learn what is displayed at the price, by an update at ``time``."""
        if model.is_touch:
            self.ahead = ZERO
            return
        if self.ahead is None:
            self.ahead = self._before = size
        else:
            if time > self._updated_at:
                self._before = self.ahead
            if model.weight is not None and size < self._shown:
                self.ahead = _split(model.weight, self.ahead, self._shown, size)
            self.ahead = min(self.ahead, size)
        self._shown = size
        self._updated_at = max(self._updated_at, time)

    def traded(self, size: Decimal, time: int) -> Decimal:
        """Take a trade at the price; return how much of it went past the queue."""
        if self.ahead is None:
            return ZERO
        if time <= self._updated_at:
            # The update was of the same block, and had the trade in it already: taking
            # it off again would move the order ahead twice.
            excess = max(ZERO, size - self._before)
            self._before = max(ZERO, self._before - size)
            self.ahead = min(self.ahead, self._before)
            return excess
        excess = max(ZERO, size - self.ahead)
        self.ahead = max(ZERO, self.ahead - size)
        # The next update will show the level without what was traded: that is no
        # cancel to be split.
        self._shown = max(ZERO, self._shown - size)
        self._before = self.ahead
        return excess

    def clear(self) -> None:
        """Learn that nothing is ahead: the price was traded through."""
        self.ahead = self._before = self._shown = ZERO

    def lose(self) -> None:
        """Forget the place: go behind all that is shown next."""
        self.ahead = None


def _split(weight: Weight, ahead: Decimal, was: Decimal, now: Decimal) -> Decimal:
    """Return what is ahead after ``was - now`` were cancelled somewhere."""
    behind = max(ZERO, was - ahead)
    front, back = weight(ahead), weight(behind)
    gone = was - now
    share_behind = back / (back + front) if back + front else ZERO
    from_behind = min(behind, share_behind * gone)
    return max(ZERO, ahead - (gone - from_behind))
