"""Coming and going: the client's life cycle, in virtual time."""

import asyncio

import pytest

from bistoury import HyperLiquidIntegration
from bistoury.simulator.faults import Cut, DropAcks, Refuse, RefuseSubscriptions, Silent
from bistoury.simulator.settings import Settings

from .playing import config, heal, held, inject, now, played, until


def test_connect_is_true_once_live_with_everything_wanted_acknowledged():
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.subscribe_trades("BTC")
        assert await client.connect() is True
        assert client.is_connected()
        assert {it["type"] for it in held(venue)} == {"allMids", "trades"}

    played(scenario)


def test_connect_is_false_after_its_timeout_and_retries_go_on():
    async def scenario(client, venue):
        inject(venue, Refuse(status=503))
        began = now()
        assert await client.connect() is False
        assert now() - began == pytest.approx(10.0, abs=0.01)
        assert client.get_reconnection_stats()["state"] in {"backoff", "connecting"}
        heal(venue)
        await until(client.is_connected)

    played(scenario)


def test_the_connect_timeout_is_a_setting():
    async def scenario(client, venue):
        inject(venue, Refuse(how="hang"))
        began = now()
        assert await client.connect() is False
        assert now() - began == pytest.approx(2.5, abs=0.01)

    played(scenario, connect_timeout=2.5)


def test_connect_waits_for_acknowledgements_not_only_for_the_socket():
    async def scenario(client, venue):
        inject(venue, Silent(direction="out", what=("ack", "error")))
        await client.subscribe_all_mids()
        assert await client.connect() is False
        assert client.get_reconnection_stats()["state"] == "syncing"
        heal(venue)
        await until(client.is_connected)

    played(scenario)


def test_connecting_twice_opens_one_connection():
    async def scenario(client, venue):
        assert await asyncio.gather(client.connect(), client.connect()) == [True, True]
        assert await client.connect() is True
        assert venue.exchange.counters["connected"] == 1

    played(scenario)


def test_with_nothing_wanted_live_means_that_the_socket_is_open():
    async def scenario(client, venue):
        assert await client.connect() is True
        assert await client.wait_ready(timeout=5) is True
        assert client.get_reconnection_stats()["subscriptions"]["wanted"] == 0

    played(scenario)


def test_adding_a_subscription_does_not_end_live():
    async def scenario(client, venue):
        await client.connect()
        inject(venue, DropAcks(), 3.0)
        task = asyncio.create_task(client.subscribe_all_mids())
        await asyncio.sleep(1)
        assert client.is_connected()
        assert client.get_reconnection_stats()["subscriptions"]["acknowledged"] == 0
        handle = await task
        assert handle.state == "live"

    played(scenario)


def test_the_constructor_needs_no_running_loop():
    client = HyperLiquidIntegration(config())
    assert client.get_reconnection_stats()["state"] == "idle"
    assert not client.is_connected()


def test_the_configuration_is_read_from_the_environment_when_none_is_given(monkeypatch):
    monkeypatch.setenv("BISTOURY_API_URL", "http://127.0.0.1:19999")
    monkeypatch.setenv("BISTOURY_MESSAGE_TIMEOUT", "17")
    client = HyperLiquidIntegration()
    assert client.config.ws_url == "ws://127.0.0.1:19999/ws"
    assert client.get_reconnection_stats()["message_timeout_seconds"] == 17.0


def test_async_with_connects_and_disconnects():
    async def scenario(client, venue):
        async with client as same:
            assert same is client
            assert client.is_connected()
        assert client.get_reconnection_stats()["state"] == "closed"
        assert venue.exchange.subscriptions() == {}

    played(scenario)


def test_disconnect_may_come_first_and_twice():
    async def scenario(client, venue):
        await client.disconnect()
        await client.connect()
        await client.disconnect()
        await client.disconnect()
        await asyncio.gather(client.disconnect(), client.disconnect(True))
        assert client.get_reconnection_stats()["state"] == "closed"
        assert not client.is_connected()

    played(scenario)


def test_disconnect_keeps_what_is_wanted_and_connect_restores_it():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        await client.subscribe_all_mids(seen.append)
        await client.subscribe_candle("ETH", "1m")
        before = sorted(map(str, held(venue)))
        await client.disconnect()
        await asyncio.sleep(600)
        assert held(venue) == []
        seen.clear()
        assert await client.connect() is True
        assert sorted(map(str, held(venue))) == before
        await until(lambda: seen)

    played(scenario)


