"""Doors that are shut, stuck or false, over real sockets."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from bistoury import Config, HyperLiquidIntegration
from bistoury.simulator.faults import Refuse, Silent
from bistoury.simulator.server import Venue


async def refused(stage, fault, **policy):
    """Meet a refusal over a real socket; return the first loss and the scene."""
    async with stage.sockets() as scene:
        scene.client.connect_timeout = 0.5
        scene.client.reconnect_delay = scene.client.max_reconnect_delay = 0.2
        scene.inject(fault)
        assert await scene.client.connect() is False
        await scene.until(lambda: len(scene.events("disconnected")) >= 2, within=30)
        lost = scene.events("disconnected")[0]
        scene.heal()
        await scene.live(within=30)
        return lost


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, "Forbidden"),
        (502, ""),
        (503, "<html><h1>503 Service</h1></html>"),
        (500, "{}"),
    ],
)
def test_f23_a_refusal_at_the_upgrade_is_named_and_retried(stage, status, body):
    lost = asyncio.run(refused(stage, Refuse(status=status, body=body)))
    assert (str(lost.cause), lost.code) == ("rejected", status)
    assert lost.was_open is False
    assert str(status) in lost.reason


def test_f23_a_page_of_html_with_status_200_is_a_refusal_too(stage):
    page = "<html><body>Sorry, we are in maintenance</body></html>"
    lost = asyncio.run(refused(stage, Refuse(status=200, body=page)))
    assert str(lost.cause) == "rejected"
    assert lost.code == 200


def test_f22_retry_after_of_a_real_refusal_is_kept(stage):
    async def main():
        async with stage.sockets() as scene:
            scene.client.connect_timeout = 0.5
            scene.client.reconnect_delay = scene.client.max_reconnect_delay = 0.1
            scene.inject(Refuse(status=429, retry_after=2))
            assert await scene.client.connect() is False
            lost = scene.events("disconnected")[0]
            assert (str(lost.cause), lost.code) == ("rate_limited", 429)
            assert 2.0 <= scene.delays[0] <= 2.5
            scene.heal()
            began = scene.times("reconnecting")[0]
            await scene.live(within=30)
            assert scene.times("connected")[0] - began >= 2.0

    asyncio.run(main())


@pytest.mark.parametrize("how", ["tcp", "close", "rst"])
def test_f20_a_port_that_is_shut_or_slams_is_tried_again(stage, how):
    lost = asyncio.run(refused(stage, Refuse(how=how)))
    assert str(lost.cause) == "network"


def test_f24_a_name_that_cannot_be_resolved_is_a_cause_of_its_own(stage, monkeypatch):
    def nowhere(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    async def main():
        client = HyperLiquidIntegration(
            Config(
                api_url="http://venue.invalid:80",
                allow_insecure=True,
                limits=stage.unlimited,
            ),
            connect_timeout=0.5,
        )
        client.reconnect_delay = client.max_reconnect_delay = 0.05
        scene = stage.scene(client, None)
        assert await client.connect() is False
        await scene.until(lambda: len(scene.events("disconnected")) >= 3, within=30)
        assert {str(it.cause) for it in scene.events("disconnected")} == {"dns"}
        await client.disconnect()

    asyncio.run(main())


class Certificates:
    """An authority and the contexts of both sides."""

    def __init__(self):
        self.authority = trustme.CA()

    def client(self):
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def server(self, name="127.0.0.1", **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(name, **options).configure_cert(context)
        return context


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("other.example", {}, "mismatch|match|valid for"),
        ("127.0.0.1", {"not_after": datetime.now(UTC) - timedelta(days=1)}, "expired"),
    ],
)
def test_f25_a_false_certificate_is_said_clearly_and_tried_again(
    stage, name, options, said
):
    async def main():
        certificates = Certificates()
        async with Venue(ssl=certificates.server(name, **options)) as venue:
            client = HyperLiquidIntegration(
                Config(api_url=venue.url, limits=stage.unlimited),
                ssl_context=certificates.client(),
                connect_timeout=0.5,
            )
            client.reconnect_delay = client.max_reconnect_delay = 0.1
            scene = stage.scene(client, venue)
            assert await client.connect() is False
            await scene.until(lambda: len(scene.events("disconnected")) >= 2, within=30)
            lost = scene.events("disconnected")[0]
            assert str(lost.cause) == "tls"
            assert venue.exchange.counters["connected"] == 0
            assert any(word in lost.reason for word in said.split("|")), lost.reason
            await client.disconnect()

    asyncio.run(main())


def test_f25_a_true_certificate_is_taken(stage):
    async def main():
        certificates = Certificates()
        async with stage.sockets(
            ssl=certificates.server(), ssl_context=certificates.client()
        ) as scene:
            await scene.client.subscribe_all_mids()
            assert await scene.client.connect()
            assert await scene.client.wait_ready(timeout=20)

    asyncio.run(main())


@asynccontextmanager
async def tarpit(say=b"", drip=b""):
    """A server that accepts, says ``say``, then ``drip`` byte by byte, and no more."""
    connections = []

    async def serve(reader, writer):
        connections.append(writer)
        writer.write(say)
        for byte in drip:
            await asyncio.sleep(1)
            writer.write(bytes((byte,)))
        await reader.read()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()
        for writer in connections:
            writer.transport.abort()
        await server.wait_closed()


TARPITS = {
    "f25: TLS that stalls at the first byte": ("https", b"", b"", "tls"),
    "f25: TLS that stalls in the middle": (
        "https",
        b"\x16\x03\x03\x00\x7a\x02",
        b"",
        "tls",
    ),
    "f26: an upgrade without an answer": ("http", b"", b"", "connect_timeout"),
    "f26: an upgrade that stops in the middle": (
        "http",
        b"HTTP/1.1 101 Swi",
        b"",
        "connect_timeout",
    ),
    "f26: an upgrade of one byte a second": (
        "http",
        b"",
        b"HTTP/1.1 101 Switching",
        "connect_timeout",
    ),
}


@pytest.mark.slow
def test_f25_f26_whatever_hangs_is_given_up_after_ten_seconds_at_most(stage):
    async def meet(scheme, say, drip, cause):
        async with tarpit(say, drip) as (port, connections):
            client = HyperLiquidIntegration(
                Config(api_url=f"{scheme}://127.0.0.1:{port}", limits=stage.unlimited),
                connect_timeout=30,
            )
            client.reconnect_delay = client.max_reconnect_delay = 0.1
            scene = stage.scene(client, None)
            task = asyncio.create_task(client.connect())
            await scene.until(lambda: connections, within=20)
            began = scene.now
            await scene.until(lambda: scene.events("disconnected"), within=20)
            noticed = scene.now - began
            assert noticed <= 11
            stage.note(notice=noticed)
            assert str(scene.events("disconnected")[0].cause) == cause
            await scene.until(lambda: len(connections) == 2, within=20)
            await client.disconnect()
            assert await task is False

    async def main():
        results = await asyncio.gather(
            *(meet(*it) for it in TARPITS.values()), return_exceptions=True
        )
        failed = {
            name: it
            for name, it in zip(TARPITS, results, strict=True)
            if it is not None
        }
        assert failed == {}

    asyncio.run(main())


def test_f27_a_peer_that_never_completes_the_close_holds_nothing_up(stage):
    async def main():
        async with stage.sockets() as scene:
            await scene.client.subscribe_all_mids()
            assert await scene.client.connect()
            await scene.client.wait_ready(timeout=20)
            scene.inject(Silent())
            began = scene.now
            await scene.client.disconnect()
            assert scene.now - began <= 2.0
            assert scene.stats["state"] == "closed"

    asyncio.run(main())
