from __future__ import annotations

import asyncio
from threading import Event

import pytest

from bistoury.transport import picows
from bistoury.transport.picows import PicowsTransport
from bistoury.transport.resolver import Resolver


@pytest.mark.parametrize(
    "phase", ["dns", "tcp", "tls", "upgrade", "upgrade over tls", "http", "socks5"]
)
async def test_cancelling_leaves_nothing_behind(
    serve, recorder, *, footprint, phase, black_hole, tls
):
    server_context, client_context = tls
    hit = asyncio.Event()

    async def pit(peer):
        hit.set()
        await peer.hung_up()

    release = Event()
    loop = asyncio.get_running_loop()

    def lookup(host, port, family):
        loop.call_soon_threadsafe(hit.set)
        release.wait(10)
        return []

    plain = await serve(pit)
    secure = await serve(pit, context=server_context)
    url, settings = {
        "dns": ("ws://venue.test/", {"resolver": Resolver(lookup)}),
        "tcp": (black_hole, {}),
        "tls": (plain.url.replace("ws:", "wss:"), {}),
        "upgrade": (plain.url, {}),
        "upgrade over tls": (secure.url, {"ssl_context": client_context}),
        "http": ("wss://venue.test/", {"proxy": f"http://127.0.0.1:{plain.port}"}),
        "socks5": ("wss://venue.test/", {"proxy": f"socks5://127.0.0.1:{plain.port}"}),
    }[phase]
    before = footprint()
    task = asyncio.create_task(PicowsTransport(**settings).connect(url, recorder))
    if phase == "tcp":
        await asyncio.sleep(0.05)
    else:
        await hit.wait()
        await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    await before.settles()
    assert recorder.story == []


async def test_our_side_is_closed_when_a_cancelled_connect_returns(
    serve, recorder, monkeypatch
):
    socks = []
    dial = picows.dial

    async def spy(addresses):
        socks.append(await dial(addresses))
        return socks[0]

    monkeypatch.setattr(picows, "dial", spy)
    asked = asyncio.Event()

    async def script(peer):
        await peer.read_request()
        asked.set()
        await peer.hung_up()

    server = await serve(script)
    task = asyncio.create_task(PicowsTransport().connect(server.url, recorder))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert socks[0].fileno() == -1


async def test_an_answer_in_the_moment_of_cancelling_opens_nothing(
    serve, recorder, footprint
):
    async def script(peer):
        await peer.upgrade()
        await peer.hung_up()

    server = await serve(script)
    before = footprint()
    for turns in range(40):
        task = asyncio.create_task(PicowsTransport().connect(server.url, recorder))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if not isinstance(outcome, asyncio.CancelledError):
            outcome.abort()
            await recorder.end()
            recorder.story.clear()
            recorder.losses.clear()
    await before.settles()
    assert recorder.story == []


@pytest.mark.parametrize("secure", [False, True])
async def test_two_hundred_connections_leave_nothing_behind(
    serve, recorder, *, footprint, secure, tls, frames
):
    server_context, client_context = tls

    async def script(peer):
        await peer.upgrade()
        peer.send(frames.close(await peer.receive_close()))
        await peer.hung_up()

    server = await serve(script, context=server_context if secure else None)
    transport = PicowsTransport(ssl_context=client_context)
    url = server.url.replace("127.0.0.1", "localhost")
    before = footprint()
    for _ in range(200):
        recorder.losses.clear()
        connection = await transport.connect(url, recorder)
        connection.close()
        await recorder.end()
    await before.settles()
