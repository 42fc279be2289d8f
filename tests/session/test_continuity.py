from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.session import Update
from bistoury.session.continuity import MOST_HELD, Continuity, Memory
from bistoury.session.model import Version


def frame(*times, slot=None, has_message=True, is_snapshot=False, is_single=False):
    """Return a frame of rows; keys sort the other way round, rows not at all."""
    update = Update("trades:BTC", repr(times).encode(), slot=slot, is_single=is_single)
    update.is_snapshot = is_snapshot
    if has_message:
        update.message = {"data": {slot: []} if slot else []}
    update.keep([(at, (-at,), {"at": at}) for at in times])
    return update


def texts(*times):
    return [{"at": at} for at in times]


def admit(continuity, update, *, is_replay=False):
    """Let a frame in; return whether it is for delivery."""
    continuity.admit(update, 1, 0.0, is_replay=is_replay)
    return not update.is_void


def rows(update):
    return [row["at"] for _, _, row in update.items]


# Memory


def test_a_key_is_new_once():
    memory = Memory(10)

    assert memory.is_new(1) is True
    assert memory.is_new(1) is False
    assert memory.is_new(2) is True


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


def test_keys_that_are_only_noted_are_remembered_like_others():
    memory = Memory(10)
    memory.note([1, 2])

    assert [memory.is_new(key) for key in (1, 2, 3)] == [False, False, True]


def test_keys_that_are_only_noted_are_forgotten_after_two_generations():
    memory = Memory(3)
    for key in range(6):
        memory.note([key])

    assert memory.is_new(0)
    assert not memory.is_new(3)


def test_remembers_the_last_keys_whether_they_were_noted_or_asked_for():
    memory = Memory(6)
    for first in (1, 5):
        memory.note([first, first + 1])
        memory.is_new(first + 2)
        memory.note([first + 3])

    assert [memory.is_new(key) for key in range(3, 9)] == [False] * 6


@pytest.mark.parametrize("limit", [0, 1])
def test_remembers_the_last_key_at_least(limit):
    memory = Memory(limit)

    assert [memory.is_new(key) for key in (1, 1, 2, 1)] == [True, False, True, True]


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


def test_of_versions_only_a_newer_one_is_new():
    memory = Memory(10)

    found = [memory.is_new(Version("bar", number)) for number in (2, 1, 3, 2)]

    assert found == [True, False, True, False]
    assert memory.is_new(Version("other bar", 1))


def test_a_version_with_the_same_number_is_new_if_it_says_something_else():
    memory = Memory(10)
    memory.is_new(Version("bar", 2, "a"))

    assert not memory.is_new(Version("bar", 2, "a"))
    assert memory.is_new(Version("bar", 2, "b"))


def test_an_older_version_is_not_remembered():
    memory = Memory(2)
    memory.is_new(Version("bar", 9))
    for number in range(5):
        memory.is_new(Version("bar", number))

    assert not memory.is_new(Version("bar", 9))


def test_remembers_versions_of_the_last_64_things():
    memory = Memory(10_000)
    for bar in range(64):
        memory.is_new(Version(bar, 5))
    assert not memory.is_new(Version(0, 4))

    memory.is_new(Version(64, 5))
    assert memory.is_new(Version(0, 4))
    assert not memory.is_new(Version(2, 4))


# Rows


def test_lets_new_rows_through_as_they_are():
    continuity, update = Continuity(10), frame(1, 2)

    assert admit(continuity, update)
    assert rows(update) == [1, 2]
    assert update.message == {"data": texts(1, 2)}
    assert (continuity.duplicates, continuity.recovered) == (0, 0)
    assert continuity.newest == 2


@pytest.mark.parametrize("slot", [None, "fills"])
@pytest.mark.parametrize("newest", [0, 9], ids=["in order", "late"])
def test_a_message_with_nothing_to_take_out_is_not_written_anew(slot, newest):
    continuity, update = Continuity(10), frame(1, 2, slot=slot)
    continuity.newest = newest
    data = update.message["data"]

    assert admit(continuity, update)
    assert update.message["data"] is data


