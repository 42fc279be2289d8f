"""stream(): the same data as handlers get, for async for, in virtual time."""

import asyncio

import pytest

from bistoury import (
    ConfigError,
    SessionClosedError,
    SubscriptionRefusedError,
)
from bistoury.hyperliquid.stream import Stream
from bistoury.session import Cause, Subscription
from bistoury.session.notices import Gap
from bistoury.simulator.faults import Cut, Refuse
from bistoury.testing.virtual_time import run

from .playing import held, inject, played, until


def test_it_subscribes_on_entry_and_unsubscribes_on_aclose():
    async def scenario(client, venue):
        await client.connect()
        stream = client.stream({"type": "trades", "coin": "BTC"})
        assert held(venue) == []
        message = await anext(stream)
        assert message["channel"] == "trades"
        assert len(held(venue)) == 1
        await stream.aclose()
        await asyncio.sleep(1)
        assert held(venue) == []
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    played(scenario)


def test_it_takes_a_dict_a_subscription_or_a_handle():
    async def scenario(client, venue):
        await client.connect()
        handle = await client.subscribe_all_mids()
        for what in ({"type": "allMids"}, handle.subscription, handle):
            async with client.stream(what) as stream:
                assert (await anext(stream))["channel"] == "allMids"
        assert len(held(venue)) == 1

    played(scenario)


def test_it_gets_what_a_handler_gets_in_order():
    async def scenario(client, venue):
        seen, streamed = [], []
        await client.connect()
        stream = client.stream({"type": "trades", "coin": "BTC"})
        streamed.append(await anext(stream))
        await client.subscribe_trades("BTC", seen.append)
        async for message in stream:
            streamed.append(message)
            if len(streamed) == 50:
                break
        await stream.aclose()
        assert seen[:49] == streamed[1:]

    played(scenario)


def test_it_goes_on_over_a_reconnection():
    async def scenario(client, venue):
        await client.connect()
        async with client.stream({"type": "trades", "coin": "BTC"}) as stream:
            first = await anext(stream)
            assert first["snapshot"] is True
            inject(venue, Refuse(), 5)
            inject(venue, Cut(how="rst"))
            async with asyncio.timeout(60):
                async for message in stream:
                    if message.get("recovered"):
                        break

    played(scenario)


def test_it_ends_when_the_client_disconnects():
    async def scenario(client, venue):
        await client.connect()
        count = 0

        async def read():
            nonlocal count
            async for _ in client.stream({"type": "trades", "coin": "BTC"}):
                count += 1

        task = asyncio.create_task(read())
        await asyncio.sleep(10)
        await client.disconnect()
        await asyncio.wait_for(task, 1)
        assert count > 5

    played(scenario)


@pytest.mark.parametrize("disables_first", [True, False])
def test_it_ends_when_nothing_will_connect_the_client_again(disables_first):
    async def scenario(client, venue):
        await client.connect()
        seen = []

        async def read():
            async with client.stream({"type": "trades", "coin": "BTC"}) as stream:
                seen.extend([message async for message in stream])

        task = asyncio.create_task(read())
        await asyncio.sleep(10)
        inject(venue, Refuse())
        if disables_first:
            client.disable_auto_reconnect()
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(5)
        client.disable_auto_reconnect()
        await asyncio.wait_for(task, 1)
        assert client.get_reconnection_stats()["state"] == "closed"
        assert len(seen) > 5
        if not disables_first:
            assert "gap" in [it["channel"] for it in seen]

    played(scenario)


def test_it_goes_on_if_who_hears_of_the_end_connects_at_once():
    async def scenario(client, venue):
        await client.connect()
        client.on("disconnected", lambda _: asyncio.ensure_future(client.connect()))
        async with client.stream({"type": "allMids"}) as stream:
            await anext(stream)
            client.disable_auto_reconnect()
            inject(venue, Cut(how="rst"))
            async with asyncio.timeout(60):
                for _ in range(30):
                    await anext(stream)

    played(scenario)


def test_it_may_begin_before_connect():
    async def scenario(client, venue):
        task = asyncio.create_task(anext(client.stream({"type": "allMids"})))
        await asyncio.sleep(1)
        await client.connect()
        assert (await task)["channel"] == "allMids"

    played(scenario)


def test_entering_it_subscribes_and_keeps_what_comes_before_the_first_read():
    async def scenario(client, venue):
        await client.connect()
        wanted = {"type": "trades", "coin": "BTC"}
        async with client.stream(wanted) as stream:
            assert held(venue) == [wanted]
            await asyncio.sleep(10)
            assert stream.depth > 5
            assert (await anext(stream))["channel"] == "trades"
        await until(lambda: held(venue) == [])

        with pytest.raises(SubscriptionRefusedError):
            async with client.stream({"type": "trades", "coin": "NOPE"}):
                pass

    played(scenario)


