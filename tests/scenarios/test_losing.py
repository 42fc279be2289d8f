"""How a connection is lost, how that is noticed, and when the next attempt comes."""

import asyncio
from itertools import pairwise
from random import Random

import pytest

from bistoury import (
    ConnectFailedError,
    ConnectionCircuitBreaker,
    HyperLiquidIntegration,
)
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Flap, RateLimit, Refuse, Silent
from bistoury.simulator.settings import Limits, Settings, many_coins
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run


async def followed(scene):
    """Want a feed that promises data, and one of which nothing may be lost."""
    await scene.client.subscribe_all_mids()
    await scene.client.subscribe_trades("BTC")


async def stable(scene):
    """Connect, and be forgiven what was before."""
    await followed(scene)
    assert await scene.client.connect()
    await scene.client.wait_ready()
    await asyncio.sleep(6)


def test_f01_a_rotation_by_the_server_costs_one_short_gap(stage):
    async def scenario(scene):
        await stable(scene)
        scene.inject(Cut(how="close", code=1000, reason="Expired"))
        began = scene.now
        await scene.until(lambda: len(scene.events("ready")) == 2)
        assert scene.now - began < 2
        assert scene.losses == ["server_rotation"]
        assert stage.fitting(scene.delays[0], 1.0)
        assert (
            not scene.events("degraded")
            + scene.events("down")
            + scene.events("breaker")
        )

    stage.play(scenario)


def test_f01_the_end_of_a_connections_life_is_survived_again_and_again(stage):
    async def scenario(scene):
        await stable(scene)
        await asyncio.sleep(4 * 3600)
        assert set(scene.losses) == {"server_rotation"}
        assert 6 <= len(scene.losses) <= 8
        assert all(stage.fitting(delay, 1.0) for delay in scene.delays)
        assert scene.client.is_connected()

    stage.play(scenario, Settings(coins=("BTC",), trade_rate=0.01, max_life=1800.0))


@pytest.mark.parametrize(
    ("fault", "cause", "code"),
    [
        (Cut(how="close", code=1001), "server_rotation", 1001),
        (Cut(how="close", code=1012), "server_rotation", 1012),
        (Cut(how="close", code=1000, reason="Inactive"), "idle_timeout", 1000),
        (Cut(how="close", code=1011), "server_error", 1011),
        (Cut(how="close", code=4321), "network", 4321),
        (Cut(how="rst"), "network", None),
        (Cut(how="eof"), "network", None),
    ],
)
def test_f02_every_end_has_its_cause_and_the_attempts_keep_the_schedule(
    stage, fault, cause, code
):
    async def scenario(scene):
        await stable(scene)
        scene.inject(Refuse(status=503))
        scene.inject(fault)
        await asyncio.sleep(400)
        assert scene.losses == [cause]
        assert scene.events("disconnected")[0].code == code
        nominal = [1, 2, 4, 8, 16, 32, 60, 60, 60]
        delays = scene.delays[: len(nominal)]
        assert all(map(stage.fitting, delays, nominal)), delays
        assert len(set(delays)) == len(delays)
        scene.heal()
        began = scene.now
        await scene.live()
        assert scene.now - began <= 60 * 1.25 + 2

    stage.play(scenario)


def test_f02_over_sockets_too(stage):
    async def main():
        async with stage.sockets() as scene:
            scene.client.reconnect_delay = scene.client.max_reconnect_delay = 0.05
            await followed(scene)
            assert await scene.client.connect()
            faults = [
                Cut(how="rst"),
                Cut(how="eof"),
                Cut(how="close", code=1001),
                Cut(how="close", code=1012),
                Cut(how="close", code=1011, reason="internal error"),
            ]
            for number, fault in enumerate(faults, start=1):
                await scene.client.wait_ready()
                scene.inject(fault)
                await scene.until(lambda n=number: len(scene.losses) == n, within=20)
                await scene.live(within=20)
            causes = ["network"] * 2 + ["server_rotation"] * 2 + ["server_error"]
            assert scene.losses == causes
            assert len(scene.exchange.subscriptions()) == 1

    asyncio.run(main())


