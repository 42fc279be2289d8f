"""Chronicle and verdict of the real client, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from bistoury.errors import SubscriptionRefusedError
from bistoury.simulator.faults import Cut, RefuseSubscriptions, Silent


def kinds(stage):
    return [kind for kind, _, _ in stage.state()["timeline"]]


async def live(stage):
    await stage.client.connect()
    await stage.client.subscribe_trades("BTC")
    await stage.client.subscribe_all_mids()
    assert await stage.client.wait_ready(20)
    await asyncio.sleep(2)


def test_starting_up_and_disconnecting_is_no_incident(play):
    async def scenario(stage):
        await live(stage)
        await stage.client.disconnect()
        return kinds(stage), stage.state()["incidents"]

    assert play(scenario) == (["off", "ok", "off"], [])


def test_a_kill_is_one_outage_with_its_gaps_settled(play):
    async def scenario(stage):
        await live(stage)
        stage.inject(Cut())
        await asyncio.sleep(0.2)
        during = stage.state()
        await asyncio.sleep(30)
        return during, stage.state(), kinds(stage)

    during, after, stretches = play(scenario)
    assert during["verdict"]["status"] == "down"
    assert during["verdict"]["line"].startswith("down")
    assert "attempt #1" in during["verdict"]["line"]
    assert not during["ready"]
    assert after["verdict"]["status"] == "ok"
    assert after["verdict"]["line"].startswith("ok: 2 subscriptions live")
    (incident,) = after["incidents"]
    assert (incident["kind"], incident["cause"]) == ("outage", "network")
    assert incident["gaps"] == {"open": 0, "recovered": 2, "unrecoverable": 0}
    assert not incident["open"]
    assert stretches == ["off", "ok", "down", "ok"]


def test_an_outage_of_a_user_begins_with_its_loss_and_ends_with_ready(play):
    async def scenario(stage):
        await live(stage)
        stage.inject(Cut())
        await asyncio.sleep(30)
        return stage.client._window.incident(1)

    steps = [it["text"] for it in play(scenario)["steps"]]
    assert "lost" in steps[0]
    assert "ready: 2 subscriptions" in steps[-1]


def test_a_refused_subscription_degrades_and_is_named(play):
    async def scenario(stage):
        await live(stage)
        stage.inject(RefuseSubscriptions(type="trades"))
        with pytest.raises(SubscriptionRefusedError):
            await stage.client.subscribe_trades("ETH")
        await asyncio.sleep(2)
        return stage.state()

    state = play(scenario)
    assert state["verdict"]["status"] == "degraded"
    assert "trades(coin=ETH) refused" in state["verdict"]["line"]
    assert state[
        "ready"
    ]  # what is refused holds readiness back no more than contract says


def test_a_silent_venue_is_down_while_it_is_noticed_and_not_before(play):
    async def scenario(stage):
        await live(stage)
        stage.inject(Silent())
        await asyncio.sleep(60)
        down = stage.state()
        stage.heal()
        await asyncio.sleep(120)
        return down, stage.state()

    down, after = play(scenario)
    assert down["incidents"][0]["kind"] == "outage"
    assert after["verdict"]["status"] == "ok"
    assert after["availability"] < 1.0
    assert not after["incidents"][0]["open"]


def test_whoever_listens_hears_at_once_and_no_more_after_leaving(play):
    async def scenario(stage):
        heard = []
        stop = stage.client._window.listen(lambda v, n: heard.append((v.kind, n)))
        await live(stage)
        stage.inject(Cut())
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert heard[-1][0] == "down"
        stop()
        count = len(heard)
        await asyncio.sleep(30)
        return len(heard) - count

    assert play(scenario) == 0
