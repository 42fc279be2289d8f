"""The settings that may be changed at any time: what they take, and what they do."""

import asyncio
import itertools
from random import Random

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Refuse, Silent
from bistoury.simulator.settings import Cadences, Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

from .playing import config

PORTS = itertools.count(40_000)
NAMES = ("reconnect_delay", "max_reconnect_delay", "reconnect_exponential_base")


@pytest.fixture
def client():
    return HyperLiquidIntegration(config())


def played(scenario, settings=None, **options):
    async def main():
        venue = MemoryVenue(Exchange(settings or Settings(coins=("BTC",)), 1))
        client = venue.client(config(**options), rng=Random(1))
        try:
            await scenario(client, venue)
        finally:
            await client.disconnect()
            venue.stop()

    run(main())


def cut(venue, *faults):
    for fault in (*faults, Cut(how="rst")):
        venue.exchange.inject(fault, venue.now())
    venue.turn()


def test_the_defaults_are_the_specifications(client):
    assert [getattr(client, name) for name in NAMES] == [1.0, 60.0, 2.0]
    assert client.get_reconnection_stats()["message_timeout_seconds"] == 30.0


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)))
def test_they_may_be_set_in_any_order(client, order):
    values = dict(zip(NAMES, (5.0, 300.0, 3.0), strict=True))
    for name in order:
        setattr(client, name, values[name])
    assert {name: getattr(client, name) for name in NAMES} == values


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]])
def test_a_delay_above_the_cap_is_taken_and_the_cap_wins(order):
    async def scenario(client, venue):
        delays = []
        client.on("reconnecting", lambda it: delays.append(it.delay_seconds))
        await client.connect()
        cut(venue, Refuse())
        await asyncio.sleep(30)
        assert len(delays) > 5
        assert all(1.5 <= delay <= 2.5 for delay in delays)

    values = dict(zip(NAMES, (100.0, 2.0, 2.0), strict=True))

    async def tuned(client, venue):
        for name in order:
            setattr(client, name, values[name])
        assert client.reconnect_delay == 100.0
        await scenario(client, venue)

    played(tuned)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "bad", [0, -1, float("nan"), float("inf"), "2", None, True, [], 1j]
)
def test_a_bad_value_is_a_config_error_that_names_it(client, name, bad):
    before = getattr(client, name)
    with pytest.raises(ValueError, match=name) as caught:
        setattr(client, name, bad)
    assert isinstance(caught.value, ConfigError)
    assert repr(bad) in str(caught.value)
    assert getattr(client, name) == before


def test_a_base_below_one_is_refused(client):
    with pytest.raises(ConfigError, match="a factor from 1"):
        client.reconnect_exponential_base = 0.5
    client.reconnect_exponential_base = 1


@pytest.mark.parametrize("bad", [0, -5, float("nan"), "30", None, False])
def test_a_bad_message_timeout_is_a_config_error(client, bad):
    with pytest.raises(ConfigError, match="message_timeout"):
        client.set_message_timeout(bad)
    assert client.get_reconnection_stats()["message_timeout_seconds"] == 30.0


def test_whole_numbers_become_floats(client):
    client.reconnect_delay = 2
    client.set_message_timeout(15)
    assert type(client.reconnect_delay) is float
    assert type(client.get_reconnection_stats()["message_timeout_seconds"]) is float


def test_the_configuration_sets_them_too():
    config = Config(
        network="local",
        reconnect_delay=3,
        max_reconnect_delay=9,
        reconnect_exponential_base=1.5,
        message_timeout=12,
    )
    client = HyperLiquidIntegration(config)
    assert [getattr(client, name) for name in NAMES] == [3.0, 9.0, 1.5]
    assert client.get_reconnection_stats()["message_timeout_seconds"] == 12.0


def test_a_change_in_an_outage_counts_from_the_next_delay_on():
    async def scenario(client, venue):
        delays = []
        client.on("reconnecting", lambda it: delays.append(it.delay_seconds))
        await client.connect()
        cut(venue, Refuse())
        await asyncio.sleep(5)
        client.max_reconnect_delay = 0.5
        before = len(delays)
        await asyncio.sleep(10)
        assert all(0.375 <= delay <= 0.625 for delay in delays[before + 1 :])
        assert len(delays) - before > 8

    played(scenario)


def test_a_shorter_message_timeout_is_kept_at_once():
    async def scenario(client, venue):
        heard = []
        client.on(
            "disconnected", lambda it: heard.append(asyncio.get_running_loop().time())
        )
        await client.subscribe_all_mids()
        await client.connect()
        await client.wait_ready()
        client.set_message_timeout(15.0)
        began = asyncio.get_running_loop().time()
        venue.exchange.inject(Silent(direction="out", what=("data",)), venue.now())
        await asyncio.sleep(17)
        assert [at - began for at in heard] == pytest.approx([15], abs=1.1)

    played(scenario)


def test_the_message_timeout_is_never_below_three_intervals_of_the_fastest_feed():
    async def scenario(client, venue):
        heard = []
        client.on("disconnected", heard.append)
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(60)
        client.set_message_timeout(5.0)
        await asyncio.sleep(600)
        assert heard == []

    played(scenario, Settings(coins=("BTC",), cadences=Cadences(all_mids=8.0)))
