from __future__ import annotations

import asyncio
import threading
import time

import pytest

from bistoury.io_thread import IoThread

NOWHERE = (False, False, False)


def here():
    return threading.current_thread().name


class Orphanage:
    """Hears that a loop is gone."""

    def __init__(self):
        self.heard = []

    def __call__(self):
        self.heard.append(here())


@pytest.fixture
def orphanage():
    return Orphanage()


@pytest.fixture
async def io(orphanage):
    it = IoThread(orphanage)
    it.start(asyncio.get_running_loop())
    yield it
    await it.stop()
    assert "bistoury-io" not in {thread.name for thread in threading.enumerate()}


async def where():
    await asyncio.sleep(0)
    return here()


async def test_work_runs_in_a_daemon_thread_of_its_own(io):
    assert await io.run(where()) == "bistoury-io"
    assert io.call(here) == "bistoury-io"
    (thread,) = [it for it in threading.enumerate() if it.name == "bistoury-io"]
    assert thread.daemon


async def test_it_knows_where_its_caller_is(io):
    async def inside():
        return io.is_current, io.is_elsewhere

    assert (io.is_current, io.is_elsewhere, io.is_running) == (False, True, True)
    assert await io.run(inside()) == (True, False)


async def test_it_is_nowhere_before_it_starts_and_after_it_stops():
    it = IoThread(lambda: None)
    assert (it.is_current, it.is_elsewhere, it.is_running) == NOWHERE
    await it.stop()
    it.start(asyncio.get_running_loop())
    it.start(asyncio.get_running_loop())
    await it.stop()
    await it.stop()
    assert (it.is_current, it.is_elsewhere, it.is_running) == NOWHERE


async def test_it_may_start_again(io):
    await io.stop()
    io.start(asyncio.get_running_loop())
    assert await io.run(where()) == "bistoury-io"


async def test_what_work_raises_is_raised_where_it_was_asked_for(io):
    async def bad():
        raise ValueError("bad")

    def worse():
        raise LookupError("worse")

    with pytest.raises(ValueError, match="bad"):
        await io.run(bad())
    with pytest.raises(LookupError, match="worse"):
        io.call(worse)


async def test_cancelling_cancels_there_and_waits_for_it(io):
    steps, begun = [], threading.Event()

    async def work():
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            steps.append("withdrawn")
            raise

    task = asyncio.ensure_future(io.run(work()))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["withdrawn"]


async def test_cancelling_work_that_then_fails_is_still_a_cancellation(io):
    begun = threading.Event()

    async def work():
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ValueError("while giving up") from None

    task = asyncio.ensure_future(io.run(work()))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_loop_that_is_blocked_at_home_does_not_hold_it_up(io):
    ticks = []

    async def tick():
        for _ in range(20):
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    ticking = asyncio.ensure_future(io.run(tick()))
    await asyncio.sleep(0)
    blocked_from = time.monotonic()
    time.sleep(0.5)
    blocked_until = time.monotonic()
    await ticking
    assert sum(blocked_from < it < blocked_until for it in ticks) >= 10


async def test_what_is_posted_is_called_at_home(io):
    called = asyncio.Event()
    names = []

    def note():
        names.append(here())
        called.set()

    io.call(lambda: io.post(note))
    await asyncio.wait_for(called.wait(), 5)
    assert names == [here()]


async def test_stopping_cancels_what_still_runs(io):
    ends, begun = [], threading.Event()

    async def endless():
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ends.append("ended")

    async def start():
        asyncio.get_running_loop().task = asyncio.ensure_future(endless())

    await io.run(start())
    assert await asyncio.to_thread(begun.wait, 5)
    await io.stop()
    assert ends == ["ended"]


def test_it_ends_by_itself_when_the_loop_at_home_is_closed(orphanage):
    it = IoThread(orphanage)

    async def forgetful():
        it.start(asyncio.get_running_loop())

    asyncio.run(forgetful())
    (thread,) = [it for it in threading.enumerate() if it.name == "bistoury-io"]
    thread.join(10)

    assert not thread.is_alive()
    assert orphanage.heard == ["bistoury-io"]
    assert not it.is_running
    it.post(orphanage)  # nobody is there to hear it
    assert orphanage.heard == ["bistoury-io"]
