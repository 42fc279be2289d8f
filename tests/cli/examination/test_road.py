"""The road to the venue."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
import trustme

from bistoury.cli.examination.road import Road
from bistoury.transport.target import parse_target


@pytest.fixture
async def listener():
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def walk(url):
    road = Road(parse_target(url))
    found = [await road.dns()]
    if found[-1].is_ok:
        check, sock = await road.tcp()
        found.append(check)
        if sock is not None:
            found.append(await road.tls(sock))
    return found


async def test_an_open_door_without_encryption(listener):
    dns, tcp, tls = await walk(f"ws://127.0.0.1:{listener}/ws")

    assert dns.is_ok
    assert tcp.is_ok
    assert tcp.seconds < 5
    assert tls.is_ok is None


async def test_a_name_that_is_not_known():
    (dns,) = await walk("wss://venue.invalid/ws")

    assert dns.is_ok is False
    assert "spelling" in dns.advice


async def test_a_closed_door():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        _, tcp = await walk(f"ws://127.0.0.1:{taken.getsockname()[1]}/ws")

    assert tcp.is_ok is False
    assert "refused" in tcp.said
    assert "bistoury sim" in tcp.advice


async def test_a_peer_that_does_not_speak_tls(listener):
    *_, tls = await walk(f"wss://127.0.0.1:{listener}/ws")

    assert tls.is_ok is False
    assert tls.advice


async def test_a_certificate_nobody_vouches_for():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        *_, tls = await walk(f"wss://127.0.0.1:{port}/ws")

    assert tls.is_ok is False
    assert "unknown authority" in tls.said


async def test_an_encrypted_door(monkeypatch):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    monkeypatch.setattr(ssl, "create_default_context", lambda: ours)
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        *_, tls = await walk(f"wss://127.0.0.1:{port}/ws")

    assert tls.is_ok, tls
    assert tls.said.startswith("TLSv1.")
    assert "certificate good for" in tls.said
