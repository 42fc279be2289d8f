from __future__ import annotations

import msgspec
import pytest

from bistoury.simulator import AnyFault
from bistoury.simulator.faults import Cut, Freeze, Silent, concerns


@pytest.mark.parametrize("kind", [*AnyFault.__args__])
def test_every_fault_survives_json(kind):
    fault = kind()

    data = msgspec.json.encode(fault)

    assert msgspec.json.decode(data, type=AnyFault) == fault
    assert b'"fault":' in data


def test_faults_are_values():
    assert Cut() == Cut(how="rst")
    assert hash(Silent()) == hash(Silent())


def test_an_unknown_field_is_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"fault":"freeze","fast":true}', type=AnyFault)


def test_a_fault_is_about_all_connections_or_one():
    assert concerns(Freeze(), 7)
    assert concerns(Freeze(connection=7), 7)
    assert not concerns(Freeze(connection=8), 7)