def test_entering_it_before_connect_waits_for_nothing():
    async def scenario(client, venue):
        async with client.stream({"type": "allMids"}) as stream:
            assert client.get_reconnection_stats()["subscriptions"]["wanted"] == 1
            await client.connect()
            assert (await anext(stream))["channel"] == "allMids"

    played(scenario)


def test_a_refusal_is_raised_from_the_iteration():
    async def scenario(client, venue):
        await client.connect()
        with pytest.raises(SubscriptionRefusedError):
            await anext(client.stream({"type": "trades", "coin": "NOPE"}))

    played(scenario)


def test_a_slow_reader_of_events_hears_of_overflow(caplog):
    async def scenario(client, venue):
        await client.connect()
        async with client.stream(
            {"type": "trades", "coin": "BTC"}, max_queue=3
        ) as stream:
            await anext(stream)
            await asyncio.sleep(30)
            assert stream.depth == 4  # and the news of the gap
            assert stream.overflowed > 10
            assert client._monitor.overflowed >= stream.overflowed
            assert [(await anext(stream))["channel"] for _ in range(4)] == [
                *["trades"] * 3,
                "gap",
            ]

    played(scenario)
    assert "too slow for trades(coin=BTC)" in caplog.text


def test_a_slow_reader_of_states_gets_the_newest():
    async def scenario(client, venue):
        await client.connect()
        async with client.stream({"type": "bbo", "coin": "BTC"}, max_queue=3) as stream:
            first = await anext(stream)
            await asyncio.sleep(30)
            assert stream.depth == 1
            assert stream.conflated > 10
            newest = await anext(stream)
            assert newest["data"]["time"] - first["data"]["time"] > 25_000

    played(scenario)


@pytest.mark.parametrize("bad", [0, -1, 1.5, "many", None])
def test_a_queue_that_holds_nothing_is_refused(bad):
    async def scenario(client, venue):
        with pytest.raises(ConfigError, match="max_queue"):
            client.stream({"type": "allMids"}, max_queue=bad)

    played(scenario)


@pytest.mark.parametrize("bad", [{}, {"type": "trades"}, "trades", 7, None])
def test_what_is_no_subscription_is_refused_at_once(bad):
    async def scenario(client, venue):
        with pytest.raises(ConfigError):
            client.stream(bad)

    played(scenario)


def test_two_readers_of_one_stream_are_refused():
    async def scenario(client, venue):
        await client.connect()
        async with client.stream({"type": "trades", "coin": "BTC"}) as stream:
            await anext(stream)
            with pytest.raises(SessionClosedError):
                await asyncio.gather(*(anext(stream) for _ in range(3)))

    played(scenario)


def test_cancelling_a_reader_loses_nothing():
    async def scenario(client, venue):
        seen, streamed = [], []
        await client.connect()
        async with client.stream({"type": "trades", "coin": "BTC"}) as stream:
            await anext(stream)
            await client.subscribe_trades("BTC", seen.append)
            while len(streamed) < 20:
                try:
                    streamed.append(await asyncio.wait_for(anext(stream), 0.05))
                except TimeoutError:
                    continue
        assert streamed == seen[: len(streamed)]

    played(scenario)


BTC = Subscription("trades", (("coin", "BTC"),))


def gap(status, since, until=None, cause=Cause.NETWORK, **counts):
    return Gap(BTC, since, until, status, counts.pop("found", 0), cause, **counts)


def joined(*gaps):
    """Return what a reader finds of gaps that it was too late for."""

    async def main():
        stream = Stream(None, BTC, str, max_queue=1)
        for _ in range(2):
            stream.put_gap(gap("recovered", 1, 2))
        for it in gaps:
            stream.put_gap(it)
        stream.backlog.take()
        data = stream.backlog.take()
        assert stream.depth == 0
        assert "far behind" in data.note
        return data

    return run(main())


def test_gaps_that_nobody_reads_become_one_that_spans_them_all():
    many = [
        it
        for n in range(0, 10_000, 10)
        for it in (
            gap("open", 100 + n),
            gap("recovered", 100 + n, 105 + n, found=2),
        )
    ]
    data = joined(*many)

    assert (data.status, data.since, data.until) == ("recovered", 1, 10_095)
    assert data.recovered_count == 2000


def test_of_several_gaps_one_that_is_lost_makes_all_of_them_lost():
    lost = gap("unrecoverable", 20, 30, Cause.OVERFLOW, missed_count=4)
    data = joined(lost, gap("open", 40), gap("recovered", 40, 50))
    assert (data.status, data.until, data.missed_count) == ("unrecoverable", 50, 4)

    data = joined(gap("open", 20, cause=Cause.OVERFLOW), gap("recovered", 25, 40))
    assert data.status == "unrecoverable"  # not that one ended


def test_of_several_gaps_an_open_one_leaves_the_end_open():
    data = joined(gap("unrecoverable", None, 30), gap("open", 40))
    assert (data.status, data.since, data.until) == ("open", None, None)
