"""What a client serves, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
from random import Random

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.simulator.faults import Cut, Refuse

USER = "0xAbCd" + "0" * 32 + "1234"
TOKEN = "a-token-of-some-length"


async def get(http, server, path, **options):
    async with http.get(server.url + path, allow_redirects=False, **options) as answer:
        return answer.status, await answer.read(), answer.headers


async def events(http, server, count):
    """Read so many events of the stream."""
    found = []
    async with http.get(f"{server.url}/events", read_bufsize=2**22) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        name = ""
        async with asyncio.timeout(10):
            async for line in answer.content:
                if line.startswith(b"event: "):
                    name = line[7:].decode().strip()
                elif line.startswith(b"data: "):
                    found.append((name, json.loads(line[6:])))
                    if len(found) == count:
                        break
    return found


async def test_every_path_answers_with_its_kind_and_its_headers(client, http):
    async with client.serve(port=0) as server:
        for path, kind in {
            "/": "text/html",
            "/static/page.js": "text/javascript",
            "/static/uplot.css": "text/css",
            "/static/icon.svg": "image/svg+xml",
            "/metrics": "text/plain",
            "/healthz": "application/json",
            "/readyz": "application/json",
            "/state.json": "application/json",
        }.items():
            status, body, headers = await get(http, server, path)
            assert status == 200, path
            assert body
            assert headers["Content-Type"].startswith(kind), path
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"


async def test_state_holds_the_same_figures_as_the_api_and_no_address(client, http):
    async with client.serve(port=0) as server:
        _, body, _ = await get(http, server, "/state.json")
    state = json.loads(body)

    assert state["v"] == 1
    assert USER not in body.decode()
    assert USER.lower() not in body.decode()
    assert state["verdict"]["status"] == "ok"
    assert set(state["statistics"]) == set(client.get_reconnection_stats())
    assert set(state["health"]) | {"subscriptions"} == set(
        await client.get_connection_health()
    )
    assert {it["feed"] for it in state["subscriptions"]} == {
        *("trades", "allMids", "userFills")
    }


async def test_readiness_follows_the_data_and_health_does_not(client, venue, http):
    async with client.serve(port=0) as server:
        assert (await get(http, server, "/readyz"))[0] == 200
        venue.inject(Refuse())
        venue.inject(Cut())
        async with asyncio.timeout(10):
            while client.is_connected():
                await asyncio.sleep(0.01)
        status, body, _ = await get(http, server, "/readyz")
        told = json.loads(body)
        assert status == 503
        assert not told["ready"]
        assert told["not_ready_because"][0].startswith("not live")
        assert told["verdict"]["line"].startswith("down")
        assert (await get(http, server, "/healthz"))[0] == 200


async def test_the_stream_begins_with_the_past_and_goes_on_each_second(client, http):
    async with client.serve(port=0) as server:
        told = await events(http, server, 5)

    names = [name for name, _ in told]
    assert names[:2] == ["history", "state"]
    states = [value for name, value in told if name == "state"]
    assert len(states) >= 2
    assert states[-1]["at"] > states[0]["at"]
    row = dict(zip(states[0]["columns"], states[0]["subscriptions"][0], strict=True))
    assert row["state"] == "live"
    assert row["open"] == 0


async def test_a_loss_is_told_at_once_and_then_its_account(client, venue, http):
    async with client.serve(port=0) as server:
        task = asyncio.ensure_future(events(http, server, 14))
        await asyncio.sleep(1.2)
        await client.reconnect()
        told = await task
        states = [value for name, value in told if name == "state"]
        assert {"down", "ok"} <= {kind for it in states for kind, *_ in it["timeline"]}
        status, body, _ = await get(http, server, "/incidents/1.json")
        account = json.loads(body)
    assert status == 200
    assert account["cause"] == "user"
    assert "ready" in account["steps"][-1]["text"]
    assert {it["status"] for it in account["missed"]} == {"recovered"}


async def test_the_page_outlives_a_disconnect_and_says_so(client, http):
    async with client.serve(port=0) as server:
        await client.disconnect()
        _, body, _ = await get(http, server, "/state.json")
        assert json.loads(body)["verdict"]["line"] == "off: closed"


async def test_a_token_is_taken_out_of_the_address_into_a_cookie(client, http):
    async with client.serve(port=0, token=TOKEN) as server:
        assert (await get(http, server, "/"))[0] == 401
        assert (await get(http, server, "/static/page.js"))[0] == 401
        status, _, headers = await get(http, server, f"/?token={TOKEN}")
        assert status == 303
        assert headers["Location"] == "/"
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await get(http, server, "/", cookies={"bistoury_token": TOKEN}))[
            0
        ] == 200
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await get(http, server, "/metrics", headers=bearer))[0] == 200


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}]
)
@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/state.json", "/events", "/nothing"]
)
async def test_foreign_requests_are_refused_everywhere(client, http, path, headers):
    async with client.serve(port=0) as server:
        status, body, got = await get(http, server, path, headers=headers)

    assert status == 403
    assert json.loads(body)["error"]
    assert "default-src 'none'" in got["Content-Security-Policy"]


async def raw(server, data):
    """Send bytes as they are; return the status of the answer, if there is one."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(data)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(4096), 0.5)
    except (ConnectionError, TimeoutError):
        return None  # hung up, or waiting for the rest of the request
    finally:
        writer.close()
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None


