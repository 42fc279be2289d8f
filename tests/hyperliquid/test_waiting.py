"""Waiting until something is true."""

import asyncio

import pytest

from bistoury.hyperliquid.waiting import Departures, Waiting
from bistoury.testing.virtual_time import run


def test_what_is_true_already_is_not_waited_for():
    async def main():
        assert await Waiting().until(lambda: True, 0) is True

    run(main())


def test_it_ends_when_a_look_finds_it_true():
    async def main():
        waiting, facts = Waiting(), []
        task = asyncio.create_task(waiting.until(lambda: bool(facts), None))
        await asyncio.sleep(5)
        waiting.look()
        assert not task.done()
        facts.append(1)
        waiting.look()
        waiting.look()
        assert await task is True
        assert waiting._waiters == {}

    run(main())


@pytest.mark.parametrize("late", [False, True])
def test_at_the_timeout_the_truth_counts(late):
    async def main():
        waiting, facts = Waiting(), []
        task = asyncio.create_task(waiting.until(lambda: bool(facts), 3))
        await asyncio.sleep(2)
        facts.extend([1] * late)  # nobody looked
        assert await task is late
        assert asyncio.get_running_loop().time() == pytest.approx(3)
        assert waiting._waiters == {}

    run(main())


def test_a_cancelled_wait_leaves_nothing_behind():
    async def main():
        waiting = Waiting()
        task = asyncio.create_task(waiting.until(lambda: False, None))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert waiting._waiters == {}
        waiting.look()

    run(main())


def test_the_waiters_of_a_dead_loop_are_forgotten():
    waiting = Waiting()

    async def abandoned():
        asyncio.get_running_loop().create_task(waiting.until(lambda: False, None))
        await asyncio.sleep(0)

    asyncio.run(abandoned())
    waiting.clear()
    waiting.look()
    assert waiting._waiters == {}


def test_who_comes_waits_for_who_leaves():
    async def main():
        departures, leave = Departures(), asyncio.Event()

        async def depart():
            with departures.one():
                await leave.wait()

        assert await departures.are_over()
        leaving = [asyncio.create_task(depart()) for _ in range(2)]
        await asyncio.sleep(1)
        coming = asyncio.create_task(departures.are_over())
        await asyncio.sleep(1)
        assert not coming.done()
        leave.set()
        assert await coming
        assert all(it.done() for it in leaving)

    run(main())


def test_who_leaves_while_another_one_waits_has_the_last_word():
    async def main():
        departures, leave = Departures(), asyncio.Event()

        async def depart():
            with departures.one():
                await leave.wait()

        tasks = [asyncio.create_task(depart())]
        await asyncio.sleep(1)
        coming = asyncio.create_task(departures.are_over())
        await asyncio.sleep(1)
        tasks.append(asyncio.create_task(depart()))
        await asyncio.sleep(1)
        leave.set()
        assert not await coming

    run(main())


def test_what_a_dead_loop_left_behind_is_not_waited_for():
    departures = Departures()

    async def leave():
        departures.one().__enter__()

    async def come():
        return await departures.are_over()

    run(leave())
    assert run(come())
