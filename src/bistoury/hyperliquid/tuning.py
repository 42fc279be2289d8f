"""The settings that may be changed at any time, under the specification's names."""

from __future__ import annotations

from math import isfinite

import msgspec

from ..errors import ConfigError
from ..session import Policy
from ..session import events as on
from .residing import Residing, at_home_now


class Tuning(Residing):
    """Replaces the session's policy, one number at a time."""

    @property
    def reconnect_delay(self) -> float:
        """The first delay before reconnecting, in seconds."""
        return self._fleet.policy.backoff.initial

    @reconnect_delay.setter
    def reconnect_delay(self, seconds: float) -> None:
        value = _positive("reconnect_delay", seconds)
        self._adopt_backoff(initial=value)

    @property
    def max_reconnect_delay(self) -> float:
        """The longest delay before reconnecting, in seconds, jitter aside."""
        return self._fleet.policy.backoff.maximum

    @max_reconnect_delay.setter
    def max_reconnect_delay(self, seconds: float) -> None:
        value = _positive("max_reconnect_delay", seconds)
        self._adopt_backoff(maximum=value)

    @property
    def reconnect_exponential_base(self) -> float:
        """The factor from one delay to the next."""
        return self._fleet.policy.backoff.factor

    @reconnect_exponential_base.setter
    def reconnect_exponential_base(self, factor: float) -> None:
        value = _positive("reconnect_exponential_base", factor)
        if value < 1:
            raise ConfigError("reconnect_exponential_base", factor, "a factor from 1")
        self._adopt_backoff(factor=value)

    def enable_auto_reconnect(self) -> None:
        """Let a loss lead to a new attempt; the default."""
        self._adopt(msgspec.structs.replace(self._fleet.policy, auto_reconnect=True))

    def disable_auto_reconnect(self) -> None:
        """Let a loss be the end, until ``connect`` is called again."""
        self._adopt(msgspec.structs.replace(self._fleet.policy, auto_reconnect=False))

    def set_message_timeout(self, seconds: float) -> None:
        """Set after how many seconds without promised data a connection is dead."""
        value = _positive("message_timeout", seconds)
        self._adopt(msgspec.structs.replace(self._fleet.policy, message_timeout=value))

    def _adopt_backoff(self, **change: float) -> None:
        policy = self._fleet.policy
        backoff = msgspec.structs.replace(policy.backoff, **change)
        self._adopt(msgspec.structs.replace(policy, backoff=backoff))

    @at_home_now
    def _adopt(self, policy: Policy) -> None:
        self._check_loop()
        self._fleet.feed(on.PolicyChanged(policy))


def _positive(field: str, value: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not isfinite(value) or value <= 0:
        raise ConfigError(field, value, "a number above 0")
    return float(value)
