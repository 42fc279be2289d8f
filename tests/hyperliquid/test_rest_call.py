from __future__ import annotations

import asyncio
import json
import zlib

import pytest
from aiohttp import web

from bistoury.errors import RateLimitedError, RequestError
from bistoury.hyperliquid.rest_call import (
    DaemonResolver,
    TransientError,
    Way,
    open_session,
    post,
)

BODY = {"type": "allMids"}


class Venue:
    """Answers every request with what it is told to."""

    def __init__(self):
        self.asked = []
        self.status = 200
        self.body = b"{}"
        self.headers = {}
        self.silent = False
        self.released = asyncio.Event()

    async def answer(self, request):
        self.asked.append((request.headers["Content-Type"], await request.read()))
        if self.silent:
            await self.released.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
async def venue():
    venue = Venue()
    app = web.Application()
    app.router.add_post("/info", venue.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    venue.way = Way(f"http://127.0.0.1:{port}/info", timeout=5)
    yield venue
    venue.released.set()
    await runner.cleanup()


@pytest.fixture
async def session():
    async with open_session() as session:
        yield session


async def test_a_question_travels_as_json_and_so_does_the_answer(venue, session):
    venue.body = b'{"BTC":"102750.5","ETH":null}'

    answer = await post(session, venue.way, BODY, "allMids")

    assert answer == {"BTC": "102750.5", "ETH": None}
    assert venue.asked == [
        ("application/json", json.dumps(BODY).replace(" ", "").encode())
    ]


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (500, b"oops", "oops"),
        (502, b"<html>Bad Gateway</html>", "an HTML page"),
        (503, b"", "no reason given"),
        (500, b"null", "null, as for a coin the venue does not know"),
        (408, b"slow", "slow"),
        (403, b" <!DOCTYPE html>", "an HTML page"),
        (200, b"<html>", "an HTML page instead of an answer"),
        (200, b"", "no JSON instead of an answer"),
        (200, b'{"a', "no JSON instead of an answer"),
        (200, b'"\xff"', "no JSON instead of an answer"),
        (200, b"[" * 100_000, "no JSON instead of an answer"),
    ],
)
async def test_what_may_pass_by_itself_is_transient(
    venue, session, status, body, detail
):
    venue.status, venue.body = status, body

    with pytest.raises(TransientError) as caught:
        await post(session, venue.way, BODY, "allMids")

    assert (caught.value.status, caught.value.detail) == (status, detail)


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (400, b"bad", "bad"),
        (400, b"<html>", "an HTML page"),
        (422, b"Failed to deserialize", "Failed to deserialize"),
        (422, b"<html>", "an HTML page"),
        (404, b"x" * 999, "x" * 200),
        (403, b"\xff", "�"),
        (302, b"", "no reason given"),
    ],
)
async def test_a_refusal_is_final(venue, session, status, body, detail):
    venue.status, venue.body = status, body
    venue.headers = {"Location": "/elsewhere"}

    with pytest.raises(RequestError) as caught:
        await post(session, venue.way, BODY, "allMids")

    assert type(caught.value) is RequestError
    assert (caught.value.status, caught.value.detail) == (status, detail)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
    ],
)
async def test_being_asked_to_slow_down_says_for_how_long(
    venue, session, headers, seconds
):
    venue.status, venue.body, venue.headers = 429, b"null", headers

    with pytest.raises(RateLimitedError) as caught:
        await post(session, venue.way, BODY, "allMids")

    assert caught.value.retry_after == seconds


async def test_silence_ends_with_the_timeout(venue, session):
    venue.silent = True

    with pytest.raises(TransientError, match=r"no answer in 0\.05 s"):
        await post(session, venue.way._replace(timeout=0.05), BODY, "allMids")


async def test_a_closed_port_is_transient(venue, session, unused_tcp_port):
    way = Way(f"http://127.0.0.1:{unused_tcp_port}/info", timeout=5)

    with pytest.raises(TransientError) as caught:
        await post(session, way, BODY, "allMids")

    assert caught.value.status is None


async def test_a_proxy_that_cannot_be_used_is_said_without_its_password(venue, session):
    way = venue.way._replace(proxy="socks5://me:secret@127.0.0.1:1080")

    with pytest.raises(RequestError) as caught:
        await post(session, way, BODY, "allMids")

    assert "secret" not in str(caught.value)


async def test_an_answer_without_end_is_cut_off(venue, session):
    venue.body = b'"' + b"x" * 2000 + b'"'

    with pytest.raises(RequestError, match="longer than 1000 bytes") as caught:
        await post(session, venue.way._replace(most_bytes=1000), BODY, "allMids")

    assert not isinstance(caught.value, TransientError)


async def test_an_answer_is_measured_after_it_is_unpacked(venue, session):
    venue.body = zlib.compress(b'"' + b"x" * 1_000_000 + b'"')
    venue.headers = {"Content-Encoding": "deflate"}
    assert len(venue.body) < 10_000

    with pytest.raises(RequestError, match="longer than 10000 bytes"):
        await post(session, venue.way._replace(most_bytes=10_000), BODY, "allMids")


async def test_names_are_resolved_without_the_default_executor(venue, session):
    way = venue.way._replace(url=venue.way.url.replace("127.0.0.1", "localhost"))

    assert await post(session, way, BODY, "allMids") == {}
    assert asyncio.get_running_loop()._default_executor is None


async def test_a_resolver_answers_as_the_library_expects():
    resolver = DaemonResolver()
    [found, *_] = await resolver.resolve("127.0.0.1", 80)
    await resolver.close()

    assert (found["hostname"], found["host"], found["port"]) == (
        "127.0.0.1",
        "127.0.0.1",
        80,
    )
