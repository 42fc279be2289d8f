from __future__ import annotations

import pytest

from bistoury.simulator.fields import Missing, address, needed, optional


@pytest.mark.parametrize("body", [{}, {"n": None}, {"n": "1"}, {"n": True}, {"n": 1.5}])
def test_a_needed_field_must_have_its_type(body):
    with pytest.raises(Missing):
        needed(body, "n", int)


def test_an_optional_field_may_be_absent_or_null_but_not_wrong():
    assert optional({}, "n", int) is None
    assert optional({"n": None}, "n", int) is None
    assert optional({"n": 3}, "n", int) == 3
    with pytest.raises(Missing):
        optional({"n": "3"}, "n", int)


def test_an_address_is_lowered():
    assert address({"user": "0x" + "AB" * 20}, "user") == "0x" + "ab" * 20
    with pytest.raises(Missing):
        address({"user": "0x" + "G" * 40}, "user")
