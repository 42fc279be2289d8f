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


def gap(since, until, status, note=""):
    return {
        "subscription": TRADES,
        "since": since,
        "until": until,
        "status": status,
        "note": note,
    }


def test_a_gap_counts_until_it_is_recovered(client, chronicle):
    client.tell("gap", **gap(1, None, "open"))
    client.tell("gap", **gap(7, None, "open"))
    client.tell("gap", **gap(1, 5, "recovered"))
    client.tell("gap", **gap(7, 9, "unrecoverable"))

    assert chronicle.declared() == [Declared("trades:BTC", 7, 9)]
    assert chronicle.gap_counts(0) == {"recovered": 1, "unrecoverable": 1}
    assert chronicle.gap_counts(3) == {"unrecoverable": 1}


def test_what_a_recovery_leaves_out_by_its_own_word_is_declared(client, chronicle):
    client.tell("gap", **gap(1, 5, "recovered", "steps in between"))

    assert chronicle.declared() == [Declared("trades:BTC", 1, 5, "steps in between")]


async def test_waits_until_no_gap_is_open(client, chronicle):
    client.tell("gap", **gap(1, None, "open"))
    waiting = asyncio.create_task(chronicle.settled(5.0))
    await asyncio.sleep(0)

    client.tell("gap", **gap(1, 5, "unrecoverable"))

    assert await waiting


async def test_says_when_a_gap_stays_open(client, chronicle):
    client.tell("gap", **gap(1, None, "open"))

    assert not await chronicle.settled(0.01)


def test_streams_are_called_as_in_the_ledger():
    assert stream_of(TRADES.fields) == "trades:BTC"
    candle = {"type": "candle", "coin": "BTC", "interval": "1m"}
    assert stream_of(candle) == "candle:BTC,1m"
