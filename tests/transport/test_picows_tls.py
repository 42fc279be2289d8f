from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from bistoury.transport.picows import PicowsTransport


async def test_speaks_over_tls(serve, recorder, frames, server_context, client_context):
    async def script(peer):
        await peer.upgrade()
        peer.send(frames.text((await peer.receive())[1]), frames.close(1012))
        return await peer.receive_close()

    server = await serve(script, context=server_context)
    connection = await PicowsTransport(ssl_context=client_context).connect(
        server.url, recorder
    )
    connection.send(b"{}")

    assert (await recorder.end()).code == 1012
    assert recorder.frames == [b"{}"]
    assert await server.result() == 1012


async def test_says_what_is_wrong_with_a_certificate(
    kit, serve, recorder, *, authority, server_context, client_context
):
    def context(certificate):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(made)
        return made

    past = datetime.now(UTC) - timedelta(days=2)
    future = datetime.now(UTC) + timedelta(days=2)
    cases = [
        (context(authority.issue_cert("127.0.0.1", not_after=past)), "expired"),
        (
            context(authority.issue_cert("127.0.0.1", not_before=future)),
            "not valid yet",
        ),
        (context(authority.issue_cert("venue.test")), "another host"),
        (context(trustme.CA().issue_cert("127.0.0.1")), "unknown authority"),
    ]
    for server_side, word in cases:
        server = await serve(kit.echo, context=server_side)
        error = await kit.failure(
            PicowsTransport(ssl_context=client_context), server.url, recorder
        )
        assert (error.phase, error.timed_out) == ("tls", False)
        assert word in error.detail
        assert "verif" not in error.detail.split(":")[0]


async def test_trusts_nobody_unknown_by_default(kit, serve, recorder, server_context):
    server = await serve(kit.echo, context=server_context)
    error = await kit.failure(PicowsTransport(), server.url, recorder)

    assert "unknown authority" in error.detail


async def test_a_peer_without_tls_is_named(kit, serve, recorder):
    async def script(peer):
        await peer.reader.read(1)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.hung_up()

    server = await serve(script)
    error = await kit.failure(
        PicowsTransport(), server.url.replace("ws:", "wss:"), recorder
    )

    assert (error.phase, error.detail) == ("tls", "the peer does not speak TLS")


@pytest.mark.parametrize("way", ["end of file", "reset"])
async def test_a_handshake_that_is_cut_is_tls_and_quiet(
    kit, serve, recorder, way, no_complaints
):
    async def script(peer):
        await peer.reader.read(100)
        if way == "reset":
            peer.reset()
        else:
            await peer.reader.read(65536)
            peer.writer.close()

    server = await serve(script)
    error = await kit.failure(
        PicowsTransport(), server.url.replace("ws:", "wss:"), recorder
    )

    assert (error.phase, error.timed_out) == ("tls", False)
    assert "closed the connection" in error.detail
    assert no_complaints == []


async def test_lets_go_of_a_tls_peer_that_never_says_goodbye(
    kit, serve, recorder, server_context, client_context
):
    async def script(peer):
        await peer.upgrade()
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    server = await serve(script, context=server_context)
    connection = await kit.quick(ssl_context=client_context).connect(
        server.url, recorder
    )
    began = asyncio.get_running_loop().time()
    connection.close()

    await recorder.end()
    assert asyncio.get_running_loop().time() - began < 1.0


async def test_makes_its_tls_context_once(monkeypatch):
    made = []
    create = ssl.create_default_context
    monkeypatch.setattr(
        ssl, "create_default_context", lambda: made.append(create()) or made[-1]
    )
    transport = PicowsTransport()
    assert made == []

    assert (
        transport._tls_settings["ssl_context"] is transport._tls_settings["ssl_context"]
    )
    assert len(made) == 1
    assert made[0].minimum_version >= ssl.TLSVersion.TLSv1_2
    assert made[0].check_hostname
    assert made[0].verify_mode is ssl.CERT_REQUIRED


async def test_a_violation_ends_a_tls_connection_whose_peer_never_says_goodbye(
    kit, serve, recorder, *, frames, server_context, client_context
):
    async def script(peer):
        await peer.upgrade(frames.frame(3))
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    server = await serve(script, context=server_context)
    await kit.quick(ssl_context=client_context).connect(server.url, recorder)
    began = asyncio.get_running_loop().time()

    assert (await recorder.end()).code == 1002
    assert asyncio.get_running_loop().time() - began < 1.0