def nonsense(rng):
    """Make a request that nobody should send."""
    text = "".join(
        rng.choice("/.%ab2e\\?=&#:0\x7f~<>'\"") for _ in range(rng.randrange(60))
    )
    paths = [
        f"/{text}",
        f"/static/{text}",
        f"/incidents/{text}.json",
        "/static/..%2f..%2fserver.py",
        "/static/%2e%2e/server.py",
        f"/incidents/{rng.randrange(10**12)}.json",
        "/incidents/-1.json",
        "/incidents/%D9%A1.json",
        "*",
        f"/?token={text}",
    ]
    method = rng.choice(["GET", "POST", "PUT", "HEAD", "BREW", "get", "GET\t"])
    host = rng.choice(["localhost", "127.0.0.1:1", text or "x", "localhost\x00"])
    body = rng.randbytes(rng.randrange(200))
    extra = rng.choice(
        [
            f"Content-Length: {len(body)}",
            "Content-Length: -4",
            "Transfer-Encoding: chunked",
            "Cookie: " + text,
            "Authorization: Bearer \xff",
            "Range: bytes=0-1",
            "X: " + "y" * rng.choice([10, 9000]),
        ]
    )
    head = f"{method} {rng.choice(paths)} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n\r\n"
    return head.encode("latin-1") + body


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_nonsense_is_never_a_500_and_the_page_goes_on(
    client, http, token, caplog
):
    caplog.set_level(logging.ERROR)
    rng = Random(7)
    async with client.serve(port=0, token=token) as server:
        statuses = {await raw(server, nonsense(rng)) for _ in range(250)}
        headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
        assert (await get(http, server, "/healthz", headers=headers))[0] == 200

    assert {it for it in statuses if it is not None and it >= 500} == set()
    assert len(statuses) >= 2
    assert [
        it for it in caplog.records if it.exc_info and "aiohttp" not in it.name
    ] == []


async def test_a_taken_port_and_a_bad_one_are_said_in_a_sentence(client):
    async with client.serve(port=0) as server:
        with pytest.raises(ConfigError, match=str(server.port)):
            await client.serve(port=server.port)
    with pytest.raises(ConfigError, match="port"):
        client.serve(port=99_999)
    with pytest.raises(ConfigError, match="token"):
        client.serve("0.0.0.0")


async def test_starting_and_stopping_twice_is_fine_and_leaves_no_task(client, http):
    before = asyncio.all_tasks()
    server = await client.serve(port=0)
    assert await server.start() is server
    stream = asyncio.ensure_future(events(http, server, 1000))
    await asyncio.sleep(0.3)
    async with asyncio.timeout(2):
        await server.stop()
        await server.stop()
    await asyncio.gather(stream, return_exceptions=True)
    gc.collect()
    assert {it for it in asyncio.all_tasks() if not it.done()} - before == set()


async def test_while_nobody_looks_no_frame_is_made(client, http):
    async with client.serve(port=0) as server:
        await events(http, server, 3)
        async with asyncio.timeout(5):
            while server._broadcast.viewers:
                await asyncio.sleep(0.05)
        number = server._broadcast.number
        await asyncio.sleep(1.5)
        assert server._broadcast.number == number


async def test_a_client_in_a_thread_of_its_own_is_shown_as_well(venue, http):
    config = Config(network="local", api_url=venue.url)
    client = HyperLiquidIntegration(config, io_thread=True)
    client.reconnect_delay = 0.2
    await client.connect()
    await client.subscribe_trades("BTC")
    heard, threads = [], set()
    stop = client._window.listen(
        lambda verdict, notice: threads.add(threading.current_thread())
    )
    async with client.serve(port=0) as server, client.alerts(heard.append):
        task = asyncio.ensure_future(events(http, server, 10))
        venue.inject(Cut())
        told = await task
        states = [value for name, value in told if name == "state"]
        assert states[-1]["incident_count"] == 1
        for path in ("/metrics", "/readyz", "/incidents/1.json"):
            assert (await get(http, server, path))[0] == 200, path
    stop()
    await client.disconnect()
    assert threads == {threading.current_thread()}  # an event of asyncio is not safe
