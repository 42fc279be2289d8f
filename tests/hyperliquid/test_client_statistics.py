"""Statistics and health: every key and its type, and when what is true."""

import asyncio
import json
import time
from datetime import datetime, timedelta

import pytest

from bistoury.simulator.faults import Cut, Delay, Refuse, Silent

from .playing import heal, inject, played, until

OPTIONAL_FLOAT = (float, type(None))
OPTIONAL_TEXT = (str, type(None))

STATS = {
    "currently_connected": bool,
    "auto_reconnect_enabled": bool,
    "reconnection_task_active": bool,
    "connection_lost_time": OPTIONAL_TEXT,
    "connection_monitor_active": bool,
    "last_message_time": OPTIONAL_TEXT,
    "message_timeout_seconds": float,
    "state": str,
    "reconnect_attempts": int,
    "consecutive_failures": int,
    "total_reconnects": int,
    "rotations": int,
    "connection_lost_at": OPTIONAL_TEXT,
    "last_disconnect": (dict, type(None)),
    "next_attempt_in_seconds": OPTIONAL_FLOAT,
    "subscriptions": dict,
    "gaps": dict,
    "circuit_breaker": str,
}
HEALTH = {
    "is_healthy": bool,
    "success_rate": float,
    "avg_response_time": float,
    "state": str,
    "reasons": list,
    "last_message_age_seconds": OPTIONAL_FLOAT,
    "uptime_seconds": float,
    "messages_received": int,
    "messages_per_second": float,
    "ping_rtt_seconds": dict,
    "feed_lag_seconds": dict,
    "loop_lag_seconds": float,
    "subscriptions": dict,
    "limits": dict,
    "handlers": list,
    "audit": dict,
    "verdict": str,
}
STATES = {"idle", "connecting", "syncing", "live", "backoff", "closing", "closed"}


def check(found, types):
    assert found.keys() == types.keys()
    for name, kind in types.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        assert type(found[name]) in kinds, f"{name}: {found[name]!r}"
    json.dumps(found)


def check_stats(stats):
    check(stats, STATS)
    assert stats["state"] in STATES
    assert stats["circuit_breaker"] in {"closed", "open", "half_open"}
    counts = {"wanted", "acknowledged", "live", "stale", "refused"}
    assert stats["subscriptions"].keys() == counts
    assert stats["gaps"].keys() == {"open", "recovered", "unrecoverable"}
    assert all(type(it) is int for it in stats["subscriptions"].values())
    assert all(type(it) is int for it in stats["gaps"].values())
    lost = stats["last_disconnect"]
    if lost is not None:
        assert lost.keys() == {"cause", "code", "reason", "at", "uptime_seconds"}
        assert type(lost["cause"]) is str
        assert type(lost["reason"]) is str
        assert type(lost["uptime_seconds"]) is float
        assert datetime.fromisoformat(lost["at"]).utcoffset() == timedelta(0)
    if stats["currently_connected"]:
        assert stats["connection_lost_time"] is None
        assert stats["connection_lost_at"] is None
        assert stats["state"] == "live"
    assert (stats["next_attempt_in_seconds"] is None) == (stats["state"] != "backoff")


def check_health(health):
    check(health, HEALTH)
    assert 0.0 <= health["success_rate"] <= 1.0
    assert health["avg_response_time"] >= 0.0
    assert health["ping_rtt_seconds"].keys() == {"p50", "p99"}
    assert health["feed_lag_seconds"].keys() == {"p50", "p99"}
    assert health["is_healthy"] == (not health["reasons"])
    assert all(type(it) is str for it in health["reasons"])
    for it in health["subscriptions"].values():
        assert {"state", "age", "rate", "lag", "gaps"} <= it.keys()
    assert health["limits"].keys() == {
        "connections_per_minute",
        "connections",
        "subscriptions",
        "users",
        "messages_per_minute",
        "posts_in_flight",
        "rest_weight_per_minute",
    }
    for it in health["limits"].values():
        assert it.keys() == {"used", "allowed"}
        assert type(it["used"]) is type(it["allowed"]) is int


