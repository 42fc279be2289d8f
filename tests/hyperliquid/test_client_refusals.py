"""What the venue says no to, by one connection or by all, and what came too late."""

import asyncio

import pytest

from bistoury import SubscriptionRefusedError
from bistoury.simulator.faults import Cut, Delay, RefuseSubscriptions

from .playing import heal, held, inject, now, played, until

TRADES = {"type": "trades", "coin": "BTC"}


async def refused(client, venue):
    inject(venue, RefuseSubscriptions(type="trades"))
    with pytest.raises(SubscriptionRefusedError):
        await client.subscribe_trades("BTC")
    heal(venue)


async def is_left_alone(client, venue, seconds=200):
    """Nobody listens, the venue holds nothing, and the refusal is not forgotten."""
    for _ in range(seconds):
        await asyncio.sleep(1)
        assert TRADES not in held(venue)
    health = await client.get_connection_health()
    assert any("refused" in reason for reason in health["reasons"])
    assert client.get_reconnection_stats()["subscriptions"]["refused"] == 1
    handle = await client.subscribe_trades("BTC")  # asked for anew
    assert handle.state == "live"
    assert (await client.get_connection_health())["reasons"] == []


def test_a_feed_that_was_given_up_and_is_refused_then_is_not_asked_for_again():
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_all_mids()
        handle = await client.subscribe_trades("BTC")
        await handle.unsubscribe()
        await refused(client, venue)
        await is_left_alone(client, venue)

    played(scenario)


def test_a_replacement_does_not_ask_for_what_was_refused():
    async def scenario(client, venue):
        rotated = []
        client.on("rotated", rotated.append)
        await client.connect()
        await client.subscribe_all_mids()
        await refused(client, venue)
        await is_left_alone(client, venue)
        assert len(rotated) > 2

    played(scenario, rotate_after=30)


def test_what_one_line_was_refused_and_another_one_granted_is_asked_for_again():
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_all_mids()
        one, other = sorted(venue.exchange.subscriptions())
        inject(venue, RefuseSubscriptions(type="trades", connection=one))
        handle = await client.subscribe_trades("BTC")
        assert (handle.state, handle.error) == ("live", None)
        heal(venue)
        began = now()
        await until(lambda: held(venue).count(TRADES) == 2)
        assert now() - began == pytest.approx(60, abs=1.5)
        await asyncio.sleep(5)
        assert (await client.get_connection_health())["reasons"] == []
        inject(venue, Cut(how="rst", connection=other))
        await asyncio.sleep(0.5)
        assert handle.state == "live"  # and the other line's frames find their way

    played(scenario, redundancy=2)


def test_an_answer_that_comes_when_nobody_wants_the_feed_any_more_is_no_news():
    async def scenario(client, venue):
        gone = []
        client.on("disconnected", gone.append)
        await client.connect()
        await client.subscribe_all_mids()
        late = min(venue.exchange.subscriptions())
        inject(venue, Delay(seconds=3, connection=late), 3)
        handle = await client.subscribe_trades("BTC")
        client._fleet.lead.session.messages.fill(now())  # nothing can be given up
        await handle.unsubscribe()
        await asyncio.sleep(10)
        assert gone == []

    played(scenario, redundancy=2)
