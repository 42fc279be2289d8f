"""Handlers: order, isolation, and what they may do themselves, in virtual time."""

import asyncio
import functools
import itertools

import pytest

from bistoury import ConfigError
from bistoury.simulator.settings import Settings
from bistoury.testing.oracle import Oracle

from .playing import held, now, played, until


def times(messages):
    return [row["time"] for message in messages for row in message["data"]]


@pytest.mark.parametrize("kind", ["plain", "coroutine", "lambda", "object", "partial"])
def test_every_kind_of_handler_gets_messages_in_order(kind):
    async def scenario(client, venue):
        seen = []

        async def coroutine(message):
            await asyncio.sleep(0.3)
            seen.append(message)

        class Callable:
            async def __call__(self, message):
                await coroutine(message)

        handler = {
            "plain": seen.append,
            "coroutine": coroutine,
            "lambda": lambda message: coroutine(message),  # noqa: PLW0108 -- the point
            "object": Callable(),
            "partial": functools.partial(coroutine),
        }[kind]
        await client.connect()
        await client.subscribe_trades("BTC", handler)
        await asyncio.sleep(60)
        assert len(seen) > 30
        assert times(seen) == sorted(times(seen))

    played(scenario)


def test_a_message_is_a_channel_and_data_in_the_venues_shape():
    async def scenario(client, venue):
        seen = {}
        await client.connect()
        for body in (
            {"type": "allMids"},
            {"type": "l2Book", "coin": "BTC"},
            {"type": "bbo", "coin": "BTC"},
            {"type": "candle", "coin": "BTC", "interval": "1m"},
            {"type": "activeAssetCtx", "coin": "BTC"},
        ):
            await client.subscribe(
                body, lambda m, name=body["type"]: seen.update({name: m})
            )
        await asyncio.sleep(10)
        assert all(message.keys() == {"channel", "data"} for message in seen.values())
        assert {name: it["channel"] for name, it in seen.items()} == {
            name: name for name in seen
        }
        assert set(seen["l2Book"]["data"]) == {"coin", "time", "levels"}
        assert seen["candle"]["data"]["s"] == "BTC"
        assert "BTC" in seen["allMids"]["data"]["mids"]

    played(scenario)


def test_a_raising_handler_is_logged_with_its_traceback_once_and_disturbs_nothing(
    caplog,
):
    async def scenario(client, venue):
        good, calls = [], []

        def bad(message):
            calls.append(message)
            raise RuntimeError("my own trouble")

        async def worse(message):
            raise KeyError("mine too")

        await client.connect()
        await client.subscribe_trades("BTC", bad)
        await client.subscribe_trades("BTC", worse)
        await client.subscribe_trades("BTC", good.append)
        await asyncio.sleep(30)
        assert len(calls) == len(good) > 20
        assert client.is_connected()
        assert venue.exchange.counters["connected"] == 1
        assert client._monitor.handler_errors == 2 * len(calls)

    played(scenario)
    errors = [it for it in caplog.records if it.levelname == "ERROR"]
    assert len(errors) == 2
    assert all(it.exc_info for it in errors)
    assert "bad" in caplog.text
    assert "my own trouble" in caplog.text
    assert '"px"' not in caplog.text


def test_a_slow_coroutine_handler_keeps_the_newest_state(figures):
    async def scenario(client, venue):
        seen = []

        async def slow(message):
            seen.append(message["data"]["time"])
            await asyncio.sleep(20)

        await client.connect()
        await client.subscribe_bbo("BTC", slow)
        await asyncio.sleep(61)
        assert len(seen) == 4
        figures(
            notice="n/a: only counted",
            recover="n/a: no outage",
            lost="n/a: old states",
            repeated=len(seen) - len(set(seen)),
        )
        gaps = [b - a for a, b in itertools.pairwise(seen)]
        assert all(gap > 10_000 for gap in gaps)

    played(scenario)


