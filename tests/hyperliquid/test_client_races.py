"""Coming while going: whoever comes last is right, in virtual time."""

import asyncio

import pytest

from .playing import played


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 10])
def test_connect_during_disconnect_connects_after_it(turns):
    async def scenario(client, venue):
        mids = await client.subscribe_all_mids(lambda message: None)
        await client.connect()
        leaving = asyncio.create_task(client.disconnect())
        await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await client.connect()
        assert leaving.done()
        await asyncio.sleep(15)
        assert client.is_connected()
        assert mids.state == "live"

    played(scenario)


def test_connect_during_a_disconnect_that_a_handler_holds_up():
    async def scenario(client, venue):
        stuck = asyncio.Event()

        async def slow(message):
            await stuck.wait()

        await client.connect()
        await client.subscribe_all_mids(slow)
        await asyncio.sleep(5)
        leaving = asyncio.create_task(client.disconnect())
        await asyncio.sleep(0.5)
        assert not leaving.done()
        assert await client.connect()
        assert leaving.done()
        await asyncio.sleep(15)
        assert client.is_connected()

    played(scenario)


def test_disconnect_after_such_a_connect_has_the_last_word():
    async def scenario(client, venue):
        await client.connect()
        leaving = asyncio.create_task(client.disconnect())
        await asyncio.sleep(0)
        coming = asyncio.create_task(client.connect())
        await asyncio.sleep(0)
        await client.disconnect()
        assert not await coming
        await leaving
        await asyncio.sleep(15)
        assert client.get_reconnection_stats()["state"] == "closed"

    played(scenario)


def test_a_handler_may_connect_again_while_the_client_goes():
    async def scenario(client, venue):
        async def stubborn(event):
            if event.cause == "user":
                await client.connect()

        client.on("disconnected", stubborn)
        await client.connect()
        began = asyncio.get_running_loop().time()
        await client.disconnect()
        assert asyncio.get_running_loop().time() - began <= 2.0
        await asyncio.sleep(15)
        assert not client.is_connected()

    played(scenario)