def test_takes_out_what_was_delivered_before():
    continuity = Continuity(10)
    admit(continuity, frame(1, 2))
    update = frame(1, 2, 3, 4)

    assert admit(continuity, update)
    assert update.message == {"data": texts(3, 4)}
    assert continuity.duplicates == 2
    assert continuity.newest == 4


def test_a_late_row_does_not_move_the_newest_back():
    continuity = Continuity(10)
    admit(continuity, frame(5))
    admit(continuity, frame(3))

    assert continuity.newest == 5


@pytest.mark.parametrize("first", [(1, 2), (1, 2, 2)], ids=["once", "repeated"])
def test_the_newest_row_is_known_by_its_key(first):
    continuity = Continuity(10)
    admit(continuity, frame(*first))
    assert (continuity.newest, continuity.newest_key) == (2, (-2,))

    admit(continuity, frame(1, 2, 3))
    admit(continuity, frame(0))
    assert (continuity.newest, continuity.newest_key) == (3, (-3,))


def test_a_row_of_the_same_moment_does_not_replace_the_newest():
    continuity, other = Continuity(10), frame()
    admit(continuity, frame(5))
    other.keep([(5, "another", {})])

    assert admit(continuity, other)
    assert (continuity.newest, continuity.newest_key) == (5, (-5,))


def test_takes_out_a_row_that_comes_twice_in_one_frame():
    continuity, update = Continuity(10), frame(1, 1)

    assert admit(continuity, update)
    assert rows(update) == [1]
    assert continuity.duplicates == 1


def bar(at, number):
    """Return a frame of one bar, as it was after so many trades."""
    update = Update("candle:BTC", b"", {"data": {}}, is_single=True)
    update.keep([(at, Version("bar", number), {"n": number})])
    return update


def test_of_a_bar_only_what_came_after_more_trades_is_new():
    continuity = Continuity(10)

    assert admit(continuity, bar(1, number=2))
    assert not admit(continuity, bar(1, number=1))
    assert not admit(continuity, bar(2, number=1))
    assert admit(continuity, bar(2, number=3))


def test_a_frame_with_nothing_new_is_not_for_delivery():
    continuity = Continuity(10)
    admit(continuity, frame(1))

    assert not admit(continuity, frame(1))
    assert not admit(continuity, frame())
    assert continuity.duplicates == 1
    assert not admit(Continuity(10), frame())


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "known by its place"])
def test_the_first_history_is_a_snapshot(marked):
    continuity, update = Continuity(10), frame(1, 2, is_snapshot=marked)

    assert admit(continuity, update, is_replay=not marked)
    assert update.message == {"data": texts(1, 2), "snapshot": True}
    assert continuity.recovered == 0


def test_rows_are_no_history_unless_it_is_said():
    continuity = Continuity(10)
    for at in (1, 2):
        update = frame(at)
        continuity.admit(update, 1, 0.0)
        assert update.message == {"data": texts(at)}
    assert continuity.recovered == 0


def test_an_empty_first_history_is_delivered_for_it_says_there_is_none():
    continuity, update = Continuity(10), frame()

    assert admit(continuity, update, is_replay=True)
    assert update.message == {"data": texts(), "snapshot": True}


def test_later_history_is_what_was_missed():
    continuity = Continuity(10)
    admit(continuity, frame(1), is_replay=True)
    update = frame(1, 2, 3)

    assert admit(continuity, update, is_replay=True)
    assert update.message == {"data": texts(2, 3), "recovered": True}
    assert continuity.recovered == 2
    admit(continuity, frame(4), is_replay=True)
    assert continuity.recovered == 3


def test_history_after_live_rows_is_what_was_missed():
    continuity = Continuity(10)
    admit(continuity, frame(1))
    update = frame(1, 2, is_snapshot=True)

    assert continuity.has_history
    assert admit(continuity, update)
    assert update.message == {"data": texts(2), "recovered": True}


def test_later_history_without_news_is_not_for_delivery():
    continuity = Continuity(10)
    admit(continuity, frame(1), is_replay=True)

    assert not admit(continuity, frame(1), is_replay=True)
    assert not admit(continuity, frame(), is_replay=True)
    assert continuity.recovered == 0