def test_f03_too_many_requests_slows_the_client_down(stage):
    async def scenario(scene):
        for coin in ("BTC", "ETH"):
            await scene.client.subscribe_trades(coin)
        await stable(scene)
        scene.inject(RateLimit(how="close"), 20)
        began = scene.now
        await scene.until(lambda: scene.losses)
        assert scene.losses == ["rate_limited"]
        assert scene.events("disconnected")[0].code == 1008
        # Two steps are skipped: four seconds instead of one.
        assert stage.fitting(scene.delays[0], 4.0)
        await scene.live()
        await asyncio.sleep(30)
        steps = [4, 32, 60]
        assert all(map(stage.fitting, scene.delays, steps)), scene.delays
        assert all(delay <= 60 * 1.25 for delay in scene.delays)
        assert scene.client.is_connected()
        # The venue takes every message for one too many until 20 s have passed, so
        # a second attempt within them is closed too. After them there is none.
        refused = [
            at
            for at, it in zip(
                scene.times("disconnected"), scene.events("disconnected"), strict=True
            )
            if it.code == 1008
        ]
        assert all(at <= began + 20 for at in refused)
        assert len(refused) <= 2

    stage.play(scenario)


def test_f03_a_burst_that_was_one_too_many_is_not_repeated(stage):
    """The venue closes once for a burst; the restore is no second one."""

    async def scenario(scene):
        for coin in many_coins(60):
            await scene.client.subscribe_trades(coin)
        await stable(scene)
        received = scene.exchange.counters["received"]
        scene.inject(Cut(how="close", code=1008, reason="Too many requests"))
        await scene.until(lambda: len(scene.events("ready")) == 2)
        assert stage.fitting(scene.delays[0], 4.0)
        # A ping or two and each subscription once; never more than the window has.
        assert scene.exchange.counters["received"] - received <= 61 + 2
        await asyncio.sleep(120)
        assert scene.losses == ["rate_limited"]
        assert [it.code for it in scene.events("disconnected")] == [1008]

    settings = Settings(
        coins=many_coins(60), trade_rate=0.2, limits=Limits(messages_per_minute=150)
    )
    stage.play(scenario, settings)


@pytest.mark.parametrize("lasts", [None, 30.0])
def test_f04_a_black_hole_is_noticed_by_the_missing_pong(stage, lasts):
    async def scenario(scene):
        await stable(scene)
        began = scene.now
        scene.inject(Silent(), lasts)
        await scene.until(lambda: scene.losses, within=26)
        assert scene.now - began <= 25
        assert scene.losses == ["silent"]
        assert "nothing heard for" in scene.events("disconnected")[0].reason
        scene.heal()
        await scene.live()

    stage.play(scenario)


def test_f05_a_one_way_black_hole_is_noticed_although_we_keep_sending(stage):
    async def scenario(scene):
        await stable(scene)
        began = scene.now
        scene.inject(Silent(direction="out"))

        async def chatter():
            while True:
                task = asyncio.create_task(scene.client.subscribe_trades("BTC"))
                await asyncio.sleep(0.5)
                task.cancel()
                await asyncio.sleep(0.5)

        talking = asyncio.create_task(chatter())
        await scene.until(lambda: scene.losses, within=26)
        talking.cancel()
        assert scene.now - began <= 25
        assert scene.losses == ["silent"]

    stage.play(scenario)


def test_f06_pongs_without_data_are_not_enough_where_data_is_promised(stage):
    async def scenario(scene):
        await stable(scene)
        began = scene.now
        scene.inject(Silent(direction="out", what=("data",)))
        await scene.until(lambda: scene.losses, within=60)
        # The message timeout of 30 s, counted from the last message there was.
        assert scene.now - began <= 31.1
        assert scene.losses == ["silent"]
        assert "no messages for 30 s" in scene.events("disconnected")[0].reason
        # It was said to be stale before, and asked for again.
        assert [it.rung for it in scene.events("stale")] == ["warn", "resubscribe"]

    stage.play(scenario)


def test_f06_the_rungs_come_in_order(stage):
    async def scenario(scene):
        await stable(scene)
        scene.client.set_message_timeout(3600)
        scene.inject(Silent(direction="out", what=("data",)))
        await scene.until(lambda: scene.losses, within=600)
        rungs = [it.rung for it in scene.events("stale")]
        assert rungs == ["warn", "resubscribe", "resubscribe", "reconnect"]
        assert scene.losses == ["stale"]

    stage.play(scenario)


