from __future__ import annotations

import inspect

import pytest

from bistoury.simulator import Exchange, Replay
from bistoury.simulator.host import Host

VERBS = [
    name
    for name, value in vars(Host).items()
    if inspect.isfunction(value) and name[0] != "_"
]


@pytest.mark.parametrize("kind", [Exchange, Replay])
@pytest.mark.parametrize("verb", VERBS)
def test_the_exchange_and_the_replay_are_driven_alike(kind, verb):
    asked = list(inspect.signature(getattr(Host, verb)).parameters)
    given = list(inspect.signature(getattr(kind, verb)).parameters)

    assert given == asked