def test_nothing_happens_after_disconnect_until_connect_is_called():
    async def scenario(client, venue):
        await client.connect()
        await client.disconnect()
        attempts = venue.exchange.counters["connected"]
        await asyncio.sleep(3600)
        assert venue.exchange.counters["connected"] == attempts
        assert client.get_reconnection_stats()["connection_monitor_active"] is False

    played(scenario)


def test_disconnect_clears_the_flag_only_when_asked_to():
    async def scenario(client, venue):
        await client.connect()
        await client.disconnect()
        assert client.get_reconnection_stats()["auto_reconnect_enabled"] is True
        await client.disconnect(disable_auto_reconnect=True)
        assert client.get_reconnection_stats()["auto_reconnect_enabled"] is False
        client.enable_auto_reconnect()
        assert client.get_reconnection_stats()["auto_reconnect_enabled"] is True

    played(scenario)


@pytest.mark.parametrize("how", ["hang", "http"])
def test_disconnect_during_connect_makes_it_return_false(how):
    async def scenario(client, venue):
        inject(venue, Refuse(how=how))
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(3)
        began = now()
        await client.disconnect()
        assert now() - began <= 2.0
        assert await task is False
        heal(venue)
        await asyncio.sleep(300)
        assert not client.is_connected()

    played(scenario)


def test_disconnect_in_the_middle_of_a_restore_ends_it():
    async def scenario(client, venue):
        inject(venue, DropAcks())
        await client.subscribe_all_mids()
        task = asyncio.create_task(client.connect())
        await until(lambda: client.get_reconnection_stats()["state"] == "syncing")
        await client.disconnect()
        assert await task is False
        assert held(venue) == []

    played(scenario)


def test_cancelling_connect_stops_the_attempts():
    async def scenario(client, venue):
        inject(venue, Refuse())
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        refused = venue.exchange.counters["refused"]
        await asyncio.sleep(600)
        assert venue.exchange.counters["refused"] == refused
        assert client.get_reconnection_stats()["state"] == "closed"

    played(scenario)