def test_an_unread_message_is_not_marked():
    continuity, update = Continuity(10), frame(1, has_message=False)

    assert admit(continuity, update, is_replay=True)
    assert update.message is None


def test_rows_inside_an_object_are_replaced_there():
    continuity = Continuity(10)
    admit(continuity, frame(1))
    update = frame(1, 2, slot="fills")
    admit(continuity, update)

    assert update.message == {"data": {"fills": texts(2)}}


def test_messages_without_rows_always_pass():
    continuity = Continuity(10)
    for _ in range(2):
        update = Update("notification", b"the same")
        assert admit(continuity, update, is_replay=True)
    assert continuity.duplicates == 0
    assert not continuity.has_history


@pytest.mark.parametrize("limit", [0, 1])
def test_remembers_at_least_one_key(limit):
    continuity = Continuity(limit)
    admit(continuity, frame(1))

    assert not admit(continuity, frame(1))


def test_a_new_feed_has_no_past():
    continuity = Continuity(5)

    assert (continuity.is_state, continuity.is_shared) == (False, False)
    assert (continuity.duplicates, continuity.recovered) == (0, 0)
    assert continuity.newest == 0
    assert not continuity.has_history
    assert not continuity.is_holding
    assert not continuity.is_full
    assert continuity.found == []


# States


def state(body, time=0):
    return Update("allMids:", body, time=time)


def show(continuity, body, *, time=0, source=1, now=0.0):
    """Let a state in; return whether it is for delivery."""
    update = state(body, time)
    continuity.admit(update, source, now, is_replay=False)
    return not update.is_void


def states():
    return Continuity(0, is_state=True)


def test_a_state_passes_once():
    it = states()

    assert show(it, b"a")
    assert it.has_history
    assert not show(it, b"a")
    assert show(it, b"b")
    assert show(it, b"a")
    assert it.duplicates == 1


def test_an_older_state_is_not_news():
    it = states()

    assert show(it, b"a", time=2)
    assert it.newest == 2
    assert not show(it, b"b", time=1)
    assert show(it, b"c", time=2)
    assert show(it, b"d", time=3)
    assert it.duplicates == 1
    assert it.newest == 3


def test_a_state_without_a_time_leaves_the_newest_time():
    it = states()
    show(it, b"a", time=10)

    assert show(it, b"b")
    assert it.newest == 10


def shared():
    it = states()
    it.is_shared = True
    return it


def release(continuity):
    return [(update.frame, update.is_void) for update in continuity.release()]


def test_of_two_lines_without_times_one_is_followed():
    it = shared()

    assert show(it, b"a", source=1, now=0.0)
    assert not show(it, b"b", source=2, now=1.0)
    assert show(it, b"c", source=1, now=2.0)
    assert not show(it, b"d", source=2, now=4.9)
    assert it.duplicates == 2


def test_a_line_that_falls_silent_is_followed_no_more():
    it = shared()
    show(it, b"a", source=1, now=0.0)

    assert show(it, b"b", source=2, now=3.0)
    assert not show(it, b"c", source=1, now=5.9)


def test_a_line_that_repeats_itself_is_followed_no_more():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"a", source=1, now=2.0)
    show(it, b"b", source=2, now=2.5)
    show(it, b"a", source=1, now=2.9)

    assert show(it, b"c", source=2, now=3.0)
    for second in range(4, 60):
        assert not show(it, b"a", source=1, now=second)
        assert show(it, b"d%d" % second, source=2, now=second)


def test_repetitions_by_a_line_that_follows_are_nothing():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"a", source=2, now=2.5)

    assert show(it, b"b", source=2, now=3.0)


def test_repeating_the_last_state_of_another_does_not_make_a_leader():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"a", source=2, now=3.5)

    assert show(it, b"b", source=2, now=3.6)


