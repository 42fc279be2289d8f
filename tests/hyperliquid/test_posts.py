"""Questions over the socket, to a venue in this process, in virtual time."""

import asyncio

import pytest

from bistoury import (
    Config,
    ConfigError,
    HyperLiquidIntegration,
    NotSentError,
    OutcomeUnknownError,
    RateLimitedError,
    RequestError,
)
from bistoury.errors import ProtocolError
from bistoury.hyperliquid import limits, wire
from bistoury.session.model import PostReply
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Delay, Silent
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

MIDS = {"type": "allMids"}
GENEROUS = Limits.none()


@pytest.fixture(autouse=True)
def accounts(monkeypatch):
    """Give every test a process of its own, as far as limits go."""
    monkeypatch.setattr(limits, "_ACCOUNTS", {})


def played(scenario, *, allowed=100, messages=2000, venue_limits=GENEROUS, **settings):
    async def main():
        settings.setdefault("coins", ("BTC",))
        venue = MemoryVenue(Exchange(Settings(limits=venue_limits, **settings), 1))
        config = Config(
            network="local",
            limits={"posts_in_flight": allowed, "messages_per_minute": messages},
        )
        client = HyperLiquidIntegration(config, transport=venue)
        await client.connect()
        try:
            await scenario(client, venue)
            assert (await in_flight(client)) == 0
        finally:
            await client.disconnect()
            venue.stop()

    run(main())


async def in_flight(client):
    return (await client.get_connection_health())["limits"]["posts_in_flight"]["used"]


def asked(client, count, **options):
    """Ask for the mids of ``count`` different coins' candles, all at once."""
    return [
        asyncio.ensure_future(client.request(MIDS, **options)) for _ in range(count)
    ]


async def settled(tasks):
    return await asyncio.gather(*tasks, return_exceptions=True)


def cut(venue):
    venue.exchange.inject(Cut(), venue.now())
    venue.turn()


def test_an_answer_is_what_rest_would_have_said():
    async def scenario(client, venue):
        assert await client.request(MIDS) == venue.exchange.info(MIDS, venue.now())[1]

    played(scenario)


def test_answers_in_any_order_find_their_questions():
    async def scenario(client, venue):
        async def ask(number):
            at = 1_790_000_000_000 - number * 3_600_000
            span = {"coin": "BTC", "interval": "1h", "startTime": at, "endTime": at}
            (bar,) = await client.request({"type": "candleSnapshot", "req": span})
            assert bar["t"] == at // 3_600_000 * 3_600_000
            order.append(number)

        order = []
        await asyncio.gather(*map(ask, range(50)))
        assert sorted(order) == list(range(50)) != order

    played(scenario, post_jitter=2.0)


def test_no_more_than_allowed_are_in_flight_and_the_rest_wait_in_order():
    async def scenario(client, venue):
        done = []
        tasks = asked(client, 10)
        for number, task in enumerate(tasks):
            task.add_done_callback(lambda _, number=number: done.append(number))
        await asyncio.sleep(0.5)
        assert await in_flight(client) == 3
        assert done == []
        await asyncio.sleep(1.0)
        assert done == [0, 1, 2]
        assert all(isinstance(it, dict) for it in await settled(tasks))
        assert done == list(range(10))

    played(scenario, allowed=3, post_latency=1.0)


def test_two_clients_of_one_process_share_the_allowance():
    async def scenario(client, venue):
        other = HyperLiquidIntegration(client.config, transport=venue)
        await other.connect()
        tasks = asked(client, 2) + asked(other, 2)
        await asyncio.sleep(0.5)
        assert await in_flight(client) == await in_flight(other) == 3
        assert all(isinstance(it, dict) for it in await settled(tasks))
        await other.disconnect()

    played(scenario, allowed=3, post_latency=1.0)


def test_a_caller_whose_turn_does_not_come_hears_that_nothing_was_sent():
    async def scenario(client, venue):
        first, second = asked(client, 1) + asked(client, 1, timeout=2.0)
        with pytest.raises(NotSentError, match="no turn within 2 s"):
            await second
        assert isinstance(await first, dict)
        assert venue.exchange.counters["received"] == 2  # a ping, and the first

    played(scenario, allowed=1, post_latency=5.0)


def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_unknown():
    async def scenario(client, venue):
        with pytest.raises(OutcomeUnknownError, match="no answer in 2 s"):
            await client.request(MIDS, timeout=2.0)
        # For the venue it is in flight until it is answered.
        assert await in_flight(client) == 1
        await asyncio.sleep(4)

    played(scenario, post_latency=5.0)


