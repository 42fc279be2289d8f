from __future__ import annotations

import asyncio
import logging
import time

import pytest
from aiohttp import ClientSession, web

from bistoury.errors import ConfigError, RateLimitedError, RequestError
from bistoury.hyperliquid.rest_client import RestClient
from bistoury.session.budget import Window

MIDS = {"type": "allMids"}
FILLS = {"type": "userFills"}


class Venue:
    """Answers in turn what it is told; the last answer again and again."""

    def __init__(self):
        self.asked = []
        self.answers = [(200, {"BTC": "1"}, {})]
        self.held = asyncio.Event()
        self.held.set()

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request):
        self.asked.append(await request.json())
        await self.held.wait()
        turn = min(len(self.asked), len(self.answers)) - 1
        status, body, headers = self.answers[turn]
        return web.json_response(body, status=status, headers=headers)


@pytest.fixture
async def venue():
    venue = Venue()
    app = web.Application()
    app.router.add_post("/info", venue.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    venue.port = site._server.sockets[0].getsockname()[1]
    yield venue
    venue.held.set()
    await runner.cleanup()


@pytest.fixture
async def client(venue):
    async with RestClient(venue.url(), first_wait=0.001) as client:
        yield client


async def test_an_answer_is_returned_as_it_is(venue, client):
    assert await client.request(MIDS) == {"BTC": "1"}
    assert venue.asked == [MIDS]


async def test_what_passes_by_itself_is_retried(venue, client):
    venue.answers = [(502, None, {}), (429, None, {}), *venue.answers]

    assert await client.request(MIDS) == {"BTC": "1"}
    assert len(venue.asked) == 3


async def test_retries_come_to_an_end(venue, client):
    venue.answers = [(500, None, {})]

    with pytest.raises(RequestError) as caught:
        await client.request({"type": "l2Book", "coin": "NOSUCH"})

    assert type(caught.value) is RequestError
    assert len(venue.asked) == 5
    assert str(caught.value) == (
        "l2Book NOSUCH: HTTP 500: null, as for a coin the venue does not know"
    )


@pytest.mark.parametrize("status", [400, 422])
async def test_a_refusal_is_not_retried(venue, client, status):
    venue.answers = [(status, "no", {})]

    with pytest.raises(RequestError):
        await client.request(MIDS)

    assert len(venue.asked) == 1


async def test_every_attempt_costs_and_rows_cost_extra(venue, client):
    venue.answers = [(500, None, {}), (200, [{}] * 30, {})]

    await client.request(FILLS)

    assert client.window.used(time.monotonic()) == 20 + 20 + 2


async def test_the_weight_can_be_given(venue, client):
    await client.request(MIDS, weight=7)

    assert client.window.used(time.monotonic()) == 7


async def test_a_venue_that_says_how_long_to_wait_is_waited_for(venue, client):
    venue.answers = [(429, None, {"Retry-After": "0.1"}), *venue.answers]
    begin = time.monotonic()

    await client.request(MIDS)

    assert time.monotonic() - begin >= 0.1


async def test_a_wait_beyond_the_deadline_is_not_begun(venue, client):
    venue.answers = [(429, None, {"Retry-After": "3600"})]

    for _ in range(2):
        with pytest.raises(RateLimitedError) as caught:
            await client.request(MIDS)

    # The second was not even sent: the venue would only have said it again.
    assert len(venue.asked) == 1
    assert caught.value.retry_after <= 900


async def test_being_slowed_down_without_end_is_said_as_such(venue, client):
    venue.answers = [(429, None, {})]

    with pytest.raises(RateLimitedError) as caught:
        await client.request(MIDS)

    assert caught.value.retry_after is None
    assert len(venue.asked) == 5


async def test_all_attempts_together_have_a_deadline(venue):
    venue.held.clear()
    async with RestClient(venue.url(), timeout=5, total_timeout=0.1) as client:
        with pytest.raises(RequestError, match="all attempts together") as caught:
            await client.request(MIDS)

    assert caught.value.status is None


async def test_each_attempt_has_a_timeout(venue):
    venue.held.clear()
    async with RestClient(
        venue.url(), timeout=0.05, attempts=2, first_wait=0.001
    ) as client:
        with pytest.raises(RequestError, match=r"no answer in 0\.05 s"):
            await client.request(MIDS)

    assert len(venue.asked) == 2


async def test_waiting_for_the_budget_does_not_use_the_deadline_up(venue):
    window = Window(2, seconds=0.4)
    async with RestClient(venue.url(), window=window, total_timeout=0.3) as client:
        await client.request(MIDS)
        begin = time.monotonic()
        await client.request(MIDS)

    assert time.monotonic() - begin > 0.3


async def test_what_never_fits_is_refused_before_it_is_sent(venue):
    async with RestClient(venue.url(), window=Window(10)) as client:
        with pytest.raises(ConfigError, match="which is what userFills costs"):
            await client.request(FILLS)

    assert venue.asked == []


async def test_each_attempt_is_a_sample(venue):
    samples = []
    venue.answers = [(502, None, {}), (429, None, {}), *venue.answers]
    async with RestClient(
        venue.url(),
        first_wait=0.001,
        on_sample=lambda ok, seconds: samples.append((ok, 0 < seconds < 5)),
    ) as client:
        await client.request(MIDS)

    assert samples == [(False, True), (False, True), (True, True)]


async def test_a_refusal_is_an_answer_for_the_statistics(venue):
    samples = []
    venue.answers = [(422, "no", {})]
    async with RestClient(
        venue.url(), on_sample=lambda ok, _: samples.append(ok)
    ) as client:
        with pytest.raises(RequestError):
            await client.request(MIDS)

    assert samples == [True]


async def test_a_cancelled_request_says_nothing_and_gives_its_room_back(venue):
    samples = []
    venue.held.clear()
    # Room for one worst case of 120 and a little more, not for two.
    window = Window(200)
    async with RestClient(
        venue.url(), window=window, on_sample=lambda ok, _: samples.append(ok)
    ) as client:
        request = asyncio.ensure_future(client.request(FILLS))
        while not venue.asked:
            await asyncio.sleep(0.001)
        request.cancel()
        await asyncio.wait([request])
        venue.held.set()
        await client.request(FILLS)

    assert request.cancelled()
    assert samples == [True]


async def test_a_session_of_somebody_else_is_used_and_left_open(venue):
    async with ClientSession() as session:
        async with RestClient(venue.url(), session=session) as client:
            await client.request(MIDS)

        assert not session.closed


async def test_a_closed_client_opens_again_when_asked(venue, client):
    await client.close()
    await client.request(MIDS)
    await client.close()
    await client.close()

    assert await client.request(MIDS) == {"BTC": "1"}


async def test_addresses_stay_out_of_errors(venue, client):
    venue.answers = [(422, "no", {})]
    user = "0x" + "ab" * 20

    with pytest.raises(RequestError) as caught:
        await client.request({"type": "userFills", "user": user})

    assert user not in str(caught.value)


def test_a_client_lives_on_one_loop_after_the_other():
    client = RestClient("http://127.0.0.1:1", attempts=1)

    async def ask():
        with pytest.raises(RequestError):
            await client.request(MIDS)
        await client.close()

    asyncio.run(ask())
    asyncio.run(ask())


def test_making_a_client_needs_no_loop():
    assert RestClient("http://127.0.0.1:1").window.limit == 1200


async def test_a_retry_is_printed_nowhere(venue, client, capfd):
    venue.answers = [(502, None, {}), *venue.answers]

    await client.request(MIDS)

    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("stamina").handlers