async def check_both(client):
    stats, health = (
        client.get_reconnection_stats(),
        await client.get_connection_health(),
    )
    check_stats(stats)
    check_health(health)
    assert stats["state"] == health["state"]
    return stats, health


def test_before_connect_there_is_nothing_to_report():
    async def scenario(client, venue):
        stats, health = await check_both(client)
        assert stats["state"] == "idle"
        assert stats["auto_reconnect_enabled"] is True
        assert stats["connection_monitor_active"] is False
        assert stats["reconnection_task_active"] is False
        assert stats["last_message_time"] is None
        assert stats["message_timeout_seconds"] == 30.0
        assert stats["last_disconnect"] is None
        assert (health["success_rate"], health["avg_response_time"]) == (1.0, 0.0)
        assert health["is_healthy"] is False
        assert health["reasons"] == ["not live (idle)"]

    played(scenario)


def test_while_live_everything_is_well():
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.subscribe_trades("BTC")
        await client.connect()
        await asyncio.sleep(60)
        stats, health = await check_both(client)
        assert stats["currently_connected"] is True
        assert stats["connection_monitor_active"] is True
        assert stats["reconnection_task_active"] is False
        assert stats["subscriptions"] == {
            "wanted": 2,
            "acknowledged": 2,
            "live": 2,
            "stale": 0,
            "refused": 0,
        }
        assert stats["total_reconnects"] == stats["reconnect_attempts"] == 0
        assert health["is_healthy"] is True
        assert health["success_rate"] == 1.0
        assert health["uptime_seconds"] == pytest.approx(60, abs=0.1)
        assert health["last_message_age_seconds"] <= 2
        assert health["messages_received"] > 100
        assert 1 < health["messages_per_second"] < 10
        assert health["ping_rtt_seconds"]["p50"] is not None
        assert health["subscriptions"].keys() == {"allMids", "trades(coin=BTC)"}
        mids = health["subscriptions"]["allMids"]
        assert mids["state"] == "live"
        assert mids["rate"] == pytest.approx(1.0, abs=0.2)
        assert health["limits"]["subscriptions"] == {"used": 2, "allowed": 1000}
        assert health["limits"]["connections"] == {"used": 1, "allowed": 10}

    played(scenario)


def test_through_an_outage_the_statistics_tell_its_story():
    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await asyncio.sleep(20)
        inject(venue, Refuse(status=503), 20)
        inject(venue, Cut(how="close", code=1011, reason="restart"))
        await until(lambda: not client.is_connected())
        stats, health = await check_both(client)
        assert stats["state"] == "backoff"
        assert stats["currently_connected"] is False
        assert stats["reconnection_task_active"] is True
        assert stats["reconnect_attempts"] == 1
        assert 0 < stats["next_attempt_in_seconds"] <= 1.25
        assert stats["subscriptions"]["wanted"] == 1
        assert stats["subscriptions"]["acknowledged"] == 0
        last = stats["last_disconnect"]
        assert (last["code"], last["reason"]) == (1011, "restart")
        assert last["uptime_seconds"] == pytest.approx(20, abs=0.1)
        assert health["is_healthy"] is False
        assert "not live (backoff" in health["reasons"][0]
        await asyncio.sleep(10)
        stats, health = await check_both(client)
        assert stats["consecutive_failures"] >= 3
        assert stats["last_disconnect"]["cause"] == "rejected"
        assert stats["last_disconnect"]["code"] == 503
        assert health["success_rate"] < 1
        assert health["uptime_seconds"] == 0
        await until(client.is_connected)
        await asyncio.sleep(10)
        stats, health = await check_both(client)
        assert stats["total_reconnects"] == 1
        assert stats["reconnect_attempts"] == stats["consecutive_failures"] == 0
        assert stats["reconnection_task_active"] is False
        assert health["is_healthy"] is True

    played(scenario)