def test_a_slow_coroutine_handler_loses_no_event():
    async def scenario(client, venue):
        slow_one, fast_one = [], []

        async def slow(message):
            await asyncio.sleep(2)
            slow_one.append(message)

        await client.connect()
        await client.subscribe_trades("BTC", fast_one.append)
        await client.subscribe_trades("BTC", slow)
        await asyncio.sleep(30)
        await client.reconnect()
        await asyncio.sleep(200)
        assert len(fast_one) > 100
        assert slow_one == fast_one[: len(slow_one)]

    played(scenario)


def test_f34_trades_beyond_the_room_of_a_handler_are_in_a_gap_and_none_is_lost(figures):
    async def scenario(client, venue):
        loop, oracle = asyncio.get_running_loop(), Oracle(venue.exchange.ledger)
        gaps = []
        client.on("gap", lambda it: (gaps.append((loop.time(), it)), oracle.gap(it)))
        pause = 3.0

        async def slow(message):
            oracle.deliver(message)
            await asyncio.sleep(pause)

        await client.connect()
        trades = {"type": "trades", "coin": "BTC"}
        await client.subscribe(trades, slow, max_queue=5)
        (outlet,) = client._dispatcher.outlets()
        since = int(venue.now() * 1000)
        full_at = loop.time()
        while not outlet.overflowed:
            full_at = loop.time()
            await asyncio.sleep(0.01)
        await asyncio.sleep(60)
        pause, until = 0.0, int(venue.now() * 1000)
        await asyncio.sleep(60)
        row = oracle.account("trades:BTC", since, until)
        figures(
            notice=gaps[0][0] - full_at,
            recover="n/a: no outage",
            lost=len(row.lost),
            repeated=row.repeated,
        )
        assert {str(it.cause) for _, it in gaps} == {"overflow"}
        assert row.in_gaps > 10
        assert (row.lost, row.repeated) == ((), 0)
        assert client.is_connected()

    played(scenario)


@pytest.mark.parametrize("by_type", [False, True])
def test_what_a_slow_handler_has_not_come_to_at_the_end_is_in_a_gap(by_type):
    async def scenario(client, venue):
        oracle, pause, gaps = Oracle(venue.exchange.ledger), 2.0, []
        client.on("gap", lambda it: (gaps.append(it), oracle.gap(it)))

        async def slow(message):
            await asyncio.sleep(pause)
            oracle.deliver(message)

        since = int(venue.now() * 1000)
        if by_type:
            client.add_message_handler("trades", slow)
        await client.connect()
        await client.subscribe_trades("BTC", None if by_type else slow)
        await asyncio.sleep(30)
        assert not gaps
        await client.disconnect()
        assert [it.status for it in gaps] == ["open", "unrecoverable"]
        assert gaps[1].missed_count > 10
        pause = 0.0
        await client.connect()
        await asyncio.sleep(30)
        row = oracle.account("trades:BTC", since, int(venue.now() * 1000))
        assert row.in_gaps > 10
        assert (row.lost, row.repeated) == ((), 0)
        stats = client.get_reconnection_stats()["gaps"]
        assert (stats["open"], stats["unrecoverable"]) == (0, 1)

    played(scenario)


def test_an_overflow_that_its_reader_is_past_is_settled_by_disconnecting():
    async def scenario(client, venue):
        release, gaps = asyncio.Event(), []

        async def stuck(message):
            await release.wait()

        client.on("gap", gaps.append)
        await client.connect()
        trades = {"type": "trades", "coin": "BTC"}
        await client.subscribe(trades, stuck, max_queue=5)
        await asyncio.sleep(30)
        assert [it.status for it in gaps] == ["open"]
        release.set()
        await client.disconnect()
        assert [it.status for it in gaps] == ["open", "unrecoverable"]
        assert gaps[1].until >= gaps[1].since == gaps[0].since

    played(scenario)


