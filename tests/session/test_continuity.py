from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.session import Update
from bistoury.session.continuity import Continuity, Memory


def frame(*keys, has_message=True, slot=None):
    """Return a frame whose rows are their own keys."""
    update = Update("trades:BTC", b"", keys=list(keys), slot=slot)
    if has_message:
        update.message = {"data": {slot: []} if slot else []}
    update.keep(list(keys))
    return update


def test_a_key_is_new_once():
    memory = Memory(10)

    assert memory.is_new(1)
    assert not memory.is_new(1)
    assert memory.is_new(2)


def test_remembers_across_the_change_of_generations():
    memory = Memory(3)
    for key in (1, 2, 3, 4):
        memory.is_new(key)

    assert [memory.is_new(key) for key in (1, 2, 3, 4)] == [False] * 4


def test_forgets_after_two_generations():
    memory = Memory(3)
    for key in range(6):
        memory.is_new(key)

    assert memory.is_new(0)
    assert not memory.is_new(5)


@given(st.integers(1, 8), st.lists(st.integers(0, 30), max_size=80))
def test_never_repeats_one_of_the_last_keys_and_never_grows(limit, keys):
    memory, last = Memory(limit), deque(maxlen=limit)
    for key in keys:
        is_new = memory.is_new(key)
        if key in last:
            assert not is_new
        elif is_new:
            last.append(key)
        assert len(memory._young) + len(memory._old) <= 2 * limit


def test_lets_new_rows_through_as_they_are():
    continuity, update = Continuity(10), frame(1, 2)

    assert continuity.admit(update, is_replay=False)
    assert update.rows == [1, 2]
    assert update.message == {"data": [1, 2]}
    assert continuity.duplicates == 0


def test_takes_out_what_was_delivered_before():
    continuity = Continuity(10)
    continuity.admit(frame(1, 2), is_replay=False)
    update = frame(2, 3, 1, 4)

    assert continuity.admit(update, is_replay=False)
    assert update.rows == [3, 4]
    assert update.message == {"data": [3, 4]}
    assert continuity.duplicates == 2


def test_takes_out_a_row_that_comes_twice_in_one_frame():
    continuity, update = Continuity(10), frame(1, 1)

    assert continuity.admit(update, is_replay=False)
    assert update.rows == [1]
    assert continuity.duplicates == 1


def test_a_frame_with_nothing_new_is_not_for_delivery():
    continuity = Continuity(10)
    continuity.admit(frame(1), is_replay=False)

    assert not continuity.admit(frame(1), is_replay=False)
    assert not continuity.admit(frame(), is_replay=False)
    assert continuity.duplicates == 1


def test_the_first_history_is_a_snapshot():
    continuity, update = Continuity(10), frame(1, 2)

    assert continuity.admit(update, is_replay=True)
    assert update.message == {"data": [1, 2], "snapshot": True}


def test_an_empty_first_history_is_delivered_for_it_says_there_is_none():
    continuity, update = Continuity(10), frame()

    assert continuity.admit(update, is_replay=True)
    assert update.message == {"data": [], "snapshot": True}


def test_later_history_is_what_was_missed():
    continuity = Continuity(10)
    continuity.admit(frame(1), is_replay=True)
    update = frame(1, 2)

    assert continuity.admit(update, is_replay=True)
    assert update.message == {"data": [2], "recovered": True}


def test_history_after_live_rows_is_what_was_missed():
    continuity = Continuity(10)
    continuity.admit(frame(1), is_replay=False)
    update = frame(1, 2)

    assert continuity.has_history
    assert continuity.admit(update, is_replay=True)
    assert update.message == {"data": [2], "recovered": True}


def test_later_history_without_news_is_not_for_delivery():
    continuity = Continuity(10)
    continuity.admit(frame(1), is_replay=True)

    assert not continuity.admit(frame(1), is_replay=True)
    assert not continuity.admit(frame(), is_replay=True)


def test_an_unread_message_is_not_marked():
    continuity, update = Continuity(10), frame(1, has_message=False)

    assert continuity.admit(update, is_replay=True)
    assert update.message is None


def test_rows_inside_an_object_are_replaced_there():
    continuity = Continuity(10)
    continuity.admit(frame(1), is_replay=False)
    update = frame(1, 2, slot="fills")

    continuity.admit(update, is_replay=False)

    assert update.message == {"data": {"fills": [2]}}


@pytest.mark.parametrize("missing", ["keys", "rows"])
def test_frames_without_rows_or_keys_always_pass(missing):
    continuity = Continuity(10)
    for _ in range(2):
        update = frame(1)
        setattr(update, missing, None)
        assert continuity.admit(update, is_replay=True)
    assert not continuity.has_history
    assert "snapshot" not in update.message


def test_a_row_without_a_key_is_a_bug_and_not_lost():
    update = frame(1, 2)
    update.keys = [1]

    with pytest.raises(ValueError, match="shorter"):
        Continuity(10).admit(update, is_replay=False)


@pytest.mark.parametrize("limit", [0, 1])
def test_remembers_at_least_one_key(limit):
    continuity = Continuity(limit)
    continuity.admit(frame(1), is_replay=False)

    assert not continuity.admit(frame(1), is_replay=False)