def test_what_only_the_other_line_said_is_put_aside_and_not_lost():
    it = shared()
    show(it, b"a", source=1, now=0.0)

    assert not show(it, b"b", source=2, now=1.5)
    assert it.overrule_at == 4.5
    assert release(it) == [(b"b", False)]
    assert (it.overrule_at, it.duplicates) == (0.0, 0)
    assert not show(it, b"b", source=1, now=4.6)
    assert not show(it, b"b", source=2, now=4.7)
    assert it.release() == []


def test_after_it_was_right_the_other_line_is_followed():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.5)
    it.release()

    assert show(it, b"c", source=2, now=4.5)
    assert not show(it, b"a", source=1, now=4.6)
    assert not show(it, b"z", source=1, now=4.7)


def test_a_line_that_was_right_is_followed_from_when_it_said_so():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.5)
    it.release()

    assert not show(it, b"y", source=1, now=4.4)
    assert show(it, b"z", source=1, now=4.5)


def test_what_was_put_aside_is_forgotten_once_both_say_the_same():
    it = shared()
    show(it, b"b", source=1, now=0.0)
    show(it, b"a", source=2, now=1.0)
    assert it.overrule_at == 4.0

    assert not show(it, b"b", source=2, now=1.2)
    assert it.overrule_at == 0.0
    assert it.release() == []


def test_the_same_by_another_line_leaves_what_was_put_aside():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)
    show(it, b"a", source=3, now=1.1)

    assert it.overrule_at == 4.0
    assert release(it) == [(b"b", False)]


def test_news_of_the_line_that_is_followed_gives_it_more_time():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)

    assert show(it, b"c", source=1, now=2.0)
    assert it.overrule_at == 5.0
    assert release(it) == [(b"b", False)]


def test_a_repetition_of_what_was_put_aside_is_news_once_it_is_due():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)

    assert not show(it, b"b", source=2, now=3.9)
    assert show(it, b"b", source=2, now=4.0)
    assert it.overrule_at == 0.0
    assert it.release() == []
    assert not show(it, b"z", source=1, now=4.1)


def test_later_news_of_the_same_line_replaces_what_was_put_aside():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)
    show(it, b"c", source=2, now=2.0)
    assert it.overrule_at == 5.0

    assert show(it, b"d", source=2, now=3.0)  # the other one said nothing new
    assert it.overrule_at == 0.0
    assert it.release() == []


def test_what_a_line_said_goes_with_it():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)
    it.source_lost(3)
    assert it.overrule_at == 4.0
    it.source_lost(2)

    assert it.overrule_at == 0.0
    assert it.release() == []
    assert not show(it, b"b", source=2, now=1.1)
    assert it.overrule_at == pytest.approx(4.1)


def test_when_the_line_that_was_followed_is_lost_the_other_one_may_be_right():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)
    it.source_lost(1)

    assert it.overrule_at == 4.0
    assert release(it) == [(b"b", False)]


def test_only_what_a_line_said_last_is_a_repetition():
    it = shared()
    assert show(it, b"a", source=1, now=0.0)
    assert show(it, b"b", source=1, now=1.0)

    assert show(it, b"a", source=1, now=2.0)


def test_what_another_line_said_is_no_repetition():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)
    show(it, b"c", source=1, now=1.5)

    assert it.overrule_at == 4.5
    assert not show(it, b"b", source=2, now=2.0)
    assert it.overrule_at == 4.5  # it is put aside once, however often it is said


def test_a_line_that_comes_again_may_say_what_it_said_before():
    it = shared()
    show(it, b"a", source=1, now=0.0)
    show(it, b"b", source=2, now=1.0)
    it.source_lost(2)

    assert not show(it, b"b", source=2, now=1.1)
    assert it.overrule_at == pytest.approx(4.1)


def test_a_line_alone_is_not_followed_but_believed():
    it = states()

    assert show(it, b"a", source=1, now=0.0)
    assert show(it, b"b", source=2, now=0.1)
    assert show(it, b"a", source=1, now=0.2)
    assert it.overrule_at == 0.0


# Frames that each count, and have no keys


def notice(continuity, body, *, source=1, now=0.0):
    """Let a frame without keys in; return whether it is for delivery."""
    update = Update("notification", body)
    continuity.admit(update, source, now)
    return not update.is_void


