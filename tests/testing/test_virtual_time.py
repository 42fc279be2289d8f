from __future__ import annotations

import asyncio
import time

import pytest

from bistoury.testing.virtual_time import DeadlockError, VirtualTimeLoop, run


def test_an_hour_takes_no_time():
    async def main():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3600)
        return loop.time()

    began = time.monotonic()
    assert run(main()) == 3600.0
    assert time.monotonic() - began < 1.0


def test_timers_fire_in_order_at_their_moments():
    story = []

    async def main():
        loop = asyncio.get_running_loop()
        for delay in (3.0, 1.0, 2.0):
            loop.call_later(delay, lambda: story.append(loop.time()))
        await asyncio.sleep(5)

    run(main())
    assert story == [1.0, 2.0, 3.0]


def test_timeouts_follow():
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.sleep(11)
        return asyncio.get_running_loop().time()

    assert run(main()) == 10.0


def test_a_deadlock_raises():
    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run(main())


def test_rounding_does_not_leave_a_timer_short_of_due():
    async def main():
        loop = asyncio.get_running_loop()
        for _ in range(2_000):
            await asyncio.sleep(0.1)
        return loop.time()

    assert run(main()) == pytest.approx(200.0)


def test_executors_run_inline():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(None, divmod, 7, 2)
        assert future.done()
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, divmod, 7, 0)
        assert await asyncio.to_thread(sum, [1, 2]) == 3
        return await future

    assert run(main()) == (3, 1)


def test_names_are_not_looked_up():
    async def main():
        return await asyncio.get_running_loop().getaddrinfo("venue.test", 443)

    ((_, _, _, _, address),) = run(main())
    assert address == ("venue.test", 443)


def test_the_same_program_takes_the_same_steps():
    async def main():
        story = []

        async def worker(name, pace):
            for _ in range(50):
                await asyncio.sleep(pace)
                story.append((name, asyncio.get_running_loop().time()))

        await asyncio.gather(*(worker(n, 0.1 + n / 7) for n in range(5)))
        return story

    assert run(main()) == run(main())


def test_sockets_are_not_watched():
    loop = VirtualTimeLoop()
    try:
        left, right = __import__("socket").socketpair()
        with left, right:
            right.send(b"x")
            loop.add_reader(left, lambda: pytest.fail("watched"))
            loop.run_until_complete(asyncio.sleep(10))
            assert loop.remove_reader(left)
            assert not loop.remove_reader(left)
    finally:
        loop.close()