def test_a_full_mailbox_is_said_and_not_silent(caplog):
    async def scenario(client, venue):
        release = asyncio.Event()

        async def stuck(message):
            await release.wait()

        await client.connect()
        trades = {"type": "trades", "coin": "BTC"}
        await client.subscribe(trades, stuck, max_queue=5)
        (outlet,) = client._dispatcher.outlets()
        await asyncio.sleep(30)
        assert outlet.overflowed > 0
        assert client._monitor.overflowed >= outlet.overflowed  # rows, not messages
        assert client.is_connected()
        release.set()

    played(scenario)
    assert "too slow for trades(coin=BTC)" in caplog.text


def test_whoever_asks_for_every_book_gets_every_book():
    async def scenario(client, venue):
        every, newest, direct = [], [], []

        def slow(seen):
            async def handler(message):
                seen.append(message["data"]["time"])
                await asyncio.sleep(3)

            return handler

        book = {"type": "l2Book", "coin": "BTC", "fast": True}
        await client.connect()
        await client.subscribe(book, lambda it: direct.append(it["data"]["time"]))
        await client.subscribe(book, slow(every), conflate=False)
        await client.subscribe(book, slow(newest))
        await asyncio.sleep(30)
        assert len(every) == len(newest) == 10
        first = direct.index(every[0])
        assert every == direct[first : first + 10]
        assert set(newest) < set(direct)
        assert newest[-1] > every[-1]

    played(scenario)


def test_whoever_asks_for_the_newest_trades_only_gets_no_gap():
    async def scenario(client, venue):
        seen, gaps = [], []

        async def slow(message):
            seen.append(message["data"][-1]["time"])
            await asyncio.sleep(5)

        await client.connect()
        client.on("gap", gaps.append)
        trades = {"type": "trades", "coin": "BTC"}
        await client.subscribe(trades, slow, max_queue=1, conflate=True)
        await asyncio.sleep(60)
        (figures,) = (await client.get_connection_health())["handlers"]
        assert figures["conflated"] > 20
        assert figures["overflowed"] == 0
        assert gaps == []
        assert seen == sorted(seen)

    played(scenario)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"max_queue": 0}, "max_queue"),
        ({"max_queue": True}, "max_queue"),
        ({"conflate": "newest"}, "conflate"),
    ],
)
def test_how_to_wait_is_checked_before_anything_is_sent(options, word):
    async def scenario(client, venue):
        await client.connect()
        trades = {"type": "trades", "coin": "BTC"}
        with pytest.raises(ConfigError, match=word):
            await client.subscribe(trades, print, **options)
        with pytest.raises(ConfigError, match=word):
            client.stream(trades, **options)
        assert held(venue) == []

    played(scenario)


def test_a_handler_that_is_behind_is_named_by_the_health_report():
    async def scenario(client, venue):
        async def stuck(message):
            await asyncio.Event().wait()

        await client.connect()
        trades = {"type": "trades", "coin": "BTC"}
        await client.subscribe(trades, stuck, max_queue=4)
        await asyncio.sleep(30)
        health = await client.get_connection_health()
        assert not health["is_healthy"]
        assert any("behind on trades(coin=BTC)" in it for it in health["reasons"])

    played(scenario)


def test_a_slow_call_is_an_event_and_a_line_in_the_log(monkeypatch, caplog):
    monkeypatch.setattr("bistoury.mailbox.perf_counter", now)

    async def scenario(client, venue):
        news = []

        async def slow_one(message):
            await asyncio.sleep(2)

        client.on("slow_handler", news.append)
        await client.connect()
        await client.subscribe_trades("BTC", slow_one)
        await asyncio.sleep(30)
        assert len(news) > 3
        assert news[0].handler.endswith("slow_one")
        assert news[0].seconds == pytest.approx(2.0)
        assert client._monitor.slow_calls == len(news)

    played(scenario)
    said = [it for it in caplog.messages if "slow_one took 2.0 s" in it]
    assert len(said) == 1  # and then once a minute


