"""Frames that are no messages, and handlers that are no help."""

import asyncio
import base64
import hashlib
import json
import struct

import pytest

from bistoury import Config, HyperLiquidIntegration
from bistoury.simulator.faults import Drip, Garble, Silent
from bistoury.simulator.settings import Settings


def test_f32_a_handler_that_raises_each_time_disturbs_nothing_else(stage, caplog):
    async def scenario(scene):
        good, calls = [], []

        def bad(message):
            calls.append(message)
            raise ValueError("on each message")

        await scene.client.connect()
        await scene.client.subscribe_trades("BTC", bad)
        await scene.client.subscribe_trades("BTC", good.append)
        await asyncio.sleep(120)
        assert len(good) == len(calls) > 50
        assert scene.losses == []
        assert scene.client._monitor.handler_errors == len(calls)

    stage.play(scenario)
    assert sum(it.levelname == "ERROR" for it in caplog.records) <= 3


@pytest.mark.parametrize(
    "how", ["truncated", "binary", "empty", "channel", "text", "field", "list"]
)
def test_f48_f49_strange_frames_are_counted_or_passed_over_and_cost_no_connection(
    stage, how
):
    async def main():
        async with stage.sockets() as scene:
            seen = []
            assert await scene.client.connect()
            await scene.client.subscribe_trades("BTC", seen.append)
            await scene.client.subscribe_orderbook("BTC", seen.append)
            await scene.client.subscribe_all_mids(seen.append)
            await scene.client.wait_ready(timeout=20)
            scene.inject(Garble(probability=1.0, how=(how,)))
            session = scene.client._session
            before = scene.exchange.counters["sent"]
            await scene.until(
                lambda: scene.exchange.counters["sent"] >= before + 30, within=20
            )
            await asyncio.sleep(0.1)
            assert scene.losses == []
            assert scene.client.is_connected()
            if how in {"truncated", "empty"}:
                assert scene.client._monitor.unreadable > 10
            if how == "channel":
                assert session.conversation.unrouted > 10
            scene.heal()
            seen.clear()
            await scene.until(lambda: len(seen) > 5, within=20)

    asyncio.run(main())


def test_f48_what_cannot_be_read_is_logged_once_a_minute_and_never_quoted(
    stage, caplog
):
    async def scenario(scene):
        await scene.client.connect()
        await scene.client.subscribe_trades("BTC")
        scene.inject(Garble(probability=1.0, how=("truncated",)))
        await asyncio.sleep(59)

    stage.play(scenario)
    skipped = [it for it in caplog.records if "could not be read" in it.getMessage()]
    assert 1 <= len(skipped) <= 3
    assert "tid" not in caplog.text


def test_f48_invalid_utf8_ends_the_connection_with_1007_and_a_new_one_comes(stage):
    async def main():
        async with stage.sockets() as scene:
            scene.client.reconnect_delay = 0.1
            await scene.client.subscribe_all_mids()
            assert await scene.client.connect()
            await scene.client.wait_ready()
            scene.inject(Garble(probability=1.0, how=("utf8",)), 0.3)
            await scene.until(lambda: scene.losses, within=20)
            await scene.live(within=20)
            assert set(scene.losses) == {"protocol_error"}
            assert scene.events("disconnected")[0].code == 1007

    asyncio.run(main())


def test_f49_a_greeting_that_is_not_json_is_passed_over(stage):
    async def scenario(scene):
        await scene.client.subscribe_all_mids()
        assert await scene.client.connect()
        await scene.client.wait_ready()
        assert scene.client._monitor.unreadable == 1
        assert scene.losses == []

    stage.play(scenario, Settings(coins=("BTC",), greeting=True))


# A venue of a few lines, for what the local venue would never say.

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(payload, opcode=1):
    first = bytes((0x80 | opcode,))
    if len(payload) < 126:
        return first + bytes((len(payload),)) + payload
    if len(payload) < 65536:
        return first + b"\x7e" + struct.pack("!H", len(payload)) + payload
    return first + b"\x7f" + struct.pack("!Q", len(payload)) + payload


async def upgrade(reader, writer):
    request = await reader.readuntil(b"\r\n\r\n")
    (key,) = [
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    ]
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def text(message):
    return frame(json.dumps(message).encode())


