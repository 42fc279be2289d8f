from __future__ import annotations

from typing import get_args

import pytest

from bistoury.session import Cause, Subscription
from bistoury.session import effects as do
from bistoury.session import notices as say

BTC = Subscription("trades", (("coin", "BTC"),))

EFFECTS = [
    do.OpenConnection(1),
    do.DropConnection(1, politely=True),
    do.SendSubscribe(BTC),
    do.SendUnsubscribe(BTC),
    do.SendPing(),
    do.Backfill(BTC, 1, 2, 3),
    do.Release(BTC),
    do.CloseGap(say.Gap(BTC, 1, 2, "recovered", 0, Cause.NETWORK), 7),
    do.Announce(say.Connected(1)),
]


def test_the_table_above_has_every_effect():
    assert {type(effect) for effect in EFFECTS} == set(get_args(do.Effect))


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda it: type(it).__name__)
def test_is_compared_by_value_and_does_not_change(effect):
    fields = effect.__struct_fields__
    again = type(effect)(*(getattr(effect, field) for field in fields))

    assert type(effect).__struct_config__.frozen
    assert again == effect
    assert len({again, effect}) == 1
    for field in fields:
        with pytest.raises(AttributeError):
            setattr(effect, field, None)


def test_asking_for_a_feed_is_not_giving_it_up():
    assert do.SendSubscribe(BTC) != do.SendUnsubscribe(BTC)


def test_a_read_need_not_show_anything_unless_it_is_said():
    read = do.Backfill(BTC, 1, 2, 3)

    assert (read.delivered, read.key) == (0, None)
