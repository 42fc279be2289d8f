from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET

from bistoury.hyperliquid.messages import account, control, market, orders, user
from bistoury.hyperliquid.messages.shape import MaybeNull, Wire


class Example(Wire, frozen=True):
    two_words: MaybeNull = UNSET


def test_absent_stays_absent_and_null_stays_null():
    for text in (b"{}", b'{"twoWords":null}', b'{"twoWords":"x"}'):
        assert msgspec.json.encode(msgspec.json.decode(text, type=Example)) == text


def test_a_message_cannot_be_changed():
    with pytest.raises(AttributeError):
        Example().two_words = "x"


def test_no_message_is_a_burden_to_the_garbage_collector():
    structs = [
        struct
        for module in (account, control, market, orders, user)
        for struct in vars(module).values()
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct)
    ]

    assert len(structs) > 40
    assert all(
        struct.__struct_config__.frozen and not struct.__struct_config__.gc
        for struct in structs
    )
