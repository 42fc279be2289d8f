from __future__ import annotations

import asyncio

import pytest

from bistoury.simulator.listener import HangUp, Listener


@pytest.fixture
async def listener():
    listening = Listener("127.0.0.1", lambda: HangUp("close"), None)
    await listening.open(0)
    yield listening
    listening.close()


async def test_a_port_stays_ours_while_it_refuses(listener):
    port = listener.port
    await listener.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)

    other = Listener("127.0.0.1", lambda: HangUp("close"), None)
    await listener.listen()
    with pytest.raises(OSError, match="in use"):
        await other.open(port)
    other.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_refusing_and_listening_twice_is_the_same_as_once(listener):
    port = listener.port
    for _ in range(2):
        await listener.refuse()
    for _ in range(2):
        await listener.listen()

    assert listener.listening
    assert listener.port == port
