from __future__ import annotations

import asyncio
import time

import pytest

from bistoury.errors import ConfigError
from bistoury.hyperliquid.rest_budget import WeightBudget
from bistoury.session.budget import Window


def started(coroutine):
    task = asyncio.ensure_future(coroutine)
    task.set_name("taker")
    return task


async def settled():
    """Let every task run until it waits for something."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_fits_is_spent_at_once():
    budget = WeightBudget(Window(40))

    assert await budget.take("meta", 20, 0) == 0
    assert await budget.take("meta", 20, 0) == 0
    assert budget.window.used(time.monotonic()) == 40


async def test_what_does_not_fit_waits_until_the_window_moves_on():
    budget = WeightBudget(Window(40, seconds=0.1))
    begin = time.monotonic()
    for _ in range(5):
        await budget.take("meta", 20, 0)

    assert time.monotonic() - begin >= 0.2


async def test_the_worst_case_is_held_until_the_answer_is_known():
    budget = WeightBudget(Window(100))
    held = await budget.take("userFills", 20, 60)
    second = started(budget.take("userFills", 20, 60))
    await settled()
    assert not second.done()

    budget.settle(held, 0)

    assert await asyncio.wait_for(second, 5) == 60


async def test_what_the_answer_cost_is_spent():
    budget = WeightBudget(Window(100))
    held = await budget.take("userFills", 20, 60)
    budget.settle(held, 7)

    assert budget.window.used(time.monotonic()) == 27


async def test_a_worst_case_beyond_the_limit_is_held_as_far_as_it_goes():
    budget = WeightBudget(Window(30))

    assert await budget.take("userFills", 20, 100) == 10


async def test_who_asks_first_is_served_first():
    budget = WeightBudget(Window(20, seconds=0.05))
    served = []

    async def take(name):
        await budget.take(name, 20, 0)
        served.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(take(name))

    assert served == ["a", "b", "c"]


async def test_who_stops_waiting_takes_nothing():
    budget = WeightBudget(Window(20))
    await budget.take("meta", 20, 0)
    waiting = started(budget.take("meta", 20, 0))
    await settled()
    waiting.cancel()
    await asyncio.wait([waiting])

    assert budget.window.used(time.monotonic()) == 20


async def test_what_never_fits_is_refused_with_a_sentence():
    budget = WeightBudget(Window(10))

    with pytest.raises(ConfigError, match="at least 20, which is what meta costs"):
        await budget.take("meta", 20, 0)


async def test_a_pause_holds_everything_back():
    budget = WeightBudget(Window(1200))
    budget.pause(0.1)
    budget.pause(0.0)
    begin = time.monotonic()
    assert 0 < budget.pause_left <= 0.1

    await budget.take("meta", 20, 0)

    assert time.monotonic() - begin >= 0.099
    assert budget.pause_left == 0


def test_it_works_on_one_loop_after_the_other():
    budget = WeightBudget(Window(40, seconds=0.05))

    async def contend():
        await asyncio.gather(*(budget.take("meta", 20, 10) for _ in range(2)))

    async def once():
        # Held by a loop that ends before the answer comes.
        await budget.take("meta", 20, 20)

    asyncio.run(once())
    asyncio.run(asyncio.wait_for(once(), 5))
    assert budget.window.used(time.monotonic()) <= 40
