"""What time it is at the venue."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bistoury.paper_trading.clock import Alarm, VenueClock
from bistoury.testing.virtual_time import run


def test_the_quickest_message_shows_the_difference():
    clock = VenueClock()
    assert not clock.is_known
    clock.heard(1_000_500, 1.0)  # 500 ms under way at worst
    clock.heard(1_001_900, 2.0)
    assert clock.is_known
    assert clock.now(2.0) == 1_001_900
    assert clock.now(3.5) == 1_003_400


def test_a_late_message_does_not_put_it_back():
    clock = VenueClock()
    clock.heard(10_000, 1.0)
    clock.heard(10_000, 9.0)
    assert clock.now(9.0) == 18_000


def test_a_clock_that_drifts_is_followed():
    # Ours is fast by a thousandth: an hour would make an age of 3.6 s out of nothing.
    clock = VenueClock()
    for second in range(3600):
        clock.heard(second * 1000, second * 1.001)
    assert abs(clock.now(3599 * 1.001) - 3_599_000) <= 150


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.floats(0, 50)), min_size=1, max_size=50
    )
)
def test_it_never_goes_back(messages):
    clock, now, last = VenueClock(), 0.0, 0
    for time, wait in messages:
        now += wait
        clock.heard(time, now)
        assert clock.now(now) >= last
        last = clock.now(now)


def test_an_alarm_rings_once_at_the_earliest_moment_that_was_set():
    async def main():
        loop, rung = asyncio.get_running_loop(), []
        began = loop.time()
        alarm = Alarm(lambda: rung.append(round(loop.time() - began, 3)))
        for after in (5, 2, 3):
            alarm.set(after)
        await asyncio.sleep(10)
        assert rung == [2]
        alarm.set(-1)
        await asyncio.sleep(0.1)
        assert rung == [2, 10]
        alarm.set(1)
        alarm.stop()
        await asyncio.sleep(10)
        assert rung == [2, 10]

    run(main())
