from __future__ import annotations

import asyncio

import pytest

from bistoury.observability.verdict import (
    Standing,
    Verdict,
    in_words,
    some,
    unready,
    verdict_of,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (250, "4 min 10 s"), (7500, "2 h 5 min")],
)
def test_durations_are_said_as_people_do(seconds, words):
    assert in_words(seconds) == words


def test_of_many_the_first_are_named():
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert some(["a"]) == "a"


def test_a_timeline_tells_off_from_down():
    assert Verdict(Standing.DOWN).kind == "down"
    assert Verdict(Standing.DOWN, is_off=True).kind == "off"


def test_before_and_after_connecting_nothing_is_amiss_but_nothing_is_ready(play):
    async def scenario(stage):
        client = stage.client
        before = verdict_of(client._view())
        await client.connect()
        await client.subscribe_all_mids()
        await client.wait_ready(10)
        during = verdict_of(client._view()), unready(client._view())
        await client.disconnect()
        return before, during, verdict_of(client._view()), unready(client._view())

    before, (during, nothing), after, reasons = play(scenario)
    assert before.is_off
    assert after.is_off
    assert during == Verdict(Standing.OK)
    assert nothing == []
    assert reasons == ["not live (closed)"]


def test_a_connection_that_still_proves_itself_is_settling_and_not_amiss(play):
    async def scenario(stage):
        client = stage.client
        found = set()
        task = asyncio.ensure_future(client.subscribe_all_mids())
        await client.connect()
        for _ in range(200):
            found.add((verdict_of(client._view()).standing, client._session.is_ready))
            if verdict_of(client._view()).standing is Standing.DEGRADED:
                assert verdict_of(client._view()).is_settling
            await asyncio.sleep(0.005)
        await task
        return found

    assert (Standing.OK, True) in play(scenario)


def test_health_says_the_same_verdict(play):
    async def scenario(stage):
        await stage.client.connect()
        await stage.client.subscribe_all_mids()
        await stage.client.wait_ready(10)
        return (await stage.client.get_connection_health())["verdict"], stage.state()

    verdict, state = play(scenario)
    assert verdict == state["verdict"]["status"] == state["health"]["verdict"] == "ok"
