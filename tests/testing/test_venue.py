"""The venue of this process: a transport that leads to an exchange."""

import asyncio
import json

import pytest

from bistoury import ConnectFailedError, ConnectionLostError
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Refuse
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run


class Recorder:
    def __init__(self):
        self.frames, self.losses = [], []

    def frame(self, data):
        self.frames.append(json.loads(data))

    def lost(self, error):
        self.losses.append(error)


def hosted(scenario, fault=None):
    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",)), 1))
        if fault is not None:
            venue.exchange.inject(fault, venue.now())
        try:
            await scenario(venue)
        finally:
            venue.stop()

    run(main())


def test_it_answers_and_publishes_as_time_passes():
    async def scenario(venue):
        receiver = Recorder()
        connection = await venue.connect("ws://anywhere/ws", receiver)
        connection.send(b'{"method":"ping"}')
        connection.send(b'{"method":"subscribe","subscription":{"type":"allMids"}}')
        await asyncio.sleep(10.5)
        channels = [frame["channel"] for frame in receiver.frames]
        assert channels[:3] == ["pong", "subscriptionResponse", "allMids"]
        assert 10 <= channels.count("allMids") <= 12

    hosted(scenario)


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Cut(how="close", code=1012, reason="restart"), 1012), (Cut(how="rst"), None)],
)
def test_the_end_of_a_connection_is_told_with_its_code(fault, code):
    async def scenario(venue):
        receiver = Recorder()
        await venue.connect("ws://anywhere/ws", receiver)
        venue.exchange.inject(fault, venue.now())
        venue.turn()
        await asyncio.sleep(0.1)
        (error,) = receiver.losses
        assert isinstance(error, ConnectionLostError)
        assert error.code == code
        assert venue.exchange.subscriptions() == {}

    hosted(scenario)


def test_a_refusal_carries_status_body_and_when_to_come_back():
    async def scenario(venue):
        with pytest.raises(ConnectFailedError) as caught:
            await venue.connect("ws://anywhere/ws", Recorder())
        error = caught.value
        assert (error.phase, error.status, error.retry_after) == ("upgrade", 429, 7)
        assert error.body == "slow down"

    hosted(scenario, Refuse(status=429, retry_after=7, body="slow down"))


@pytest.mark.parametrize("how", ["tcp", "close", "rst"])
def test_a_shut_door_fails_before_the_upgrade(how):
    async def scenario(venue):
        with pytest.raises(ConnectFailedError) as caught:
            await venue.connect("ws://anywhere/ws", Recorder())
        assert caught.value.phase == "tcp"
        assert caught.value.status is None

    hosted(scenario, Refuse(how=how))


def test_a_hanging_door_hangs_until_it_is_given_up():
    async def scenario(venue):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await venue.connect("ws://anywhere/ws", Recorder())

    hosted(scenario, Refuse(how="hang"))


def test_a_client_that_leaves_is_gone():
    async def scenario(venue):
        connection = await venue.connect("ws://anywhere/ws", Recorder())
        assert len(venue.exchange.subscriptions()) == 1
        connection.close()
        await asyncio.sleep(0.1)
        assert venue.exchange.subscriptions() == {}

    hosted(scenario)
