"""How a seeded generator decides."""

from __future__ import annotations

from random import Random


def happens(rng: Random, probability: float) -> bool:
    """Draw whether something of this probability happens."""
    return rng.random() < probability