def test_one_slow_handler_holds_up_nobody_else():
    async def scenario(client, venue):
        seen = []

        async def stuck(message):
            await asyncio.Event().wait()

        await client.connect()
        await client.subscribe_trades("BTC", stuck)
        await client.subscribe_trades("BTC", seen.append)
        await asyncio.sleep(20)
        assert len(seen) > 10
        began = now()
        await client.disconnect()
        assert now() - began <= 2

    played(scenario)


def test_add_message_handler_gets_every_message_of_a_type():
    async def scenario(client, venue):
        everything, books = [], []
        remove = client.add_message_handler("trades", everything.append)
        client.add_message_handler("l2Book", books.append)
        await client.connect()
        await client.subscribe_trades("BTC")
        await client.subscribe_trades("ETH")
        await client.subscribe_orderbook("BTC")
        await asyncio.sleep(20)
        assert {m["data"][0]["coin"] for m in everything if m["data"]} == {"BTC", "ETH"}
        assert {m["channel"] for m in everything} == {"trades"}
        assert books
        remove()
        remove()
        everything.clear()
        await asyncio.sleep(20)
        assert everything == []

    played(scenario)


def test_add_message_handler_goes_by_type_where_the_channel_has_another_name():
    async def scenario(client, venue):
        events, spot = [], []
        client.add_message_handler("userEvents", events.append)
        client.add_message_handler("activeAssetCtx", spot.append)
        await client.connect()
        await client.subscribe_user_events("0x" + "1" * 40)
        await client.subscribe_active_asset_ctx("@107")
        venue.exchange.act("0x" + "1" * 40, "cross", "BTC", venue.now())
        venue.turn()
        await until(lambda: events and spot)
        assert events[0]["channel"] == "user"
        assert spot[0]["channel"] == "activeSpotAssetCtx"

    played(scenario, Settings(coins=("BTC", "@107")))


def test_on_returns_what_removes_the_handler():
    async def scenario(client, venue):
        heard = []
        remove = client.on("connected", heard.append)
        await client.connect()
        assert len(heard) == 1
        remove()
        remove()
        await client.reconnect()
        await until(client.is_connected)
        assert len(heard) == 1

    played(scenario)


def test_an_unknown_event_name_raises_and_names_those_there_are():
    async def scenario(client, venue):
        with pytest.raises(
            ValueError, match="connected, ready, stable, disconnected"
        ) as caught:
            client.on("conected", print)
        assert isinstance(caught.value, ConfigError)

    played(scenario)


def test_event_handlers_may_be_coroutines_and_may_raise(caplog):
    async def scenario(client, venue):
        heard = []

        async def slow(event):
            await asyncio.sleep(1)
            heard.append(event.connection_id)

        def bad(event):
            raise RuntimeError("listener")

        client.on("connected", bad)
        client.on("connected", slow)
        await client.connect()
        await client.reconnect()
        await asyncio.sleep(5)
        assert heard == [1, 2]
        assert client.is_connected()

    played(scenario)
    assert "listener" in caplog.text


@pytest.mark.parametrize("kind", ["message", "event"])
@pytest.mark.parametrize(
    "verb",
    ["disconnect", "unsubscribe", "subscribe", "reconnect", "connect", "wait_ready"],
)
def test_a_handler_may_await_any_verb(kind, verb):
    async def scenario(client, venue):
        done = []
        own = None

        async def handler(item):
            if done or own is None:
                return
            done.append("began")
            match verb:
                case "disconnect":
                    await client.disconnect()
                case "unsubscribe":
                    await own.unsubscribe()
                case "subscribe":
                    assert (await client.subscribe_bbo("ETH")).state in {
                        "live",
                        "pending",
                    }
                case "reconnect":
                    await client.reconnect()
                case "connect":
                    assert await client.connect()
                case "wait_ready":
                    await client.wait_ready(timeout=5)
            done.append("ended")

        await client.connect()
        own = await client.subscribe_trades(
            "BTC", handler if kind == "message" else None
        )
        if kind == "event":
            client.on("ready", handler)
            await client.reconnect()
        await until(lambda: len(done) == 2, within=10)
        await asyncio.sleep(10)
        assert client.is_connected() is (verb != "disconnect")
        assert (held(venue) != []) is (verb not in {"disconnect", "unsubscribe"})

    played(scenario)