def test_the_first_connect_is_no_reconnection():
    async def scenario(client, venue):
        inject(venue, Refuse(how="hang"))
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(1)
        stats = client.get_reconnection_stats()
        check_stats(stats)
        assert stats["state"] == "connecting"
        assert stats["reconnection_task_active"] is False
        assert stats["connection_lost_time"] is None
        await client.disconnect()
        await task

    played(scenario)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_the_time_of_the_loss_is_naive_local_iso_text(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()

    async def scenario(client, venue):
        await client.subscribe_all_mids()
        await client.connect()
        await client.wait_ready()
        assert client.get_reconnection_stats()["connection_lost_time"] is None
        inject(venue, Refuse())
        inject(venue, Cut(how="rst"))
        await until(lambda: not client.is_connected())
        stats = client.get_reconnection_stats()
        lost = datetime.fromisoformat(stats["connection_lost_time"])
        assert lost.tzinfo is None
        assert abs((datetime.now() - lost).total_seconds()) < 60  # noqa: DTZ005
        aware = datetime.fromisoformat(stats["connection_lost_at"])
        assert aware.utcoffset() == timedelta(0)
        assert aware.astimezone().replace(tzinfo=None) == lost
        heard = datetime.fromisoformat(stats["last_message_time"])
        assert heard.tzinfo is None
        assert abs((datetime.now() - heard).total_seconds()) < 60  # noqa: DTZ005
        # It stays the same through the attempts of one outage.
        await asyncio.sleep(30)
        assert (
            client.get_reconnection_stats()["connection_lost_time"]
            == stats["connection_lost_time"]
        )
        heal(venue)
        await until(client.is_connected)
        assert client.get_reconnection_stats()["connection_lost_time"] is None

    try:
        played(scenario)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_after_disconnect_nothing_is_lost_because_it_was_asked_for():
    async def scenario(client, venue):
        await client.connect()
        await client.disconnect()
        stats, _ = await check_both(client)
        assert stats["state"] == "closed"
        assert stats["connection_lost_time"] is None
        assert stats["connection_monitor_active"] is False
        assert stats["reconnection_task_active"] is False

    played(scenario)


def test_every_state_of_the_life_cycle_keeps_the_contract():
    async def scenario(client, venue):
        seen = set()

        async def watch():
            while True:
                stats, _ = await check_both(client)
                seen.add(stats["state"])
                await asyncio.sleep(0.001)

        await check_both(client)
        watching = asyncio.create_task(watch())
        await client.subscribe_all_mids()
        inject(venue, Silent(direction="out", what=("ack", "error")), 2)
        await client.connect()
        inject(venue, Refuse(how="hang"), 5)
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(20)
        await client.disconnect()
        await asyncio.sleep(1)
        watching.cancel()
        assert seen >= {"connecting", "syncing", "live", "backoff", "closed"}

    played(scenario)


def test_requests_and_pings_make_the_success_rate_and_the_response_time():
    async def scenario(client, venue):
        await client.connect()
        client._monitor.request_done(True, 0.2)
        client._monitor.request_done(False, 0.4)
        await asyncio.sleep(1)
        _, health = await check_both(client)
        # One connection, one ping, and two requests of which one failed.
        assert health["success_rate"] == pytest.approx(3 / 4)
        assert health["avg_response_time"] == pytest.approx(0.2, abs=0.01)

    played(scenario)


def test_feeds_that_come_late_are_amiss_until_they_come_on_time():
    async def scenario(client, venue):
        told = []
        client.on("degraded", told.append)
        await client.connect()
        book = await client.subscribe_orderbook("BTC")
        await asyncio.sleep(60)
        inject(venue, Delay(seconds=6.0))
        await asyncio.sleep(30)
        health = await client.get_connection_health()
        assert health["verdict"] == "degraded"
        assert health["reasons"] == ["l2Book(coin=BTC) late: more than 3 s behind"]
        assert [event.reasons for event in told] == [tuple(health["reasons"])]
        assert book.state == "late"
        assert health["subscriptions"]["l2Book(coin=BTC)"]["age"] > 5

        heal(venue)
        await asyncio.sleep(60)
        assert (await client.get_connection_health())["verdict"] == "ok"

    played(scenario)
