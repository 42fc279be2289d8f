from __future__ import annotations

import threading

import pytest

from bistoury.backlog import DEFAULT_LIMIT, Backlog


class Sleeper:
    """A reader that counts how often it is woken."""

    def __init__(self, **options):
        self.woken = 0
        self.it = Backlog(self.wake, **options)

    def wake(self):
        self.woken += 1

    def take_all(self):
        return list(iter(self.it.take, None))


def test_messages_come_in_order_and_then_nothing():
    reader = Sleeper()
    for item in "abc":
        assert reader.it.put(item)

    assert len(reader.it) == 3
    assert reader.take_all() == ["a", "b", "c"]
    assert len(reader.it) == 0


def test_a_reader_is_woken_once_and_again_after_it_found_nothing():
    reader = Sleeper()
    reader.it.put("a")
    reader.it.put("b")
    assert reader.woken == 1
    reader.it.take()
    reader.it.put("c")
    assert reader.woken == 1  # it is still at it
    reader.take_all()
    reader.it.put("d")
    assert reader.woken == 2


def test_a_reader_that_let_go_is_woken_by_the_next_message():
    reader = Sleeper()
    reader.it.put("a")
    reader.it.let_go()
    reader.it.put("b")

    assert reader.woken == 2
    assert reader.take_all() == ["a", "b"]


def test_what_finds_no_room_is_counted_and_wakes_nobody():
    reader = Sleeper(limit=2)
    assert [reader.it.put(n) for n in range(4)] == [True, True, False, False]

    assert not reader.it.has_room
    assert reader.it.overflowed == 2
    assert reader.woken == 1
    assert reader.take_all() == [0, 1]
    assert reader.it.has_room


def test_of_messages_with_a_key_the_newest_waits():
    reader = Sleeper(limit=1)
    for item, key in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        assert reader.it.put(item, key)

    assert reader.it.conflated == 1
    assert reader.take_all() == ["a2", "b1"]


def test_who_asks_for_the_newest_gets_it_of_any_feed():
    reader = Sleeper(limit=1, conflate=True)
    assert all(reader.it.put(n) for n in range(5))

    assert reader.it.conflated == 4
    assert reader.take_all() == [4]


def test_the_newest_of_each_feed_is_kept_when_several_come_here():
    reader = Sleeper(conflate=True)
    reader.it.put("a", "x")
    reader.it.put("b", "y")

    assert reader.take_all() == ["a", "b"]


def test_who_asks_for_everything_gets_every_state():
    reader = Sleeper(limit=3, conflate=False)
    assert [reader.it.put(n, "book") for n in range(4)] == [True, True, True, False]

    assert reader.it.conflated == 0
    assert reader.take_all() == [0, 1, 2]


def test_a_mark_stays_between_its_neighbours_and_needs_no_room():
    reader = Sleeper(limit=1)
    reader.it.put("event")
    reader.it.put("state", "book")
    reader.it.put_mark("gap", together)
    reader.it.put("newer state", "book")

    assert reader.take_all() == ["event", "state", "gap", "newer state"]


def together(last, new):
    return f"{last}+{new}"


def test_marks_that_nobody_reads_take_bounded_room():
    reader = Sleeper(limit=2)
    reader.it.put("event")
    reader.it.put("event")
    for n in range(50):
        reader.it.put(f"state {n}", "book")
        reader.it.put_mark(f"gap {n}", together)
    assert len(reader.it) <= 2 * 2 + 3

    read = reader.take_all()
    assert read[:3] == ["event", "event", "state 0"]
    assert read[3] == "+".join(f"gap {n}" for n in range(50))
    assert read[4:] == ["state 49"]


def test_a_mark_is_not_joined_with_what_is_being_read():
    reader = Sleeper(limit=1)
    reader.it.put_mark("gap 1", together)
    reader.it.put("state", "book")
    reader.it.put_mark("gap 2", together)
    reader.it.take()  # the rest is turned round
    reader.it.put_mark("gap 3", together)
    reader.it.put_mark("gap 4", together)

    assert reader.take_all() == ["state", "gap 2", "gap 3+gap 4"]


def test_a_mark_wakes_the_reader():
    reader = Sleeper()
    reader.it.put_mark("gap", together)
    assert reader.woken == 1


def test_what_is_cleared_is_not_read():
    reader = Sleeper()
    reader.it.put("event")
    reader.it.put("state", "book")
    assert reader.it.clear() == ["event", "state"]

    assert reader.take_all() == []


def test_what_is_cleared_is_returned_in_order():
    reader = Sleeper()
    for item in "abc":
        reader.it.put(item)
    reader.it.take()
    reader.it.put("d")

    assert reader.it.clear() == ["b", "c", "d"]
    assert reader.it.clear() == []


@pytest.mark.parametrize(
    ("conflate", "events", "states"),
    [(None, True, False), (True, False, False), (False, True, True)],
)
def test_who_asks_decides_whether_each_message_counts(conflate, events, states):
    it = Backlog(lambda: None, conflate=conflate)

    assert it.keeps(is_lossless=True) is events
    assert it.keeps(is_lossless=False) is states


def test_there_is_room_for_ten_thousand():
    assert DEFAULT_LIMIT == Backlog(lambda: None).limit == 10_000


@pytest.mark.parametrize("key", [None, "state"])
def test_nothing_is_lost_between_two_threads_and_nobody_sleeps_too_long(key):
    awake, seen, many = threading.Event(), [], 20_000
    it = Backlog(awake.set, limit=many)

    def read():
        while not seen or seen[-1] != many - 1:
            assert awake.wait(10)
            awake.clear()
            seen.extend(iter(it.take, None))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for item in range(many):
        assert it.put(item, key)
    reader.join(20)

    assert not reader.is_alive()
    assert seen == sorted(seen)
    if key is None:
        assert seen == list(range(many))
    assert len(seen) + it.conflated == many
