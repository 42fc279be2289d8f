from __future__ import annotations

import asyncio
import functools
import gc

import pytest

from bistoury.backlog import DEFAULT_LIMIT
from bistoury.mailbox import SLOW_AFTER, Mailbox, is_coroutine_function
from bistoury.testing.virtual_time import run


class Troubles(list):
    """Hears of what handlers raise, and of how long they take."""

    def __init__(self):
        self.slow = []

    def handler_failed(self, handler, error):
        self.append((handler, error))

    def handler_slow(self, handler, seconds, waiting):
        self.slow.append((handler, seconds, waiting))

    @property
    def kinds(self):
        return [type(error) for _, error in self]


@pytest.fixture
def troubles():
    return Troubles()


def box(handler, troubles=None, **options):
    failed = troubles if troubles is not None else Troubles()
    return Mailbox(handler, lambda item: item, failed, **options)


async def settle():
    """Let handlers run until they have nothing left to do."""
    await asyncio.sleep(100)


def collecting(seen, pause=0.0):
    async def handler(item):
        await asyncio.sleep(pause)
        seen.append(item)

    return handler


def disguised(handler):
    """Return what people write as a lambda around a coroutine function."""

    def plain(item):
        return handler(item)

    return plain


# Plain functions


def test_a_plain_function_is_called_at_once_in_order():
    seen = []
    it = box(seen.append)
    for item in range(5):
        assert it.put(item)

    assert seen == [0, 1, 2, 3, 4]
    assert it.handled == 5
    assert it.depth == 0
    assert it.task is None


def test_a_plain_function_gets_every_message_conflation_or_not():
    seen = []
    it = box(seen.append)
    for item in range(3):
        assert it.put(item, "book")

    assert seen == [0, 1, 2]
    assert it.conflated == 0


def test_messages_are_opened_for_the_handler_and_nobody_else():
    seen = []
    it = Mailbox(seen.append, lambda item: item * 10, Troubles())
    it.put(4)

    assert seen == [40]


@pytest.mark.parametrize("error", [ValueError("bad"), asyncio.CancelledError()])
def test_a_plain_function_that_raises_is_told_of_and_called_again(troubles, error):
    calls = []

    def handler(item):
        calls.append(item)
        raise error

    it = box(handler, troubles)
    assert it.put(1)
    assert it.put(2)

    assert calls == [1, 2]
    assert troubles == [(handler, error), (handler, error)]
    assert (it.handled, it.failed, it.calls) == (0, 2, 2)


def test_a_message_that_cannot_be_opened_is_told_of(troubles):
    it = Mailbox(print, lambda item: 1 // item, troubles)
    it.put(0)

    assert troubles.kinds == [ZeroDivisionError]


# Coroutine functions


class Callable:
    async def __call__(self, item):
        pass


async def coroutine_function(item):
    pass


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (coroutine_function, True),
        (Callable(), True),
        (Callable().__call__, True),
        (functools.partial(coroutine_function), True),
        (print, False),
        (disguised(coroutine_function), False),
    ],
    ids=["function", "object", "method", "partial", "builtin", "lambda"],
)
def test_knows_what_only_begins_its_work_when_called(handler, expected):
    assert is_coroutine_function(handler) is expected


def test_a_coroutine_function_is_awaited_one_message_at_a_time():
    async def main():
        seen, running = [], []

        async def handler(item):
            running.append(item)
            assert running == [item]
            await asyncio.sleep(1)
            running.remove(item)
            seen.append(item)

        it = box(handler)
        for item in range(5):
            assert it.put(item)
        assert seen == []
        assert it.depth == 5
        await asyncio.sleep(2.5)
        assert seen == [0, 1]
        assert it.depth == 2
        await settle()
        assert seen == [0, 1, 2, 3, 4]
        assert it.handled == 5
        assert it.depth == 0

    run(main())


def test_an_idle_handler_has_no_task():
    async def main():
        it = box(collecting([]))
        assert it.task is None
        it.put(1)
        assert it.task in asyncio.all_tasks()
        await settle()
        assert it.task is None
        assert asyncio.all_tasks() == {asyncio.current_task()}
        it.put(2)
        await settle()
        assert it.handled == 2

    run(main())


@pytest.mark.parametrize(
    "error", [ValueError("bad"), asyncio.CancelledError("not this task")]
)
def test_a_coroutine_that_raises_is_told_of_and_the_next_message_is_handled(
    troubles, error
):
    async def main():
        seen = []

        async def handler(item):
            await asyncio.sleep(0.1)
            if item == 1:
                raise error
            seen.append(item)

        it = box(handler, troubles)
        for item in range(3):
            it.put(item)
        await settle()

        assert seen == [0, 2]
        assert troubles == [(handler, error)]
        assert (it.handled, it.failed, it.calls) == (2, 1, 3)

    run(main())


