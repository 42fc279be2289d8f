"""disconnect() returns within two seconds, whatever the peer does."""

import asyncio

import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.config import Limits
from bistoury.simulator.faults import Cut, Drip, Refuse, Silent
from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Settings

UNLIMITED = Limits(connections_per_minute=100_000, connections=1000)
SETTINGS = Settings(coins=("BTC",), cadences=Cadences(all_mids=0.1))


async def until(condition, within=30):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


async def leave(client):
    """Disconnect; nothing may be left of it."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await client.disconnect()
    took = loop.time() - began
    assert client.get_reconnection_stats()["state"] == "closed"
    assert took <= 2.0
    await until(
        lambda: (
            not [
                it for it in asyncio.all_tasks() if it.get_name().startswith("bistoury")
            ]
        ),
        within=5,
    )


def client_of(url):
    return HyperLiquidIntegration(
        Config(api_url=url, limits=UNLIMITED), connect_timeout=1.0
    )


@pytest.mark.parametrize(
    "kind",
    [
        "never answers the close",
        "stops reading",
        "floods",
        "never upgrades",
        "never acknowledges",
    ],
)
async def test_disconnect_is_quick_with_a_peer_that(kind, peers):
    _, nasty_peer = peers
    async with nasty_peer(kind) as peer:
        client = client_of(peer.url)
        await client.subscribe_all_mids(lambda message: None)
        live = await client.connect()
        assert live == (kind not in {"never upgrades", "never acknowledges"})
        assert len(peer.connections) == 1
        await leave(client)


async def test_disconnect_is_quick_while_much_is_unsent(peers):
    _, nasty_peer = peers
    async with nasty_peer("stops reading") as peer:
        client = client_of(peer.url)
        await client.subscribe_all_mids()
        assert await client.connect()
        client._supervisor._connection.send(b" " * 3_000_000)
        await leave(client)


PHASES = {
    "half-open": [Silent()],
    "one-way": [Silent(direction="out")],
    "dripping": [Drip(bytes_per_second=1.0)],
    "in back-off": [Refuse(status=503), Cut(how="rst")],
    "mid-handshake": [Refuse(how="hang"), Cut(how="rst")],
    "mid-restore": [Cut(how="rst"), Silent(direction="out", what=("ack", "error"))],
    "refused": [Refuse(how="rst"), Cut(how="eof")],
}


@pytest.mark.parametrize("phase", PHASES)
async def test_disconnect_is_quick_when_the_connection_is(phase):
    async with Venue(SETTINGS) as venue:
        client = client_of(venue.url)
        client.reconnect_delay = 0.1
        await client.subscribe_all_mids()
        assert await client.connect()
        for fault in PHASES[phase]:
            venue.inject(fault)
        if len(PHASES[phase]) > 1:
            await until(lambda: not client.is_connected())
        if phase == "mid-restore":
            await until(lambda: client.get_reconnection_stats()["state"] == "syncing")
        if phase == "mid-handshake":
            await until(lambda: venue.exchange.counters["refused"])
        await leave(client)


async def test_a_disconnect_is_as_good_as_new_for_the_next_connect():
    async with Venue(SETTINGS) as venue:
        client = client_of(venue.url)
        seen = []
        await client.subscribe_all_mids(seen.append)
        for _ in range(5):
            assert await client.connect()
            seen.clear()
            await until(lambda: seen)
            await leave(client)
        assert venue.exchange.counters["connected"] == 5
