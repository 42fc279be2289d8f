from __future__ import annotations

import asyncio
import socket

import pytest

from bistoury.transport.picows import PicowsTransport


async def test_delivers_text_in_order(kit, serve, transport, recorder, frames):
    sent = [b'{"n":%d}' % n for n in range(500)]
    _, connection = await kit.connected(
        serve, transport, recorder, *(frames.text(one) for one in sent)
    )

    assert await recorder.got(500) == sent
    connection.abort()


async def test_frames_that_come_with_the_upgrade_wait_for_the_caller(
    serve, transport, recorder, frames
):
    async def script(peer):
        await peer.upgrade(
            frames.text(b"1"), frames.text(b"2"), frames.close(1012, b"bye")
        )
        return await peer.receive_close()

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)

    assert recorder.story == []
    error = await recorder.end()
    assert recorder.frames == [b"1", b"2"]
    assert (error.code, error.reason) == (1012, "bye")
    assert await server.result() == 1012
    connection.send(b"after the end")


async def test_nothing_that_came_with_the_upgrade_is_delivered_after_close(
    serve, transport, recorder, frames
):
    async def script(peer):
        await peer.upgrade(frames.text(b"1"))
        await peer.hung_up()

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)
    connection.close()

    await recorder.end()
    assert recorder.frames == []


async def test_joins_fragments_with_control_frames_between(
    kit, serve, transport, recorder, frames
):
    text = "größer €".encode()
    _, connection = await kit.connected(
        serve,
        transport,
        recorder,
        frames.text(text[:3], fin=False),  # splits the o-umlaut
        frames.frame(9, b"are you there"),
        frames.more(text[3:-1], fin=False),
        frames.frame(10, b"unasked"),
        frames.more(text[-1:]),
        frames.text(b"next"),
    )

    assert await recorder.got(2) == [text, b"next"]
    connection.abort()


async def test_answers_a_ping_with_its_payload(serve, transport, recorder, frames):
    async def script(peer):
        await peer.upgrade(frames.frame(9, b"token"))
        return await peer.receive()

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)

    assert await server.result() == (10, b"token")
    connection.abort()


async def test_a_ping_that_looks_like_a_message_is_answered(
    serve, transport, recorder, frames
):
    payload = b'{"channel":"pong"}'.ljust(125)

    async def script(peer):
        await peer.upgrade(frames.frame(9, payload))
        return await peer.receive()

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)

    assert await server.result() == (10, payload)
    assert recorder.frames == []
    connection.abort()


async def test_a_binary_message_with_an_object_in_it_passes_for_text(
    kit, serve, transport, recorder, frames
):
    message = b'{"channel":"pong"}'.ljust(126)
    _, connection = await kit.connected(
        serve, transport, recorder, frames.frame(2, message)
    )

    assert await recorder.got(1) == [message]
    connection.abort()


async def test_ignores_and_counts_binary_messages(
    kit, serve, transport, recorder, frames
):
    _, connection = await kit.connected(
        serve,
        transport,
        recorder,
        frames.frame(2, b"\xff\xff"),
        frames.frame(2, b"\xff", fin=False),
        frames.more(b"\xff"),
        frames.text(b"text"),
    )

    assert await recorder.got(1) == [b"text"]
    assert transport.binary_ignored == 2
    connection.abort()


async def test_takes_a_message_of_three_megabytes(
    kit, serve, transport, recorder, frames
):
    big = b'{"d":"' + b"x" * 3_000_000 + b'"}'
    _, connection = await kit.connected(serve, transport, recorder, frames.text(big))

    assert await recorder.got(1) == [big]
    connection.abort()


@pytest.mark.parametrize("secure", [False, True])
async def test_gives_up_on_a_peer_that_does_not_read(
    serve, recorder, secure, server_context, client_context
):
    async def script(peer):
        await peer.upgrade()
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    server = await serve(script, context=server_context if secure else None)
    transport = PicowsTransport(max_unsent=1_000_000, ssl_context=client_context)
    connection = await transport.connect(server.url, recorder)
    for _ in range(1000):
        connection.send(b"x" * 65536)
        if connection._says_goodbye:
            break

    assert "does not read" in (await recorder.end()).detail


async def test_sends_masked_text(serve, transport, recorder):
    async def script(peer):
        await peer.upgrade()
        return [await peer.receive() for _ in range(3)]

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)
    sent = [b"{}", b"y" * 300, b"z" * 70_000]
    for one in sent:
        connection.send(one)

    assert await server.result() == [(1, one) for one in sent]


async def test_paused_reading_holds_frames_and_the_peer(
    serve, transport, recorder, frames
):
    async def script(peer):
        await peer.upgrade()
        await peer.receive()
        peer.send(frames.text(b"held"))
        await peer.writer.drain()
        await peer.receive()

    server = await serve(script)
    connection = await transport.connect(server.url, recorder)
    connection.pause_reading()
    connection.pause_reading()
    connection.send(b"go")
    await asyncio.sleep(0.05)
    assert recorder.frames == []

    connection.resume_reading()
    connection.resume_reading()
    assert await recorder.got(1) == [b"held"]
    connection.abort()
    await recorder.end()
    connection.pause_reading()
    connection.resume_reading()


async def test_sets_the_options_that_bound_a_dead_peer(kit, serve, transport, recorder):
    _, connection = await kit.connected(serve, transport, recorder)
    sock = connection._transport.underlying_transport.get_extra_info("socket")

    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
    connection.abort()