def test_a_timeout_around_connect_stops_the_attempts_too():
    async def scenario(client, venue):
        inject(venue, Refuse(how="hang"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.connect()
        await asyncio.sleep(5)
        assert client.get_reconnection_stats()["state"] == "closed"

    played(scenario)


def test_without_auto_reconnect_a_loss_ends_in_closed():
    async def scenario(client, venue):
        await client.connect()
        client.disable_auto_reconnect()
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(600)
        stats = client.get_reconnection_stats()
        assert stats["state"] == "closed"
        assert stats["reconnection_task_active"] is False
        assert stats["connection_lost_time"] is not None
        assert venue.exchange.counters["connected"] == 1
        assert await client.connect() is True

    played(scenario)


def test_disabling_auto_reconnect_ends_the_waiting_for_an_attempt():
    async def scenario(client, venue):
        await client.connect()
        inject(venue, Refuse())
        inject(venue, Cut(how="rst"))
        await until(lambda: client.get_reconnection_stats()["state"] == "backoff")
        client.disable_auto_reconnect()
        assert client.get_reconnection_stats()["state"] == "closed"

    played(scenario)


def test_reconnect_opens_another_connection_at_once():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        await client.subscribe_all_mids(seen.append)
        heard = []
        client.on("disconnected", heard.append)
        began = now()
        await client.reconnect("because I say so")
        await until(client.is_connected)
        assert now() - began < 0.1
        assert venue.exchange.counters["connected"] == 2
        assert (str(heard[0].cause), heard[0].reason) == ("user", "because I say so")
        seen.clear()
        await until(lambda: seen)
        assert len(venue.exchange.subscriptions()) == 1

    played(scenario)


def test_reconnect_in_back_off_tries_at_once():
    async def scenario(client, venue):
        client.reconnect_delay = client.max_reconnect_delay = 300
        await client.connect()
        inject(venue, Cut(how="rst"))
        await until(lambda: client.get_reconnection_stats()["state"] == "backoff")
        began = now()
        await client.reconnect()
        await until(client.is_connected)
        assert now() - began < 0.1

    played(scenario)


def test_reconnect_while_disconnected_does_nothing():
    async def scenario(client, venue):
        await client.reconnect()
        await client.connect()
        await client.disconnect()
        await client.reconnect()
        await asyncio.sleep(60)
        assert venue.exchange.counters["connected"] == 1

    played(scenario)


def test_wait_ready_waits_for_the_first_data_where_the_venue_sends_some_at_once():
    async def scenario(client, venue):
        await client.connect()
        inject(venue, Silent(direction="out", what=("data",)))
        handle = await client.subscribe_all_mids()
        assert client.is_connected()
        assert await client.wait_ready(timeout=3) is False
        assert handle.state == "pending"
        heal(venue)
        assert await client.wait_ready(timeout=30) is True
        assert handle.state == "live"

    played(scenario)


def test_wait_ready_does_not_wait_for_feeds_that_may_be_quiet():
    async def scenario(client, venue):
        await client.subscribe_order_updates("0x" + "1" * 40)
        await client.subscribe_trades("BTC")
        await client.connect()
        assert await client.wait_ready(timeout=5) is True

    played(scenario, Settings(coins=("BTC",), trade_rate=0.0, user_rate=0.0))


def test_wait_ready_ends_when_the_client_is_disconnected():
    async def scenario(client, venue):
        assert await client.wait_ready() is False
        inject(venue, Refuse())
        await client.connect()
        task = asyncio.create_task(client.wait_ready())
        await asyncio.sleep(1)
        await client.disconnect()
        assert await task is False

    played(scenario)


def test_wait_ready_is_not_held_back_by_a_refused_feed():
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        inject(venue, RefuseSubscriptions(type="trades"))
        await client.subscribe_trades("BTC")
        assert await client.connect() is True
        assert await client.wait_ready(timeout=5) is True

    played(scenario)


def test_its_repr_says_how_it_is():
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_all_mids()
        assert "live, 1 subscriptions, ws://127.0.0.1" in repr(client)

    played(scenario)


def test_the_life_cycle_events_come_in_order_and_read_well():
    async def scenario(client, venue):
        story = []
        for name in ("connected", "ready", "disconnected", "reconnecting"):
            client.on(name, lambda it, name=name: story.append((name, it)))
        await client.subscribe_all_mids()
        await client.connect()
        await client.wait_ready()
        await asyncio.sleep(10)
        inject(venue, Cut(how="close", code=1001, reason="Going away"))
        await until(lambda: len(story) == 6)
        names = [name for name, _ in story]
        assert names == [
            "connected",
            "ready",
            "disconnected",
            "reconnecting",
            "connected",
            "ready",
        ]
        first, ready, lost, retry, second, again = (it for _, it in story)
        assert (first.connection_id, second.connection_id) == (1, 2)
        assert (ready.connection_id, ready.restored) == (1, 1)
        assert (str(lost.cause), lost.code, lost.reason) == (
            "server_rotation",
            1001,
            "Going away",
        )
        assert lost.connection_id == 1
        assert lost.uptime_seconds >= 10
        assert (retry.attempt, str(retry.cause)) == (1, "server_rotation")
        assert 0.75 <= retry.delay_seconds <= 1.25
        assert again.downtime_seconds == pytest.approx(retry.delay_seconds, abs=0.2)
        for _, it in story:
            assert len(str(it)) > 10
            assert "<" not in str(it)

    played(scenario)


def test_down_is_said_after_a_minute_and_each_minute_after():
    async def scenario(client, venue):
        heard = []
        await client.connect()
        client.on("down", lambda it: heard.append((now(), it)))
        began = now()
        inject(venue, Refuse(status=502))
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(200)
        assert [at - began for at, _ in heard] == pytest.approx([60, 120, 180], abs=0.1)
        assert heard[0][1].attempts >= 4
        assert "502" in heard[0][1].last_error
        assert heard[0][1].since == heard[1][1].since
        heal(venue)
        await until(client.is_connected)
        said = len(heard)
        await asyncio.sleep(300)
        assert len(heard) == said

    played(scenario)


def test_the_breaker_event_and_the_statistics_agree():
    async def scenario(client, venue):
        heard = []
        client.on("breaker", lambda it: heard.append((it.state, it.failures)))
        inject(venue, Refuse())
        await client.connect()
        await asyncio.sleep(60)
        assert heard == [("open", 5)]
        assert client.get_reconnection_stats()["circuit_breaker"] == "open"
        heal(venue)
        await until(client.is_connected)
        await asyncio.sleep(6)
        assert heard[-1] == ("closed", 0)
        assert client.get_reconnection_stats()["circuit_breaker"] == "closed"

    played(scenario)