def test_a_cut_tells_at_once_what_left_and_what_did_not(figures):
    async def scenario(client, venue):
        tasks = asked(client, 5)
        await asyncio.sleep(0.1)
        received = venue.exchange.counters["received"]
        cut(venue)
        await asyncio.sleep(0.01)
        assert all(task.done() for task in tasks)
        kinds = [type(it) for it in await settled(tasks)]
        assert kinds == [OutcomeUnknownError] * 2 + [NotSentError] * 3
        assert received == 3  # a ping and two questions
        figures(notice=0.01)
        await asyncio.sleep(30)
        assert client.is_connected()
        assert venue.exchange.counters["received"] < received + 6  # pings: nothing late

    played(scenario, allowed=2, post_latency=5.0)


def test_a_disconnect_of_ours_tells_at_once_too():
    async def scenario(client, venue):
        tasks = asked(client, 1)
        await asyncio.sleep(0.1)
        await client.disconnect()
        assert isinstance((await settled(tasks))[0], OutcomeUnknownError)

    played(scenario, post_latency=5.0)


def test_a_silent_connection_is_given_up_and_so_are_its_questions():
    async def scenario(client, venue):
        await asyncio.sleep(1)
        venue.exchange.inject(Silent(), venue.now(), 40)
        with pytest.raises(OutcomeUnknownError, match="connection was lost"):
            await client.request(MIDS, timeout=60)

    played(scenario)


def test_an_answer_of_an_earlier_connection_answers_nothing():
    async def scenario(client, venue):
        venue.exchange.inject(Delay(what=("post",), seconds=1.0), venue.now(), 1.5)
        (lost,) = asked(client, 1)
        await asyncio.sleep(0.1)
        await client.reconnect()
        assert isinstance((await settled([lost]))[0], OutcomeUnknownError)
        await asyncio.sleep(2)
        assert isinstance(await client.request(MIDS), dict)

    played(scenario)


def test_without_a_connection_nothing_is_sent():
    async def scenario(client, venue):
        await client.disconnect()
        with pytest.raises(NotSentError, match="not connected"):
            await client.request(MIDS)

    played(scenario)


def test_a_caller_who_gives_up_waiting_is_passed_over():
    async def scenario(client, venue):
        first, second, third = asked(client, 3)
        await asyncio.sleep(0.1)
        second.cancel()
        assert isinstance(await third, dict)
        assert second.cancelled()
        assert isinstance(await first, dict)
        assert venue.exchange.counters["received"] == 3

    played(scenario, allowed=1, post_latency=1.0)


def test_a_caller_who_gives_up_on_the_way_keeps_its_place_at_the_venue():
    async def scenario(client, venue):
        (task,) = asked(client, 1)
        await asyncio.sleep(0.1)
        task.cancel()
        await settled([task])
        assert await in_flight(client) == 1
        assert isinstance(await client.request(MIDS), dict)

    played(scenario, allowed=1, post_latency=1.0)


def test_the_venues_own_limit_is_told_to_the_caller_it_hit():
    async def scenario(client, venue):
        answers = await settled(asked(client, 5))
        assert [type(it) for it in answers].count(RateLimitedError) == 3
        assert [type(it) for it in answers].count(dict) == 2

    tight = Limits(posts_in_flight=2)
    played(scenario, venue_limits=tight, post_latency=1.0)


def test_a_refusal_carries_the_status_rest_would_have_given():
    async def scenario(client, venue):
        with pytest.raises(RequestError) as caught:
            await client.request({"type": "candleSnapshot", "req": {}})
        assert caught.value.status == 422
        with pytest.raises(RateLimitedError):
            for _ in range(100):
                await client.request({"type": "meta"})

    played(scenario, venue_limits=Limits(rest_weight_per_minute=60))


def test_questions_count_as_messages_and_wait_for_room():
    async def scenario(client, venue):
        before = asyncio.get_running_loop().time()
        answers = await settled(asked(client, 13, timeout=120))
        assert all(isinstance(it, dict) for it in answers)
        assert asyncio.get_running_loop().time() - before >= 59

    played(scenario, messages=10)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "action", "payload": {}},
        {"type": "order", "action": {}, "signature": {}},
        {"type": "meta", "nonce": 1},
        {},
        {"type": 5},
        None,
        {"type": "meta", "dex": object()},
    ],
)
def test_what_is_no_question_is_refused_and_never_sent(body):
    async def scenario(client, venue):
        with pytest.raises(ConfigError, match="request"):
            await client.request(body)
        await asyncio.sleep(1)
        assert venue.exchange.counters["received"] == 1  # the first ping

    played(scenario)


def test_the_account_of_requests_shows_in_health():
    async def scenario(client, venue):
        await client.request(MIDS)
        with pytest.raises(RequestError):
            await client.request({"type": "candleSnapshot", "req": {}})
        health = await client.get_connection_health()
        assert 0.5 < health["success_rate"] < 1.0

    played(scenario)


def test_an_answer_is_read_with_its_number_and_kind():
    frame = b'{"channel":"post","data":{"id":7,"response":{"type":"error","payload":"429 x"}}}'
    assert wire.decode(frame) == PostReply(7, "error", "429 x")
    with pytest.raises(ProtocolError):
        wire.decode(b'{"channel":"post","data":{"id":"x"}}')
