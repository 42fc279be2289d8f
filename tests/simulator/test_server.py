"""The venue on a real port, met by a client that shares no code with it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import socket
import ssl
import warnings
from pathlib import Path

import aiohttp
import pytest
import trustme

from bistoury.simulator import Cadences, FaultPlan, Limits, Settings, Step, Venue
from bistoury.simulator.faults import Cut, Drip, Refuse, Rest, Silent

BOOK = {"type": "l2Book", "coin": "BTC", "fast": True}
QUICK = Settings(
    coins=("BTC",),
    cadences=Cadences(l2_book_fast=0.05),
    limits=Limits.none(),
    trade_rate=2.0,
)


@pytest.fixture
async def venue():
    async with Venue(QUICK, seed=1) as running:
        yield running


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=10)
    ) as session:
        yield session


def ws_url(venue):
    return venue.url.replace("http", "ws", 1) + "/ws"


async def subscribed(http, venue, **options):
    ws = await http.ws_connect(ws_url(venue), autoping=False, **options)
    await ws.send_json({"method": "subscribe", "subscription": BOOK})
    ack, first = await ws.receive_json(), await ws.receive_json()
    assert [ack["channel"], first["channel"]] == ["subscriptionResponse", "l2Book"]
    return ws


async def handshaken(venue):
    """Open a WebSocket by hand, to see what TCP says."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(venue.url.rsplit(":", 1)[1])
    )
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except BaseException:
        await hung_up(writer)
        raise
    return reader, writer, head


async def hung_up(writer):
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_client_gets_data_over_a_real_socket(venue, http):
    ws = await subscribed(http, venue)

    times = [(await ws.receive_json())["data"]["time"] for _ in range(5)]

    assert times == sorted(times)
    assert list(venue.exchange.subscriptions().values()) == [
        {'{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null,"fast":true}'}
    ]
    await ws.close()


async def test_control_pings_are_answered(venue, http):
    ws = await http.ws_connect(ws_url(venue), autoping=False)

    await ws.ping(b"hello")
    answer = await ws.receive()

    assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"hello")
    await ws.close()


async def test_a_goodbye_is_answered_and_forgotten(venue, http):
    ws = await subscribed(http, venue)

    await ws.close()

    assert ws.close_code == 1000
    await until(lambda: not venue.exchange.subscriptions())


async def until(true):
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0)


async def test_a_reset_is_a_reset(venue):
    reader, writer, _ = await handshaken(venue)

    venue.inject(Cut(how="rst"))

    with pytest.raises(ConnectionResetError):
        while await reader.read(1000):
            pass
    await hung_up(writer)


async def test_an_end_of_file_has_no_close_frame(venue):
    reader, writer, _ = await handshaken(venue)

    venue.inject(Cut(how="eof"))

    assert await reader.read() == b""
    await hung_up(writer)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1013, 4000])
async def test_a_close_carries_its_code_and_reason(venue, http, code):
    ws = await subscribed(http, venue)

    venue.inject(Cut(how="close", code=code, reason="Expired"))
    message = await ws.receive()
    while message.type is aiohttp.WSMsgType.TEXT:
        message = await ws.receive()

    assert message.type is aiohttp.WSMsgType.CLOSE
    assert (message.data, message.extra) == (code, "Expired")


async def test_half_open_is_silent_for_data_pings_and_goodbyes(venue):
    reader, writer, _ = await handshaken(venue)
    venue.inject(Silent())

    masked_ping, masked_close = b"\x89\x80\0\0\0\0", b"\x88\x82\0\0\0\0\x03\xe8"
    writer.write(masked_ping + masked_close)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.read(1)

    assert len(venue.exchange.subscriptions()) == 1
    await hung_up(writer)
    await until(lambda: not venue.exchange.subscriptions())


async def test_a_silence_heals(venue, http):
    ws = await subscribed(http, venue)
    venue.inject(Silent(direction="out"))
    await ws.send_json({"method": "ping"})
    await until(lambda: venue.exchange.counters["received"] == 2)
    venue.heal()

    assert (await ws.receive_json())["channel"] == "l2Book"
    await ws.close()


async def test_a_refused_upgrade_has_status_header_and_body(venue, http):
    venue.inject(Refuse(status=429, retry_after=20, body="<html>no</html>"))

    async with http.get(venue.url + "/ws") as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "20"
        assert response.content_type == "text/html"
        assert await response.text() == "<html>no</html>"


async def test_an_upgrade_can_stay_unanswered_until_healed(venue):
    venue.inject(Refuse(how="hang"))
    attempt = asyncio.create_task(handshaken(venue))
    await until(lambda: venue._hanging)
    assert not attempt.done()

    venue.heal()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await attempt


