from __future__ import annotations

import aiohttp
import pytest

from bistoury.simulator import Limits, Settings, Venue


@pytest.fixture
async def venue():
    async with Venue(Settings(coins=("BTC",), limits=Limits.none())) as running:
        yield running


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=10)
    ) as session:
        yield session


async def post(http, venue, path, **body):
    async with http.post(venue.url + path, json=body) as response:
        return response.status, await response.json()


async def test_a_fault_is_switched_on_and_off(venue, http):
    fault = {"fault": "silent", "direction": "out"}
    status, answer = await post(http, venue, "/sim/fault", fault=fault)
    async with http.get(venue.url + "/sim/state") as response:
        state = await response.json()
    healed = await post(http, venue, "/sim/heal")

    assert (status, answer) == (200, {"number": 1})
    assert state["faults"][0]["fault"]["fault"] == "silent"
    assert healed == (200, {"healed": True})
    assert venue.exchange.conduct.active == []


async def test_a_fault_can_be_given_in_short_and_for_a_time(venue, http):
    status, _ = await post(
        http, venue, "/sim/fault", fault="refuse:503", **{"for": 0.05}
    )

    [item] = venue.exchange.conduct.active
    assert status == 200
    assert item.until - item.since == 50


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"fault": {"fault": "nope"}},
        {"fault": "nope"},
        {"fault": "cut", "fro": 1},
        {"fault": "refuse:tcp"},
    ],
)
async def test_a_bad_command_is_refused_with_a_sentence(venue, http, body):
    status, answer = await post(http, venue, "/sim/fault", **body)

    assert status == 400
    assert len(answer["error"]) > 10
    assert venue.exchange.conduct.active == []


async def test_the_ledger_can_be_read(venue, http):
    venue.exchange.advance(venue.now + 60)
    async with http.get(venue.url + "/sim/ledger") as response:
        counts = (await response.json())["streams"]
    async with http.get(venue.url + "/sim/ledger?stream=trades:BTC") as response:
        rows = (await response.json())["rows"]
    async with http.get(
        venue.url + "/sim/ledger?stream=trades:BTC&since=x"
    ) as response:
        refused = response.status

    assert len(rows) == counts["trades:BTC"] > 0
    assert refused == 400