def test_f06_a_mute_venue_costs_few_connections_an_hour(stage):
    async def scenario(scene):
        await stable(scene)
        scene.inject(Silent(direction="out", what=("data",)))
        await asyncio.sleep(3600)
        assert len(scene.losses) <= 12
        assert scene.client.is_connected()
        assert scene.events("degraded")
        health = await scene.client.get_connection_health()
        assert health["is_healthy"] is False
        scene.heal()
        await scene.live()
        await asyncio.sleep(60)
        assert (await scene.client.get_connection_health())["is_healthy"] is True

    stage.play(scenario)


def test_f17_an_open_door_that_leads_nowhere_is_tried_ever_more_rarely(stage):
    async def scenario(scene):
        scene.inject(Flap(after=0.0))
        await followed(scene)
        assert await scene.client.connect() is False
        await asyncio.sleep(3600)
        attempts = scene.exchange.counters["connected"]
        assert 55 <= attempts <= 90
        assert [it.state for it in scene.events("breaker")][:1] == ["open"]
        assert scene.stats["circuit_breaker"] in {"open", "half_open"}
        assert len(scene.events("ready")) == 0
        times = scene.times("connected")
        assert min(b - a for a, b in pairwise(times)) >= 0.75
        scene.heal()
        began = scene.now
        await scene.live()
        assert scene.now - began <= 60 * 1.25 + 2
        await asyncio.sleep(6)
        assert scene.stats["circuit_breaker"] == "closed"

    stage.play(scenario)


def test_f17_a_breaker_that_was_handed_over_lets_one_probe_through_per_timeout(stage):
    async def scenario(scene):
        scene.inject(Flap(after=0.0))
        await scene.client.connect()
        await asyncio.sleep(3600)
        assert scene.exchange.counters["connected"] <= 5 + 3600 / 300 + 1
        assert {it.state for it in scene.events("breaker")} >= {"open", "half_open"}
        scene.heal()
        began = scene.now
        await scene.live()
        assert scene.now - began <= 300 + 60 * 1.25 + 2
        await asyncio.sleep(6)
        assert scene.stats["circuit_breaker"] == "closed"

    breaker = ConnectionCircuitBreaker(5, 300)
    stage.play(scenario, circuit_breaker=breaker)


@pytest.mark.parametrize("after", [0.5, 3.0, 4.5])
def test_f18_a_flapping_connection_does_not_reset_the_back_off(stage, after):
    async def scenario(scene):
        scene.inject(Flap(after=after))
        await followed(scene)
        await scene.client.connect()
        await asyncio.sleep(900)
        nominal = [1, 2, 4, 8, 16, 32, *[60] * 20]
        assert len(scene.delays) >= 12
        assert all(map(stage.fitting, scene.delays, nominal)), scene.delays
        assert max(scene.delays) <= 75

    stage.play(scenario)


def test_f18_a_connection_that_lives_longer_than_five_seconds_is_forgiven(stage):
    async def scenario(scene):
        scene.inject(Flap(after=7.0))
        await followed(scene)
        await scene.client.connect()
        await asyncio.sleep(300)
        assert all(stage.fitting(delay, 1.0) for delay in scene.delays)

    stage.play(scenario)


def test_f19_after_a_stable_time_the_first_retry_is_fast(stage):
    async def scenario(scene):
        scene.inject(Refuse(), 120)
        await followed(scene)
        await scene.client.connect()
        await scene.live()
        await asyncio.sleep(600)
        before = len(scene.delays)
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: len(scene.delays) > before)
        assert stage.fitting(scene.delays[before], 1.0)
        assert scene.events("reconnecting")[before].attempt == 1

    stage.play(scenario)


@pytest.mark.parametrize("how", ["http", "tcp", "hang"])
def test_f20_half_an_hour_without_a_server_ends_by_itself(stage, how):
    async def scenario(scene):
        await stable(scene)
        scene.inject(Refuse(how=how), 1800)
        scene.inject(Cut(how="rst"))
        await asyncio.sleep(1800)
        assert not scene.client.is_connected()
        assert len(scene.events("down")) == pytest.approx(30, abs=1)
        assert scene.stats["consecutive_failures"] > 20
        scene.heal()
        began = scene.now
        await scene.live()
        # An attempt that hangs when the server comes back takes its ten seconds.
        hanging = 10 if how == "hang" else 0
        assert scene.now - began <= 60 * 1.25 + 2 + hanging
        await asyncio.sleep(6)
        assert scene.stats["consecutive_failures"] == 0

    stage.play(scenario)


