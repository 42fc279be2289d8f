"""The journal of the real client, in virtual time, replays to what it told."""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from bistoury import (
    ConnectionCircuitBreaker,
    HyperLiquidIntegration,
    RequestError,
)
from bistoury.recorder.replay import read
from bistoury.simulator.faults import Cut
from bistoury.simulator.plan import FaultPlan

USER = "0x" + "1a" * 20
BODIES = (
    {"type": "allMids"},
    {"type": "trades", "coin": "BTC"},
    {"type": "l2Book", "coin": "BTC"},
    {"type": "candle", "coin": "BTC", "interval": "1m"},
    {"type": "userFills", "user": USER},
    {"type": "orderUpdates", "user": USER},
)


def replays_to(path, told):
    """Check that a journal leads to what was told; return what came of it."""
    replayed = read(path)
    assert replayed.differs == replayed.damage == ""
    assert not replayed.is_headless
    assert [type(it.notice).__name__ for it in replayed.told] == told
    return replayed


async def go_through_trouble(client, venue, rng, seconds):
    """Connect, subscribe and unsubscribe, ask, reconnect and disconnect at random."""
    handles = [await client.subscribe(body) for body in rng.sample(BODIES, 4)]
    await client.connect()
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        await asyncio.sleep(rng.expovariate(1 / 20))
        match rng.randrange(8):
            case 0 if handles:
                await handles.pop().unsubscribe()
            case 1:
                handles.append(await client.subscribe(rng.choice(BODIES)))
            case 2:
                await client.reconnect()
            case 3:
                client.set_message_timeout(rng.uniform(5, 40))
            case 4:
                await client.disconnect()
                await asyncio.sleep(rng.uniform(0, 3))
                await client.connect()
            case 5:
                with suppress(RequestError):
                    await client.request({"type": "allMids"}, timeout=1)


@pytest.mark.parametrize("redundancy", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_replays_exactly_whatever_went_wrong(played, seed, redundancy):
    async def scenario(client, venue):
        await go_through_trouble(client, venue, Random(f"{seed}:client"), 240)

    plan = FaultPlan.random(seed, 240)
    path, told = played(scenario, plan=plan, seed=seed, redundancy=redundancy)
    assert len(replays_to(path, told).told) > 20


def test_replays_exactly_beside_another_client_of_the_same_process(played):
    held_back = []

    async def scenario(client, venue):
        other = HyperLiquidIntegration(client.config, transport=venue, rng=Random(7))
        await other.connect()
        await client.connect()
        # Together they use up the windows of the venue, and wait for each other.
        for coin in ("BTC", "ETH") * 20:
            handle = await other.subscribe({"type": "l2Book", "coin": coin})
            await client.reconnect()
            await asyncio.sleep(4.5)
            held_back.append(not client.is_connected())
            await other.reconnect()
            await handle.unsubscribe()
        await other.disconnect()

    allowed = {"connections_per_minute": 12, "messages_per_minute": 40}
    path, told = played(scenario, allowed=allowed)
    replays_to(path, told)
    assert any(held_back)
    text = path.read_text()
    assert '"connections":[[' in text
    assert '"messages":[[' in text


def test_replays_exactly_with_a_breaker_that_holds_attempts_back(played):
    breaker = ConnectionCircuitBreaker(3, 20)

    async def scenario(client, venue):
        await client.subscribe({"type": "trades", "coin": "BTC"})
        await go_through_trouble(client, venue, Random(3), 200)

    plan = FaultPlan.random(5, 200, kinds=("refuse", "flap"))
    path, told = played(scenario, plan=plan, circuit_breaker=breaker)
    replays_to(path, told)
    assert "BreakerChanged" in told


def test_replays_exactly_over_shards_and_lines_that_come_and_go(played):
    async def scenario(client, venue):
        await client.connect()
        first = await client.subscribe_order_updates(USER)
        second = await client.subscribe_order_updates("0x" + "2b" * 20)
        await client.subscribe_trades("BTC")
        await asyncio.sleep(5)
        await second.unsubscribe()
        venue.exchange.inject(Cut(), venue.now())
        venue.turn()
        await asyncio.sleep(20)
        await first.unsubscribe()

    path, told = played(scenario, shards=2)
    assert len({it.line for it in replays_to(path, told).told}) == 3


def test_two_runs_of_one_file_are_told_one_after_the_other(played):
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(3)

    path, first = played(scenario)
    _, second = played(scenario)
    replayed = replays_to(path, first + second)
    assert replayed.runs == 2
    assert {it.run for it in replayed.told} == {1, 2}


def test_counts_the_frames_of_each_feed(played):
    frames = []

    async def scenario(client, venue):
        await client.subscribe_trades("BTC", frames.append)
        await client.connect()
        await asyncio.sleep(30)
        await client.disconnect()
        await client.connect()
        await asyncio.sleep(30)

    path, _ = played(scenario)
    # A frame without anything new in it is a frame too, and not delivered.
    assert len(frames) <= read(path).frames["trades:BTC"] <= len(frames) + 1
