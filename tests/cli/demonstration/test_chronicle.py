"""The client's events, to be waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from bistoury.cli.demonstration.chronicle import Chronicle, stream_of
from bistoury.cli.demonstration.proof import Declared
from bistoury.session import Subscription

TRADES = Subscription("trades", (("coin", "BTC"),))


class Client:
    def __init__(self):
        self.handlers = {}

    def on(self, name, handler):
        self.handlers[name] = handler

    def get_reconnection_stats(self):
        return {"subscriptions": {"wanted": 1}}

    def tell(self, name, **members):
        self.handlers[name](SimpleNamespace(**members))


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def chronicle(client):
    return Chronicle(client, lambda: 7.0)


async def test_waits_for_an_event_from_a_position_on(client, chronicle):
    client.tell("ready")
    waiting = asyncio.create_task(chronicle.next("ready", after=1))
    await asyncio.sleep(0)

    client.tell("connected")
    client.tell("ready", number=2)

    told = await waiting
    assert (told.at, told.name, told.notice.number) == (7.0, "ready", 2)
    assert told.subscriptions == {"wanted": 1}


async def test_gives_up_in_time(chronicle):
    with pytest.raises(TimeoutError):
        await chronicle.next("ready", after=0, within=0.01)


def test_finds_the_last_of_a_name(client, chronicle):
    client.tell("connected", number=1)
    client.tell("connected", number=2)
    client.tell("ready")

    assert chronicle.last("connected").notice.number == 2


def test_a_gap_counts_until_it_is_recovered(client, chronicle):
    gap = {"subscription": TRADES, "since": 1, "until": 5}
    client.tell("gap", **gap, status="open")
    client.tell("gap", **(gap | {"since": 7, "until": 9}), status="open")
    client.tell("gap", **gap, status="recovered")
    client.tell("gap", **(gap | {"since": 7, "until": 9}), status="unrecoverable")

    assert chronicle.gaps() == [Declared("trades:BTC", 7, 9)]


def test_streams_are_called_as_in_the_ledger():
    assert stream_of(TRADES.fields) == "trades:BTC"
    candle = {"type": "candle", "coin": "BTC", "interval": "1m"}
    assert stream_of(candle) == "candle:BTC,1m"
