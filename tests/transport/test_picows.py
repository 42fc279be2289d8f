from __future__ import annotations

import asyncio
import logging
from threading import Event

import pytest

from bistoury.transport.picows import PicowsTransport
from bistoury.transport.resolver import Resolver


@pytest.fixture
def hanging_resolver():
    release = Event()

    def lookup(host, port, family):
        release.wait(30)
        return []

    yield Resolver(lookup)
    release.set()


async def test_a_look_up_that_hangs_is_dns(kit, hanging_resolver, recorder):
    error = await kit.failure(
        kit.quick(resolver=hanging_resolver), "ws://venue.test/", recorder
    )

    assert (error.phase, error.timed_out) == ("dns", True)


async def test_a_black_hole_is_tcp(kit, black_hole, recorder):
    error = await kit.failure(kit.quick(), black_hole, recorder)

    assert (error.phase, error.timed_out) == ("tcp", True)


async def test_a_stalled_handshake_is_tls(kit, serve, recorder):
    server = await serve(kit.tarpit)
    error = await kit.failure(kit.quick(), server.url.replace("ws:", "wss:"), recorder)

    assert (error.phase, error.timed_out) == ("tls", True)


@pytest.mark.parametrize("secure", [False, True])
async def test_an_upgrade_never_answered_is_upgrade(
    kit, serve, recorder, *, secure, server_context, client_context
):
    server = await serve(kit.tarpit, context=server_context if secure else None)
    error = await kit.failure(
        kit.quick(ssl_context=client_context), server.url, recorder
    )

    assert (error.phase, error.timed_out) == ("upgrade", True)


async def test_an_answer_that_trickles_is_bounded(kit, serve, recorder):
    async def script(peer):
        while True:
            peer.send(b"HTTP/1.1 101 Swi"[:1])
            await asyncio.sleep(0.01)

    server = await serve(script)
    error = await kit.failure(kit.quick(), server.url, recorder)

    assert (error.phase, error.timed_out) == ("upgrade", True)


async def test_the_total_bounds_the_phases(kit, serve, recorder):
    server = await serve(kit.tarpit)
    transport = PicowsTransport(connect_timeout=0.15)
    began = asyncio.get_running_loop().time()
    error = await kit.failure(transport, server.url, recorder)

    assert (error.phase, error.timed_out) == ("upgrade", True)
    assert asyncio.get_running_loop().time() - began < 1.0


async def test_is_silent_itself(serve, recorder, frames, caplog):
    caplog.set_level(logging.DEBUG)

    async def script(peer):
        await peer.upgrade(frames.frame(3, b"bad"))
        await peer.hung_up()

    server = await serve(script)
    await PicowsTransport().connect(server.url, recorder)
    await recorder.end()

    assert [r for r in caplog.records if "picows" in r.name] == []


async def test_sends_the_headers_it_was_given(serve, recorder):
    async def script(peer):
        await peer.upgrade()
        return peer.request

    server = await serve(script)
    transport = PicowsTransport(extra_headers={"User-Agent": "test"})
    connection = await transport.connect(server.url, recorder)

    request = await server.result()
    assert b"\r\nUser-Agent: test\r\n" in request
    assert b"Extensions" not in request
    connection.abort()