def test_f20_thousands_of_failures_overflow_nothing(stage):
    async def scenario(scene):
        scene.client.reconnect_delay = scene.client.max_reconnect_delay = 2.5
        scene.inject(Refuse())
        await scene.client.connect()
        await asyncio.sleep(8000)
        assert scene.stats["consecutive_failures"] > 3000
        assert all(stage.fitting(delay, 2.5) for delay in scene.delays)
        scene.client.max_reconnect_delay = 60
        await asyncio.sleep(300)
        assert stage.fitting(scene.delays[-1], 60)
        scene.heal()
        await scene.live()

    stage.play(scenario)


def test_f21_a_crowd_that_loses_its_server_does_not_come_back_as_one(stage):
    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",), limits=Limits.none()), 1))
        clients = [
            HyperLiquidIntegration(stage.config(), transport=venue, rng=Random(number))
            for number in range(200)
        ]
        scenes = [stage.scene(client, venue) for client in clients]
        assert all(await asyncio.gather(*(client.connect() for client in clients)))
        await asyncio.sleep(10)
        scenes[0].inject(Cut(how="rst"))
        began = scenes[0].now
        await asyncio.sleep(3)
        assert all(client.is_connected() for client in clients)
        back = sorted(scene.times("connected")[-1] - began for scene in scenes)
        assert back[0] >= 0.75
        assert back[-1] <= 1.3
        # Spread evenly it would be 40 in a tenth of a second.
        crowd = max(sum(at <= it < at + 0.1 for it in back) for at in back)
        assert crowd <= 70
        noticed = min(scenes[0].times("disconnected")) - began
        stage.note(notice=noticed, recover=back[-1])
        await asyncio.gather(*(client.disconnect() for client in clients))
        venue.stop()

    run(main())


def test_f22_retry_after_is_kept(stage):
    async def scenario(scene):
        await stable(scene)
        scene.inject(Refuse(status=429, retry_after=20), 5)
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: len(scene.delays) == 2)
        lost = scene.events("disconnected")[1]
        assert (str(lost.cause), lost.code) == ("rate_limited", 429)
        assert 20 <= scene.delays[1] <= 25
        refused, began = scene.exchange.counters["refused"], scene.now
        await asyncio.sleep(19.9)
        assert scene.exchange.counters["refused"] == refused
        assert scene.exchange.counters["connected"] == 1
        await scene.live()
        assert 20 <= scene.now - began <= 27

    stage.play(scenario)


def test_f22_without_retry_after_two_steps_are_skipped(stage):
    async def scenario(scene):
        await stable(scene)
        scene.inject(Refuse(status=429), 3)
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: len(scene.delays) == 2)
        assert stage.fitting(scene.delays[0], 1.0)
        assert stage.fitting(scene.delays[1], 8.0)

    stage.play(scenario)


class Failing:
    """A transport that cannot open anything for a while."""

    def __init__(self, venue, error, until):
        self._venue = venue
        self._error = error
        self._until = until
        self.attempts = []

    async def connect(self, url, receiver):
        now = asyncio.get_running_loop().time()
        self.attempts.append(now)
        if now < self._until:
            raise self._error
        return await self._venue.connect(url, receiver)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectFailedError("dns", "no such host"), "dns"),
        (ConnectFailedError("dns", "no answer", timed_out=True), "dns"),
        (ConnectFailedError("tls", "certificate has expired"), "tls"),
        (ConnectFailedError("tcp", "unreachable"), "network"),
        (ConnectFailedError("upgrade", "no answer", timed_out=True), "connect_timeout"),
        (OSError("something nobody thought of"), "network"),
    ],
)
def test_f24_five_minutes_without_a_phase_of_the_handshake_are_survived(
    stage, error, cause
):
    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",)), 1))
        transport = Failing(venue, error, until=300)
        client = venue.client(stage.config(), transport=transport, rng=Random(1))
        scene = stage.scene(client, venue)
        await client.subscribe_all_mids()
        assert await client.connect() is False
        await asyncio.sleep(290)
        assert {str(it.cause) for it in scene.events("disconnected")} == {cause}
        assert len(transport.attempts) <= 14
        await scene.live()
        assert scene.now <= 300 + 60 * 1.25 + 2
        stage.note(recover=scene.now - 300)
        await client.disconnect()
        venue.stop()

    run(main())
