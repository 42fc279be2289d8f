from __future__ import annotations

import dataclasses

import pytest

from bistoury.simulator import Abort, Close, Refusal, Send


@pytest.mark.parametrize(
    "value", [Send(1, b"x"), Close(1, 1000, ""), Abort(1, "rst"), Refusal(429)]
)
def test_outputs_are_values_nobody_can_change(value):
    name = dataclasses.fields(value)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, 2)
    assert value == dataclasses.replace(value)