def test_a_handler_whose_own_helper_was_cancelled_goes_on(troubles):
    async def main():
        seen = []

        async def handler(item):
            helper = asyncio.ensure_future(asyncio.sleep(10))
            if item == 0:
                helper.cancel()
                await helper
            helper.cancel()
            seen.append(item)

        it = box(handler, troubles)
        it.put(0)
        it.put(1)
        await settle()

        assert seen == [1]
        assert troubles.kinds == [asyncio.CancelledError]

    run(main())


# Lambdas around coroutine functions


def test_a_lambda_that_returns_a_coroutine_is_awaited_in_order():
    async def main():
        seen = []
        handler = collecting(seen, pause=1)
        it = box(disguised(handler))
        for item in range(4):
            assert it.put(item)
        await asyncio.sleep(1.5)
        assert seen == [0]
        await settle()
        assert seen == [0, 1, 2, 3]
        assert it.handled == 4

    run(main())


def test_a_lambda_that_returns_something_else_is_a_plain_function():
    it = box(lambda item: item)
    it.put(1)
    it.put(2)

    assert it.handled == 2


def test_a_coroutine_that_was_returned_and_never_started_is_closed():
    async def main():
        it = box(disguised(collecting([])))
        it.put(1)
        it.close()
        await settle()
        assert it.handled == 0

    run(main())
    gc.collect()  # an unawaited coroutine would warn, and warnings are errors


def test_a_future_that_was_returned_and_is_not_wanted_is_left_alone():
    async def main():
        future = asyncio.get_running_loop().create_future()
        it = box(lambda item: future)
        it.put(1)
        it.close()
        await settle()
        assert not future.cancelled()

    run(main())


# Conflation and room


def test_of_states_that_wait_only_the_newest_is_kept():
    async def main():
        seen = []
        it = box(collecting(seen, pause=1))
        for item in range(5):
            assert it.put(item, "book")
        assert it.depth == 1
        await settle()

        assert seen == [4]
        assert it.conflated == 4

    run(main())


def test_states_of_different_feeds_do_not_replace_each_other():
    async def main():
        seen = []
        it = box(collecting(seen, pause=1))
        for item, key in (("a1", "a"), ("b1", "b"), ("a2", "a")):
            it.put(item, key)
        await settle()

        assert seen == ["a2", "b1"]
        assert it.conflated == 1

    run(main())


def test_a_state_that_is_being_handled_is_not_replaced():
    async def main():
        seen = []
        it = box(collecting(seen, pause=1))
        it.put(1, "book")
        await asyncio.sleep(0.5)
        it.put(2, "book")
        it.put(3, "book")
        await settle()

        assert seen == [1, 3]
        assert it.conflated == 1

    run(main())


def test_states_never_overflow():
    async def main():
        it = box(collecting([]), limit=1)
        assert all(it.put(n, n) for n in range(5))
        assert it.overflowed == 0

    run(main())


def test_events_are_kept_in_order_as_far_as_there_is_room():
    async def main():
        seen = []
        it = box(collecting(seen), limit=3)
        assert it.has_room
        assert [it.put(n) for n in range(5)] == [True, True, True, False, False]
        assert not it.has_room
        assert it.overflowed == 2
        assert it.depth == 3
        await settle()

        assert seen == [0, 1, 2]
        assert it.has_room
        assert it.put(6)

    run(main())


def test_there_is_room_for_ten_thousand_messages():
    async def main():
        it = box(collecting([]))
        assert all(it.put(n) for n in range(10_000))
        assert not it.put(0)

    assert DEFAULT_LIMIT == 10_000
    run(main())


def test_news_of_a_gap_is_an_event_and_no_message():
    seen = []
    it = box(seen.append)
    it.put_gap("gap")

    assert seen == []
    assert it.depth == 0


def test_news_of_gaps_takes_bounded_room_however_late_its_reader_is():
    class Away:
        def post(self, callback):
            pass

    told = []
    it = box(print, home=Away(), before_gap=lambda: told.append("gap"), limit=5)
    for _ in range(1000):
        it.put_gap("gap")

    assert it.depth == 10
    it.catch_up()
    assert told == ["gap"] * 10


# The end