def test_disconnect_from_an_own_plain_handler_is_scheduled_by_the_handler():
    async def scenario(client, venue):
        tasks = []

        def handler(message):
            if not tasks:
                tasks.append(asyncio.ensure_future(client.disconnect()))

        await client.connect()
        await client.subscribe_trades("BTC", handler)
        await until(lambda: tasks and tasks[0].done(), within=5)
        assert client.get_reconnection_stats()["state"] == "closed"

    played(scenario)


def test_on_disconnect_running_handlers_get_a_second_and_are_cancelled_then():
    async def scenario(client, venue):
        story = []

        async def quick(message):
            story.append("quick began")
            await asyncio.sleep(0.5)
            story.append("quick ended")

        async def endless(message):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                story.append("endless cancelled")
                raise

        await client.connect()
        await client.subscribe_trades("BTC", quick)
        await client.subscribe_trades("BTC", endless)
        await until(lambda: "quick began" in story)
        began = now()
        await client.disconnect()
        assert now() - began == pytest.approx(1, abs=0.1)
        assert (
            story[-2:] == ["quick ended", "endless cancelled"]
            or "endless cancelled" in story
        )
        assert story.count("quick began") == story.count("quick ended")
        assert not [t for t in asyncio.all_tasks() if "handler" in t.get_name()]

    played(scenario)


def test_a_handler_that_will_not_be_cancelled_does_not_hold_disconnect_up():
    async def scenario(client, venue):
        release = asyncio.Event()
        began_handling = asyncio.Event()

        async def stubborn(message):
            began_handling.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        await client.connect()
        await client.subscribe_trades("BTC", stubborn)
        await began_handling.wait()
        began = now()
        await client.disconnect()
        assert now() - began <= 2.0
        release.set()
        await asyncio.sleep(0)

    played(scenario)


def test_after_unsubscribe_no_queued_message_is_delivered():
    async def scenario(client, venue):
        seen = []

        async def slow(message):
            seen.append(message)
            await asyncio.sleep(5)

        await client.connect()
        handle = await client.subscribe_trades("BTC", slow)
        await asyncio.sleep(21)
        (outlet,) = client._dispatcher.outlets()
        assert outlet.depth > 5
        await handle.unsubscribe()
        called = len(seen)
        await asyncio.sleep(60)
        assert len(seen) == called

    played(scenario)


def test_unsubscribing_in_the_middle_of_a_delivery_spares_the_others():
    async def scenario(client, venue):
        seen = []
        handles, tasks = {}, []

        def first(message):
            if "second" in handles and not tasks:
                tasks.append(asyncio.ensure_future(handles["second"].unsubscribe()))

        await client.connect()
        handles["first"] = await client.subscribe_trades("BTC", first)
        second = await client.subscribe_trades("BTC", seen.append)
        await client.subscribe_trades("BTC", seen.append)
        handles["second"] = second
        await asyncio.sleep(10)
        assert second.state == "closed"
        assert len(held(venue)) == 1
        assert seen

    played(scenario)


def test_a_subscription_without_a_handler_can_be_waited_for_and_streamed():
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_all_mids()
        assert await client.wait_ready(timeout=5)
        async with client.stream({"type": "allMids"}) as stream:
            message = await anext(stream)
        assert message["channel"] == "allMids"

    played(scenario)
