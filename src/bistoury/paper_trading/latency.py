"""
How long orders, cancels and replies are under way.

Named models, written as text so that a report can print them: ``constant(0.2)``,
``lognormal(0.2, 0.5)`` (median in seconds, sigma), ``empirical(path)`` (a file with
one duration in seconds a line). Each draws from a seeded generator of its own, so
one more cancel does not change the delay of the orders.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import exp
from pathlib import Path
from random import Random

from ..errors import ConfigError

_FORM = re.compile(r"\s*(constant|lognormal|empirical)\s*\(\s*(.*?)\s*\)\s*\Z")
_ALLOWED = "constant(seconds), lognormal(median, sigma) or empirical(path)"
_LONGEST = 60.0


class Latency:
    """Draws durations in whole milliseconds."""

    def __init__(self, model: str, seed: str, name: str = "latency") -> None:
        self.model = model
        self._rng = Random(seed)
        self._draw = _drawing(model, name)

    def draw(self) -> int:
        """Return the next duration, in ms."""
        return max(0, round(min(self._draw(self._rng), _LONGEST) * 1000))


def _drawing(model: str, name: str) -> Callable[[Random], float]:
    found = _FORM.match(model) if isinstance(model, str) else None
    if found is None:
        raise ConfigError(name, model, _ALLOWED)
    kind, inside = found.groups()
    if kind == "empirical":
        return _empirical(inside.strip("'\""), model, name)
    try:
        numbers = [float(it) for it in inside.split(",")]
    except ValueError:
        raise ConfigError(name, model, _ALLOWED) from None
    if any(not 0 <= it <= _LONGEST for it in numbers):
        raise ConfigError(name, model, f"seconds from 0 to {_LONGEST:g}")
    if kind == "constant" and len(numbers) == 1:
        return lambda _: numbers[0]
    if kind == "lognormal" and len(numbers) == 2:  # noqa: PLR2004
        median, sigma = numbers
        return lambda rng: median * exp(sigma * rng.gauss(0.0, 1.0))
    raise ConfigError(name, model, _ALLOWED)


def _empirical(path: str, model: str, name: str) -> Callable[[Random], float]:
    try:
        lines = Path(path).read_text("utf-8").split()
        durations = [float(it) for it in lines]
    except (OSError, ValueError) as error:
        raise ConfigError(
            name, model, f"a file of seconds, one a line ({error})"
        ) from (error)
    if not durations or any(not 0 <= it <= _LONGEST for it in durations):
        raise ConfigError(name, model, f"a file of seconds from 0 to {_LONGEST:g}")
    return lambda rng: rng.choice(durations)