def test_nothing_is_handled_after_closing_queued_messages_included():
    async def main():
        seen = []
        it = box(collecting(seen, pause=1))
        for item in range(3):
            it.put(item)
        it.put("state", "book")
        await asyncio.sleep(0.5)
        it.close()
        assert it.is_closed
        assert it.depth == 0
        assert it.put(9)
        await settle()

        assert seen == [0]  # it was running
        assert it.depth == 0

    run(main())


def test_a_plain_function_is_not_called_after_closing():
    seen = []
    it = box(seen.append)
    it.close()

    assert it.put(1)
    assert it.put(2, "book")
    assert seen == []


def test_finishing_waits_for_what_runs_and_what_waits():
    async def main():
        seen = []
        it = box(collecting(seen, pause=0.2))
        for item in range(3):
            it.put(item)
        assert await it.finish(1.0) == []

        assert seen == [0, 1, 2]
        assert asyncio.get_running_loop().time() == pytest.approx(0.6)

    run(main())


def test_finishing_cancels_what_takes_too_long():
    async def main():
        seen, cancelled = [], []

        async def handler(item):
            seen.append(item)
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                cancelled.append(item)
                raise

        it = box(handler)
        for item in (0, 1, 2):
            it.put(item)
        it.put("state", "book")
        dropped = await it.finish(1.0)

        assert (seen, cancelled) == ([0], [0])
        assert dropped == [0, 1, 2, "state"]
        assert asyncio.get_running_loop().time() == pytest.approx(1.0)
        assert it.depth == 0
        assert it.task is None

    run(main())


def test_finishing_is_bounded_even_if_the_handler_will_not_be_cancelled():
    async def main():
        async def handler(item):
            until = asyncio.get_running_loop().time() + 100
            while asyncio.get_running_loop().time() < until:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    continue

        it = box(handler)
        it.put(0)
        it.put(1)
        assert await it.finish(1.0) == [1]  # the first is still being handled
        assert asyncio.get_running_loop().time() == pytest.approx(2.0)
        await asyncio.sleep(200)

    run(main())


@pytest.mark.parametrize("error", [None, ValueError("bad")])
def test_a_message_whose_call_ends_although_it_is_cancelled_is_handled(troubles, error):
    async def main():
        async def handler(item):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if error is not None:
                    raise error from None

        it = box(handler, troubles)
        it.put(0)
        it.put(1)

        assert await it.finish(1.0) == [1]
        assert [it for _, it in troubles] == ([error] if error else [])

    run(main())


def test_the_message_of_a_lambda_that_is_cancelled_comes_to_nothing_too():
    async def main():
        it = box(disguised(collecting([], pause=3600)))
        for item in range(3):
            it.put(item)

        assert await it.finish(1.0) == [0, 1, 2]
        assert it.depth == 0

    run(main())


def test_news_of_a_gap_is_not_among_what_comes_to_nothing():
    class Home:
        def post(self, callback):
            callback()

    async def main():
        it = box(collecting([], pause=3600), home=Home(), before_gap=lambda: None)
        it.put(0)
        await asyncio.sleep(0)
        it.put(1)
        it.put_gap("gap")
        it.put(2)

        assert await it.finish(1.0) == [0, 1, 2]

    run(main())


def test_finishing_an_idle_handler_returns_at_once():
    async def main():
        await box(collecting([])).finish(1.0)
        assert asyncio.get_running_loop().time() == 0.0

    run(main())


def test_a_handler_may_ask_to_finish_itself():
    async def main():
        done = []

        async def handler(item):
            await it.finish(1.0)
            done.append(item)

        it = box(handler)
        it.put(1)
        await settle()
        assert done == [1]

    run(main())


def test_a_finished_mailbox_goes_on_afterwards():
    async def main():
        seen = []
        it = box(collecting(seen))
        await it.finish(1.0)
        it.put(1)
        await settle()
        assert seen == [1]
        assert not it.is_closed

    run(main())


def test_a_coroutine_of_a_lambda_that_never_began_is_closed_on_finishing():
    async def main():
        it = box(disguised(collecting([])))
        it.put(1)
        await it.finish(0)
        await settle()

    run(main())
    gc.collect()


# How long it takes


