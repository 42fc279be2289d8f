"""Typed handlers, as users have them, in virtual time."""

import asyncio

import pytest

from bistoury import ConfigError
from bistoury.hyperliquid.messages.market import Candle, Trade
from bistoury.hyperliquid.messages.typed import LazyBook, LazyMids, Message

from .playing import played, until

KINDS = [
    ({"type": "trades", "coin": "BTC"}, tuple),
    ({"type": "l2Book", "coin": "BTC"}, LazyBook),
    ({"type": "candle", "coin": "BTC", "interval": "1m"}, Candle),
    ({"type": "allMids"}, LazyMids),
]


@pytest.mark.parametrize(("body", "kind"), KINDS, ids=str)
@pytest.mark.parametrize("waits", [False, True])
def test_a_typed_handler_gets_structs(body, kind, waits):
    async def scenario(client, venue):
        seen = []

        async def later(message):
            seen.append(message)

        await client.connect()
        await client.subscribe(body, later if waits else seen.append, typed=True)
        await until(lambda: len(seen) > 3)

        assert all(isinstance(it, Message) for it in seen)
        assert all(isinstance(it.data, kind) for it in seen)
        assert {it.channel for it in seen} == {body["type"]}

    played(scenario)


def test_plain_and_typed_handlers_of_one_feed_get_the_same_trades():
    async def scenario(client, venue):
        typed, plain, late = [], [], []
        await client.connect()
        await client.subscribe_trades("BTC", typed.append, typed=True)
        await until(lambda: len(typed) > 3)
        await client.subscribe_trades("BTC", plain.append)
        begin = len(typed)
        await until(lambda: len(plain) > 3)
        stop = client.add_message_handler("trades", late.append, typed=True)
        await until(lambda: len(late) > 1)
        stop()

        def numbers(messages):
            return [row.trade_id for it in messages for row in it.data]

        assert all(isinstance(row, Trade) for it in typed for row in it.data)
        as_plain = [row["tid"] for it in plain for row in it["data"]]
        assert numbers(typed[begin:]) == as_plain
        assert as_plain[-len(numbers(late)) :] == numbers(late)

    played(scenario)


def test_the_first_trades_are_marked_as_history():
    async def scenario(client, venue):
        seen = []
        await asyncio.sleep(30)
        await client.connect()
        await client.subscribe_trades("BTC", seen.append, typed=True)
        await until(lambda: len(seen) > 3)

        assert [it.snapshot for it in seen[:3]] == [True, False, False]

    played(scenario)


def test_a_typed_stream_gives_structs():
    async def scenario(client, venue):
        await client.connect()
        async with client.stream({"type": "bbo", "coin": "BTC"}, typed=True) as quotes:
            async for message in quotes:
                assert message.data.coin == "BTC"
                break

    played(scenario)


def test_raw_and_typed_exclude_each_other():
    async def scenario(client, venue):
        with pytest.raises(ConfigError, match="raw or typed"):
            await client.subscribe(KINDS[0][0], print, raw=True, typed=True)

    played(scenario)