def notices():
    it = Continuity(10)
    it.is_shared = True
    return it


def test_of_a_frame_without_keys_the_first_copy_wins():
    it = notices()

    assert notice(it, b"a", source=1, now=0.0)
    assert notice(it, b"b", source=1, now=0.1)
    assert not notice(it, b"a", source=2, now=0.2)
    assert not notice(it, b"b", source=2, now=0.3)
    assert it.duplicates == 2


def test_a_copy_is_a_copy_in_whatever_order_it_comes():
    it = notices()
    notice(it, b"a", source=1, now=0.0)
    notice(it, b"b", source=1, now=0.1)

    assert notice(it, b"c", source=2, now=0.2)
    assert not notice(it, b"b", source=2, now=0.3)
    assert not notice(it, b"a", source=2, now=0.4)
    assert notice(it, b"d", source=2, now=0.5)


def test_a_line_may_say_the_same_twice():
    it = notices()

    assert notice(it, b"a", source=1, now=0.0)
    assert notice(it, b"a", source=1, now=0.1)
    assert not notice(it, b"a", source=2, now=0.2)
    assert not notice(it, b"a", source=2, now=0.3)
    assert notice(it, b"a", source=2, now=0.4)
    assert not notice(it, b"a", source=1, now=0.5)


def test_what_one_line_missed_is_not_held_against_it_for_ever():
    it = notices()
    notice(it, b"a", source=1, now=0.0)

    assert not notice(it, b"a", source=2, now=30.0)
    assert notice(it, b"b", source=1, now=40.0)
    assert notice(it, b"c", source=1, now=60.0)
    assert notice(it, b"b", source=2, now=70.1)
    assert not notice(it, b"c", source=2, now=70.2)


def test_a_line_alone_may_say_the_same_again_whatever_its_number():
    it = Continuity(10)

    assert notice(it, b"a", source=1)
    assert notice(it, b"a", source=2)
    assert it.duplicates == 0


def test_of_changes_those_of_one_line_are_followed():
    it = Continuity(10, is_delta=True)
    it.is_shared = True
    assert notice(it, b"a", source=1)
    assert it.follow(1) is True
    assert it.follow(2) is False

    assert not notice(it, b"b", source=2)
    assert notice(it, b"b", source=1)
    assert it.duplicates == 1
    it.source_lost(2)
    assert not notice(it, b"c", source=2)
    it.source_lost(1)
    assert notice(it, b"d", source=2)
    assert it.follow(2) is True


def test_with_times_the_first_copy_wins_whoever_brings_it():
    it = shared()

    assert show(it, b"a", time=1, source=1, now=0.0)
    assert show(it, b"b", time=2, source=2, now=0.1)
    assert not show(it, b"b", time=2, source=1, now=0.2)


def test_after_a_loss_the_same_state_is_news_again():
    it = shared()
    show(it, b"a", source=3)
    it.source_lost(3)

    assert show(it, b"a", source=4)
    assert not show(it, b"b", source=3)


def test_the_loss_of_another_line_changes_nothing():
    it = states()
    show(it, b"a", source=3)
    it.source_lost(4)

    assert not show(it, b"a", source=3)


def test_a_line_may_be_lost_before_it_brought_anything():
    it = states()
    it.source_lost(3)

    assert show(it, b"a", source=4)


# Waiting for what was missed


def held(*frames, found=()):
    """Return a feed that holds frames, given as (times, is_replay), and found some."""
    continuity = Continuity(100)
    admit(continuity, frame(1))
    continuity.hold()
    for times, is_replay in frames:
        update = frame(*times)
        assert not admit(continuity, update, is_replay=is_replay)
        assert rows(update) == [*times]
    continuity.found += [frame(*times) for times in found]
    return continuity


def released(continuity):
    return [
        (rows(update), bool(update.message.get("recovered")))
        for update in continuity.release()
    ]


