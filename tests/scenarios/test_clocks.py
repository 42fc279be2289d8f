"""Clocks that jump, processes that sleep, loops that block: in virtual time."""

import asyncio

import pytest

from bistoury.simulator.faults import Cut, Refuse, Silent


def skip(seconds):
    """Let the monotonic clock jump, as if the loop had been blocked."""
    asyncio.get_running_loop()._virtual.now += seconds


class WallClock:
    """A time of day that can be stepped."""

    def __init__(self, scene):
        self.offset = 0.0
        self._venue = scene.venue
        scene.client._supervisor._wall_clock = self

    def __call__(self):
        return self._venue.now() + self.offset


async def stable(scene):
    await scene.client.subscribe_all_mids()
    await scene.client.subscribe_trades("BTC")
    assert await scene.client.connect()
    await scene.client.wait_ready()
    await asyncio.sleep(10.5)  # no frame is under way at half a second


@pytest.mark.parametrize("sees_it", ["both clocks", "wall clock"])
@pytest.mark.parametrize("slept", [6, 60, 600, 8 * 3600])
def test_f28_after_a_nap_on_a_dead_connection_the_client_is_live_within_five_seconds(
    stage, sees_it, slept
):
    async def scenario(scene):
        wall = WallClock(scene)
        await stable(scene)
        number = scene.inject(Silent(connection=1))
        if sees_it == "both clocks":
            skip(slept)
        else:
            wall.offset += slept
        woke = scene.now
        scene.awake()
        await scene.until(lambda: scene.losses, within=5)
        assert scene.losses == ["suspended"]
        await scene.live(within=5)
        assert scene.now - woke <= 3 + 1 + 1.25 + 0.1
        # The back-off began anew.
        assert stage.fitting(scene.delays[-1], 1.0)
        scene.exchange.heal(scene.venue.now(), number)

    stage.play(scenario)


def test_f28_what_was_buffered_before_the_nap_is_no_answer_to_the_probe(stage):
    async def scenario(scene):
        WallClock(scene)
        await stable(scene)
        # Two frames wait in the socket's buffer while the process is stopped.
        (old,) = scene.venue._ends.values()
        scene.inject(Silent(connection=1))
        skip(60)
        scene.awake()
        await scene.until(lambda: scene.client._session._clocks.is_probing, within=1)
        for _ in range(2):
            old.send(b'{"channel":"allMids","data":{"mids":{"BTC":"1"}}}')
        await scene.until(lambda: scene.losses, within=5)
        assert scene.losses == ["suspended"]

    stage.play(scenario)


@pytest.mark.parametrize("slept", [600, 7200])
def test_f28_a_nap_in_back_off_ends_the_waiting(stage, slept):
    async def scenario(scene):
        wall = WallClock(scene)
        await stable(scene)
        scene.inject(Refuse())
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: scene.delays and scene.delays[-1] > 40)
        await asyncio.sleep(1)
        scene.heal()
        # Only the time of day went on while the lid was shut.
        wall.offset += slept
        skip(scene.stats["next_attempt_in_seconds"])
        woke = scene._mended_at = scene.now
        await scene.live(within=10)
        assert scene.now - woke <= 5

    stage.play(scenario)


@pytest.mark.parametrize("slept", [6, 59])
def test_f28_after_a_nap_on_a_connection_that_survived_nothing_is_lost(stage, slept):
    async def scenario(scene):
        await stable(scene)
        skip(slept)
        await asyncio.sleep(60)
        assert scene.losses == []
        assert scene.client.is_connected()

    stage.play(scenario)


@pytest.mark.parametrize("step", [3600, -3600, 7, -7, 86400 * 365])
def test_f29_a_stepped_clock_costs_nothing(stage, step):
    async def scenario(scene):
        wall = WallClock(scene)
        await stable(scene)
        for _ in range(5):
            wall.offset += step
            await asyncio.sleep(30)
        assert scene.losses == []
        assert scene.exchange.counters["connected"] == 1
        assert scene.events("down") == []

    stage.play(scenario)


def test_f29_a_clock_that_drifts_costs_nothing(stage):
    async def scenario(scene):
        wall = WallClock(scene)
        await stable(scene)
        for _ in range(3600):
            wall.offset += 0.5
            await asyncio.sleep(1)
        assert scene.losses == []

    stage.play(scenario)


@pytest.mark.parametrize("blocked", [10, 30, 59])
def test_f31_a_handler_that_blocks_the_loop_does_not_cost_the_connection(
    stage, blocked
):
    async def scenario(scene):
        seen = []
        blocking = []
        lags = []

        def block(message):
            seen.append(message)
            if len(seen) % 10 == 0 and len(blocking) < 5:
                blocking.append(1)
                skip(blocked)

        await stable(scene)
        await scene.client.subscribe_trades("ETH", block)

        async def watch():
            while True:
                health = await scene.client.get_connection_health()
                lags.append(health["loop_lag_seconds"])
                await asyncio.sleep(0.2)

        watching = asyncio.create_task(watch())
        await scene.until(lambda: len(blocking) == 5)
        await asyncio.sleep(30)
        watching.cancel()
        assert scene.losses == []
        assert scene.exchange.counters["connected"] == 1
        assert max(lags) >= blocked - 2

    stage.play(scenario)
