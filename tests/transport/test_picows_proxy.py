from __future__ import annotations

import asyncio
import traceback

import pytest

from bistoury.transport.picows import PicowsTransport


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("target", ["ws", "wss"])
async def test_a_silent_proxy_is_proxy(kit, serve, recorder, scheme, target):
    server = await serve(kit.tarpit)
    transport = kit.quick(proxy=f"{scheme}://127.0.0.1:{server.port}")
    error = await kit.failure(transport, f"{target}://venue.test/", recorder)

    assert (error.phase, error.timed_out) == ("proxy", True)


async def http_proxy(peer):
    """CONNECT anywhere leads to the port asked for on loopback."""
    await peer.read_request()
    port = int(peer.request.split(b" ")[1].rpartition(b":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    await relay(peer, reader, writer)
    return peer.request


async def socks_proxy(peer):
    await peer.reader.readexactly(2)
    await peer.reader.readexactly(1)
    peer.send(b"\x05\x00")
    await peer.reader.readexactly(3)
    kind = await peer.reader.readexactly(1)
    size = (await peer.reader.readexactly(1))[0] if kind == b"\x03" else 4
    host = await peer.reader.readexactly(size)
    port = int.from_bytes(await peer.reader.readexactly(2), "big")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    await relay(peer, reader, writer)
    return host


async def relay(peer, reader, writer):
    async def pump(source, sink):
        try:
            while data := await source.read(65536):
                sink.write(data)
        finally:
            sink.close()

    await asyncio.gather(
        pump(peer.reader, writer), pump(reader, peer.writer), return_exceptions=True
    )
    writer.transport.abort()


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
@pytest.mark.parametrize("secure", [False, True])
async def test_goes_through_a_proxy_by_name(
    serve, recorder, *, frames, kind, secure, tls
):
    server_context, client_context = tls

    async def script(peer):
        await peer.upgrade(frames.text(b"hello"), frames.close(1001))
        return await peer.receive_close()

    server = await serve(script, context=server_context if secure else None)
    proxy = await serve(
        socks_proxy if kind == "socks5" else http_proxy,
        context=server_context if kind == "https" else None,
    )
    transport = PicowsTransport(
        proxy=f"{kind}://127.0.0.1:{proxy.port}",
        ssl_context=client_context,
        proxy_ssl_context=client_context if kind == "https" else None,
    )
    await transport.connect(server.url.replace("127.0.0.1", "localhost"), recorder)

    assert (await recorder.end()).code == 1001
    assert recorder.frames == [b"hello"]
    assert b"localhost" in await proxy.result()


@pytest.mark.parametrize("target", ["ws", "wss"])
async def test_what_a_proxy_refuses_is_proxy_and_no_password_leaks(
    kit, serve, recorder, target
):
    async def refuses(peer):
        await peer.read_request()
        peer.send(
            b"HTTP/1.1 407 Proxy Authentication Required hunter%2Ftwo hunter/two\r\n\r\n"
        )
        await peer.hung_up()

    async def hangs_up(peer):
        await peer.reader.read(1)

    async def socks_refuses(peer):
        await peer.reader.read(1)
        peer.send(b"\x05\xff")
        await peer.hung_up()

    for scheme, script in (
        ("http", refuses),
        ("http", hangs_up),
        ("socks5", socks_refuses),
        ("socks5", hangs_up),
    ):
        server = await serve(script)
        transport = PicowsTransport(
            proxy=f"{scheme}://me:hunter%2Ftwo@127.0.0.1:{server.port}"
        )
        error = await kit.failure(transport, f"{target}://venue.test/", recorder)
        assert (error.phase, error.timed_out) == ("proxy", False), (
            scheme,
            script,
            error,
        )
        said = (
            "".join(traceback.format_exception(error))
            + repr(error)
            + str(error.__dict__)
        )
        assert "hunter" not in said


async def test_a_proxy_that_is_not_there_is_proxy(kit, recorder, unused_port):
    transport = PicowsTransport(proxy=f"http://127.0.0.1:{unused_port}")
    error = await kit.failure(transport, "ws://venue.test/", recorder)

    assert (error.phase, error.timed_out) == ("proxy", False)


async def test_behind_a_proxy_a_stalled_handshake_is_still_tls(kit, serve, recorder):
    stalled = await serve(kit.tarpit)
    proxy = await serve(http_proxy)
    transport = kit.quick(proxy=f"http://127.0.0.1:{proxy.port}", proxy_timeout=4.0)
    error = await kit.failure(transport, stalled.url.replace("ws:", "wss:"), recorder)

    assert (error.phase, error.timed_out) == ("tls", True)
