from __future__ import annotations

from random import Random

from bistoury.simulator.chance import happens


def test_the_certain_happens_and_the_impossible_does_not():
    rng = Random(1)

    assert all(happens(rng, 1.0) for _ in range(100))
    assert not any(happens(rng, 0.0) for _ in range(100))