def test_what_comes_while_holding_waits_and_comes_out_in_order():
    continuity = held(([5], False), ([6, 7], False), found=[[2, 3], [4]])
    assert continuity.is_holding

    assert released(continuity) == [([2, 3, 4], True), ([5, 6, 7], False)]
    assert not continuity.is_holding
    assert continuity.newest == 7
    assert continuity.recovered == 3
    assert continuity.duplicates == 0


def test_what_is_released_is_not_delivered_again():
    continuity = held(([5], False), found=[[3], [1]])
    continuity.release()
    assert (continuity.recovered, continuity.duplicates) == (1, 1)

    assert not admit(continuity, frame(3, 5))
    continuity.found += [frame(3), frame(4)]
    assert released(continuity) == [([4], True)]
    assert (continuity.recovered, continuity.duplicates) == (2, 4)


def test_history_between_live_rows_comes_between_them():
    continuity = held(([3], False), ([6], False), found=[[2, 4], [5]])

    assert released(continuity) == [
        ([2], True),
        ([3], False),
        ([4, 5], True),
        ([6], False),
    ]


def test_a_row_that_came_live_is_not_what_was_missed():
    continuity = held(([5], False), found=[[4, 5]])

    assert released(continuity) == [([4], True), ([5], False)]


def test_a_replay_that_came_while_holding_is_what_was_missed():
    continuity = held(([1, 2], True), ([3], False))

    assert released(continuity) == [([2], True), ([3], False)]
    assert continuity.duplicates == 1


def test_history_that_is_found_twice_is_delivered_once():
    continuity = held(found=[[2, 3], [3, 4]])
    (update,) = continuity.release()

    assert rows(update) == [2, 3, 4]
    assert update.frame == b"(2, 3)"
    assert (continuity.duplicates, continuity.recovered) == (1, 3)


def test_a_replay_is_no_live_row():
    # The same row came as history twice: once replayed, once fetched.
    continuity = held(([2], True), found=[[2]])

    assert released(continuity) == [([2], True)]


def test_what_is_released_is_marked_and_not_void():
    continuity = held(([5], False), found=[[3]])
    first, second = continuity.release()

    assert (first.frame, second.frame) == (b"(3,)", b"(5,)")
    assert first.message == {"data": texts(3), "recovered": True}
    assert second.message == {"data": texts(5)}
    assert not first.is_void
    assert not second.is_void


def test_rows_that_stand_alone_are_not_joined():
    continuity = Continuity(100)
    continuity.hold()
    for at in (2, 3):
        continuity.admit(frame(at, is_single=True), 1, 0.0, is_replay=False)

    assert [update.message for update in continuity.release()] == [
        {"data": {"at": 2}},
        {"data": {"at": 3}},
    ]


def test_rows_of_different_places_are_not_joined():
    continuity = Continuity(100)
    continuity.hold()
    for at, slot in ((2, "fills"), (3, "funding"), (4, "funding")):
        continuity.admit(frame(at, slot=slot), 1, 0.0, is_replay=False)

    assert [update.message for update in continuity.release()] == [
        {"data": {"fills": texts(2)}},
        {"data": {"funding": texts(3, 4)}},
    ]


def test_history_after_a_release_is_what_was_missed():
    continuity = Continuity(100)
    continuity.hold()
    continuity.release()
    update = frame(2)
    admit(continuity, update, is_replay=True)

    assert update.message == {"data": texts(2), "recovered": True}


def test_only_so_many_rows_wait():
    assert MOST_HELD == 10_000
    continuity = Continuity(100_000)
    continuity.hold()
    admit(continuity, frame(*range(9_999)))
    assert not continuity.is_full

    admit(continuity, frame(9_999))
    assert continuity.is_full
    continuity.release()
    assert not continuity.is_full
    continuity.hold()
    admit(continuity, frame(*range(20_000, 29_999)))
    assert not continuity.is_full
    admit(continuity, frame(29_999))
    assert continuity.is_full


def test_what_nobody_wants_any_more_is_forgotten():
    continuity = held(([5], False), found=[[3]])
    continuity.discard()

    assert not continuity.is_holding
    assert continuity.release() == []
    assert not continuity.is_full
    assert admit(continuity, frame(5))