async def read_text(reader):
    """Return the next text message of the client, or None at the end."""
    try:
        while True:
            first, size = await reader.readexactly(2)
            size &= 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
            mask = await reader.readexactly(4)
            data = await reader.readexactly(size)
            if first & 0xF == 1:
                return json.loads(bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
            if first & 0xF == 8:
                return None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def scripted(stage, say, play):
    """Play against a venue that acknowledges, pongs, and says what ``say`` returns."""

    async def serve(reader, writer):
        try:
            await upgrade(reader, writer)
            while (message := await read_text(reader)) is not None:
                if message["method"] == "ping":
                    writer.write(text({"channel": "pong"}))
                    continue
                writer.write(text({"channel": "subscriptionResponse", "data": message}))
                for data in say(message["subscription"]):
                    writer.write(data)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = HyperLiquidIntegration(Config(api_url=f"http://127.0.0.1:{port}"))
    try:
        assert await client.connect()
        await play(stage.scene(client, None))
    finally:
        await client.disconnect()
        server.close()
        await server.wait_closed()


def test_f50_a_message_of_three_megabytes_is_taken(stage, figures):
    mids = {f"COIN{number:06d}": f"{number}.123456789" for number in range(100_000)}
    large = text({"channel": "allMids", "data": {"mids": mids}})
    assert len(large) > 3_000_000

    async def play(scene):
        seen = []
        await scene.client.subscribe_all_mids(seen.append)
        await scene.until(lambda: seen, within=30)
        figures(
            notice="n/a: no fault",
            recover="n/a: no outage",
            lost=len(mids) - len(seen[0]["data"]["mids"]),
            repeated=len(seen) - 1,
        )
        assert seen[0]["data"]["mids"] == mids
        assert scene.losses == []

    asyncio.run(scripted(stage, lambda _: [large], play))


def test_f54_a_book_that_goes_back_in_time_is_not_delivered(stage, figures):
    # The second subscription is that of a new connection.
    times = iter([(10, 20, 15, 30), (25, 40, 5, 50)])

    def books(_):
        levels = [[{"px": "1", "sz": "1", "n": 1}], [{"px": "2", "sz": "1", "n": 1}]]
        for time in next(times):
            book = {"coin": "BTC", "time": time, "levels": levels}
            yield text({"channel": "l2Book", "data": book})

    async def play(scene):
        seen = []
        await scene.client.subscribe_orderbook(
            "BTC", lambda it: seen.append(it["data"]["time"])
        )
        await scene.until(lambda: 30 in seen, within=20)
        await scene.client.reconnect()
        await scene.until(lambda: 50 in seen, within=20)
        news = [10, 20, 30, 40, 50]
        figures(
            notice="n/a: dropped at once",
            recover="n/a: the next one",
            lost=len(set(news) - set(seen)),
            repeated=len(seen) - len(set(news) & set(seen)),
        )
        assert seen == news
        health = await scene.client.get_connection_health()
        (book,) = health["subscriptions"].values()
        assert book["duplicates"] == 3

    asyncio.run(scripted(stage, books, play))


STRANGE = [
    {"channel": "tomorrow", "data": [1, 2, {"x": None}]},
    {"channel": "trades", "data": []},
    {"channel": "trades", "data": None},
    {"channel": "trades", "data": {"not": "a list"}},
    {"channel": "trades", "data": [{"coin": "BTC"}, None, 7]},
    {"channel": "l2Book", "data": {"coin": 7}},
    {"channel": "l2Book"},
    {"channel": 7, "data": {}},
    {"channel": "error", "data": {"not": "text"}},
    {"channel": "error", "data": "Something nobody has heard of {"},
    {"channel": "subscriptionResponse", "data": {"method": "dance"}},
    {"channel": "subscriptionResponse", "data": 7},
    {"channel": "post", "data": {"id": 77, "response": {}}},
    {"channel": "pong", "data": {"extra": True}},
    [],
    [{"channel": "trades"}],
    7,
    None,
    "Websocket connection established.",
]


def test_f49_a_whole_cabinet_of_strange_messages_is_survived(stage, figures):
    good = {
        "channel": "trades",
        "data": [
            {
                "coin": "BTC",
                "side": "X",
                "px": "1",
                "sz": "2",
                "time": 5,
                "hash": "0x0",
                "tid": 9,
                "users": ["0x1", "0x2"],
                "new": {"a": [1]},
            }
        ],
        "addedLater": True,
    }
    frames = [text(it) for it in STRANGE]
    frames += [
        frame(raw) for raw in (b"", b"{", b"Websocket connection established.", b"\x00")
    ]
    frames += [frame(b"\x00\x01binary", opcode=2), frame(b"hello", opcode=9)]
    frames.append(text(good))

    async def play(scene):
        seen = []
        await scene.client.subscribe_trades("BTC", seen.append)
        await scene.until(lambda: any(it["data"] for it in seen), within=20)
        # Unknown fields and enums are passed on as they are.
        rows = [row for it in seen for row in it["data"] if row.get("tid") == 9]
        whole = rows.count(good["data"][0])
        figures(
            notice="n/a: passed over",
            recover="n/a: no outage",
            lost=1 - whole,
            repeated=len(rows) - whole,
        )
        assert rows == good["data"]
        assert scene.losses == []
        assert scene.client.is_connected()

    asyncio.run(scripted(stage, lambda _: frames, play))


@pytest.mark.parametrize("rate", [1.0, 20.0])
def test_f67_a_frame_that_drips_in_is_not_waited_for(stage, rate):
    async def main():
        async with stage.sockets() as scene:
            await scene.client.subscribe_orderbook("BTC")
            assert await scene.client.connect()
            await scene.client.wait_ready(timeout=20)
            # The same rule in a shorter time: pings each half second, one more to pong.
            scene.hurry(ping_interval=0.5, pong_timeout=1.0)
            scene.client.reconnect_delay = 0.1
            scene.inject(Drip(bytes_per_second=rate, connection=1))
            await scene.until(lambda: scene.losses, within=30)
            assert scene.losses == ["silent"]
            await scene.live(within=20)

    asyncio.run(main())


def test_f04_a_black_hole_on_a_real_connection_is_left_without_a_goodbye(stage):
    async def main():
        async with stage.sockets() as scene:
            await scene.client.subscribe_all_mids()
            assert await scene.client.connect()
            await scene.client.wait_ready(timeout=20)
            scene.hurry(ping_interval=0.5, pong_timeout=1.0)
            scene.client.reconnect_delay = 0.1
            scene.inject(Silent(connection=1))
            await scene.until(lambda: scene.losses, within=30)
            assert scene.losses == ["silent"]
            await scene.live(within=20)
            assert scene.exchange.counters["connected"] == 2

    asyncio.run(main())


def test_f30_a_flow_that_a_middle_box_swallows_is_noticed(stage):
    async def main():
        async with stage.sockets() as scene:
            flows = []
            swallowing = asyncio.Event()

            async def pump(reader, writer):
                while data := await reader.read(65536):
                    if not swallowing.is_set():
                        writer.write(data)
                writer.close()

            async def forward(reader, writer):
                port = int(scene.venue.url.rsplit(":", 1)[1])
                far_reader, far_writer = await asyncio.open_connection(
                    "127.0.0.1", port
                )
                flows.append(asyncio.create_task(pump(reader, far_writer)))
                flows.append(asyncio.create_task(pump(far_reader, writer)))
                await asyncio.gather(*flows[-2:], return_exceptions=True)
                far_writer.close()

            proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
            port = proxy.sockets[0].getsockname()[1]
            client = HyperLiquidIntegration(
                Config(api_url=f"http://127.0.0.1:{port}", limits=stage.unlimited)
            )
            inner = stage.scene(client, scene.venue)
            client.reconnect_delay = 0.1
            await client.subscribe_all_mids()
            assert await client.connect()
            await client.wait_ready(timeout=20)
            inner.hurry(ping_interval=0.5, pong_timeout=1.0)
            swallowing.set()
            await inner.until(lambda: inner.losses, within=30)
            swallowing.clear()
            await inner.live(within=30)
            assert inner.losses[0] == "silent"
            await client.disconnect()
            proxy.close()
            await asyncio.gather(*flows, return_exceptions=True)

    asyncio.run(main())