class Clock:
    """Seconds that pass when a handler says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("bistoury.mailbox.perf_counter", clock)
    return clock


@pytest.mark.parametrize("is_coroutine", [False, True])
def test_a_slow_call_is_told_of_and_all_are_counted(troubles, clock, is_coroutine):
    def spend(seconds):
        clock.now += seconds

    async def spend_later(seconds):
        spend(seconds)

    handler = spend_later if is_coroutine else spend

    async def main():
        it = box(handler, troubles)
        for seconds in (0.25, SLOW_AFTER, 0.5):
            it.put(seconds)
        await settle()
        return it

    it = run(main())
    assert it.busy == 0.75 + SLOW_AFTER
    assert it.slowest == SLOW_AFTER
    waiting = 1 if is_coroutine else 0
    assert troubles.slow == [(handler, SLOW_AFTER, waiting)]


@pytest.mark.parametrize("is_coroutine", [False, True])
def test_the_time_of_a_call_that_raises_counts(troubles, clock, is_coroutine):
    def spend(seconds):
        clock.now += seconds
        raise ValueError

    async def spend_later(seconds):
        spend(seconds)

    async def main():
        it = box(spend_later if is_coroutine else spend, troubles)
        it.put(SLOW_AFTER)
        await settle()
        return it

    it = run(main())
    assert (it.busy, it.slowest) == (SLOW_AFTER, SLOW_AFTER)
    assert len(troubles.slow) == len(troubles) == 1


# In another thread than the connection


class Home:
    """Another thread, as far as a mailbox can tell."""

    def __init__(self):
        self.posted = []

    def post(self, callback):
        self.posted.append(callback)


def test_at_home_a_plain_function_is_called_by_whoever_lives_there():
    async def main():
        seen, home = [], Home()
        it = box(seen.append, home=home)
        for item in range(3):
            assert it.put(item)
        assert seen == []
        assert it.depth == 3
        (begin,) = home.posted
        begin()
        assert seen == [0, 1, 2]
        it.put(3)
        home.posted[1]()
        assert seen == [0, 1, 2, 3]

    run(main())


def test_at_home_the_loop_gets_a_turn_after_each_slow_call(clock):
    async def main():
        seen, turns, home = [], [], Home()

        def slow(item):
            clock.now += 1.0
            seen.append(item)
            asyncio.get_running_loop().call_soon(turns.append, item)

        it = box(slow, home=home)
        for item in range(5):
            it.put(item)
        home.posted[0]()
        assert seen == [0]
        await asyncio.sleep(0)
        assert (seen, turns) == ([0, 1], [0])
        await settle()
        assert seen == turns == list(range(5))
        assert len(home.posted) == 1

    run(main())


def test_at_home_a_coroutine_function_is_awaited_there():
    async def main():
        seen, home = [], Home()
        it = box(collecting(seen), home=home)
        it.put(1)
        it.put(2)
        assert it.task is None
        home.posted[0]()
        await settle()
        assert seen == [1, 2]

    run(main())


def test_at_home_a_lambda_around_a_coroutine_function_stays_in_order():
    async def main():
        seen, home = [], Home()
        it = box(disguised(collecting(seen, pause=1)), home=home)
        for item in range(4):
            it.put(item)
        home.posted[0]()
        await settle()
        assert seen == [0, 1, 2, 3]

    run(main())


def test_at_home_nothing_is_called_after_closing():
    async def main():
        seen, home = [], Home()
        it = box(seen.append, home=home)
        it.put(1)
        it.close()
        home.posted[0]()
        await settle()
        assert seen == []

    run(main())


def test_at_home_a_gap_is_heard_of_before_what_comes_after_it():
    async def main():
        seen, home = [], Home()
        events = box(seen.append, home=home)
        it = box(seen.append, home=home, before_gap=events.catch_up)
        it.put("before")
        events.put("gap")
        it.put_gap("gap")
        it.put("after")
        home.posted[0]()  # the messages' turn comes first
        assert seen == ["before", "gap", "after"]
        home.posted[1]()
        assert seen == ["before", "gap", "after"]

    run(main())


def test_at_home_a_coroutine_function_waits_for_the_news_of_a_gap():
    async def main():
        seen, home = [], Home()
        events = box(seen.append, home=home)
        it = box(collecting(seen), home=home, before_gap=events.catch_up)
        it.put("before")
        events.put("gap")
        it.put_gap("gap")
        it.put("after")
        home.posted[0]()
        await settle()
        assert seen == ["before", "gap", "after"]

    run(main())


def test_a_mailbox_whose_handler_was_cancelled_is_woken_again():
    async def main():
        seen = []

        async def handler(item):
            seen.append(item)
            await asyncio.sleep(3600)

        it = box(handler)
        it.put(0)
        await it.finish(1.0)
        it.put(1)
        await asyncio.sleep(1)
        await it.finish(1.0)
        assert seen == [0, 1]

    run(main())