async def test_refused_tcp_is_refused_by_the_kernel_and_comes_back(venue):
    number = venue.inject(Refuse(how="tcp"))
    await until(lambda: not venue._listener.listening)
    with pytest.raises(ConnectionRefusedError):
        await handshaken(venue)

    venue.heal(number)
    await until(lambda: venue._listener.listening)
    _, writer, head = await handshaken(venue)

    assert head.startswith(b"HTTP/1.1 101")
    await hung_up(writer)


@pytest.mark.parametrize("how", ["close", "rst"])
async def test_accepted_connections_can_be_hung_up_on(venue, how):
    venue.inject(Refuse(how=how))

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await handshaken(venue)


async def test_a_dripping_frame_comes_in_pieces_and_whole():
    async with Venue(Settings(greeting=True)) as venue:
        venue.inject(Drip(bytes_per_second=100.0))
        reader, writer, _ = await handshaken(venue)

        first = await reader.read(100)
        rest = await reader.readexactly(34 - len(first))

        assert len(first) < 34
        assert (first + rest)[2:] == b"Websocket connection established"
        await hung_up(writer)


async def test_rest_answers_as_the_venue_does(venue, http):
    async with http.post(venue.url + "/info", json={"type": "allMids"}) as response:
        assert response.status == 200
        assert list(await response.json()) == ["BTC"]
    async with http.post(venue.url + "/info", data=b"{") as response:
        assert response.status == 400
    async with http.post(venue.url + "/info", json={"type": "nope"}) as response:
        assert response.status == 422
        assert (
            await response.text()
            == "Failed to deserialize the JSON body into the target type"
        )
    async with http.post(
        venue.url + "/info", data=io.BytesIO(b" " * 2**21)
    ) as response:
        assert response.status == 413


async def test_rest_can_fail_with_a_page(venue, http):
    venue.inject(Rest(status=502, body="<html>bad gateway</html>"))

    async with http.post(venue.url + "/info", json={"type": "allMids"}) as response:
        assert response.status == 502
        assert await response.text() == "<html>bad gateway</html>"


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}]
)
async def test_a_web_page_is_not_served(venue, http, headers):
    async with http.get(venue.url + "/sim/state", headers=headers) as response:
        assert response.status == 403


async def test_a_slow_venue_clock_can_run_fast(http):
    async with Venue(Settings(coins=("BTC",), time_scale=100.0)) as venue:
        ws = await subscribed(http, venue)
        first, last = [(await ws.receive_json())["data"]["time"] for _ in range(2)]
        await ws.close()

        assert last - first >= 500
        assert venue.exchange.settings.idle_close == 6000.0


async def test_a_plan_runs_on_the_real_venue(http):
    plan = FaultPlan((Step(at=0.05, fault=Cut(how="close", code=1012)),))
    async with Venue(QUICK, plan=plan) as venue:
        ws = await http.ws_connect(ws_url(venue))
        message = await ws.receive()

        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)


async def test_it_speaks_tls(http):
    authority = trustme.CA()
    server, client = (
        ssl.SSLContext(p) for p in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT)
    )
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    async with Venue(QUICK, ssl=server) as venue:
        ws = await subscribed(http, venue, ssl=client)
        await ws.close()

        assert venue.url.startswith("https://")


async def test_a_client_that_never_reads_does_not_stop_the_venue(venue, http):
    _, writer, _ = await handshaken(venue)
    other = await subscribed(http, venue)

    assert (await other.receive_json())["channel"] == "l2Book"
    await other.close()
    await hung_up(writer)


async def test_a_port_in_use_is_an_error_that_leaves_nothing(venue):
    second = Venue(QUICK)

    with pytest.raises(OSError, match="in use"):
        await second.start(int(venue.url.rsplit(":", 1)[1]))
    await second.stop()


def open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_starting_and_stopping_twenty_times_leaves_nothing(http):
    async def once():
        async with Venue(QUICK) as venue:
            await subscribed(http, venue)
            _, writer, _ = await handshaken(venue)
            venue.inject(Silent())
            await hung_up(writer)

    await once()
    await asyncio.sleep(0)
    gc.collect()
    tasks, files = len(asyncio.all_tasks()), open_files()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(20):
            await once()
        gc.collect()

    assert caught == []
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    await until(lambda: open_files() <= files)


async def test_stopping_is_quick_whatever_the_peers_do(http):
    venue = Venue(QUICK)
    await venue.start()
    await subscribed(http, venue)
    _, writer, _ = await handshaken(venue)
    venue.inject(Refuse(how="hang"))
    attempt = asyncio.create_task(handshaken(venue))
    await until(lambda: venue._hanging)
    venue.inject(Silent())

    async with asyncio.timeout(2):
        await venue.stop()

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await attempt
    await hung_up(writer)


def test_the_port_is_on_loopback_alone():
    async def bound():
        async with Venue(QUICK) as venue:
            server = venue._listener._server
            return [sock.getsockname()[0] for sock in server.sockets]

    assert asyncio.run(bound()) == ["127.0.0.1"]
    assert socket.inet_aton("127.0.0.1")
