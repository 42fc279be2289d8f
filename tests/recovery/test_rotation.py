"""Connections are replaced before the venue ends them, and nobody notices."""

import asyncio
import json
from random import Random

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.hyperliquid.limits import account_of
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Refuse, RefuseSubscriptions, Silent
from bistoury.simulator.settings import Limits, Settings
from bistoury.testing.oracle import Oracle
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

USER = "0x" + "ab" * 20
STREAMS = ("trades:BTC", "trades:ETH", f"userFills:{USER}", f"orderUpdates:{USER}")
HOST = "127.0.0.1:23"
MANY = dict.fromkeys(("connections_per_minute", "messages_per_minute"), 10**6)
EVENTS = ("connected", "ready", "disconnected", "reconnecting", "gap", "rotated")


class Stage:
    """A client, its venue, and what was heard of both."""

    def __init__(self, venue, client, oracle):
        self.venue, self.client, self.oracle = venue, client, oracle
        self.events, self.asked = [], []
        self.since = 0

    def inject(self, fault, lasts=None):
        self.venue.exchange.inject(fault, self.venue.now(), lasts)
        self.venue.turn()

    @property
    def held(self):
        groups = self.venue.exchange.subscriptions().values()
        return sorted(len(group) for group in groups)

    def names(self):
        return [name for name, _ in self.events]

    def of(self, name):
        return [event for kind, event in self.events if kind == name]

    def accounts(self):
        until = int(self.venue.now() * 1000) - 1000
        rows = self.oracle.accounts(STREAMS, self.since, until)
        return [(row.lost, row.repeated, row.in_gaps) for row in rows]

    async def rotated(self, times=1, within=120.0):
        async with asyncio.timeout(within):
            while len(self.of("rotated")) < times:
                await asyncio.sleep(0.1)


NOTHING_WRONG = [((), 0, 0)] * len(STREAMS)


def played(scenario, limits=None, settings=None, **options):
    async def main():
        chosen = {
            "coins": ("BTC", "ETH"),
            "trade_rate": 5.0,
            "user_rate": 0.5,
            "history": 3600.0,
            "limits": Limits.none(),
        }
        venue = MemoryVenue(Exchange(Settings(**(chosen | (settings or {}))), 1))
        oracle = Oracle(venue.exchange.ledger)
        config = Config(
            api_url=f"http://{HOST}", limits=MANY | (limits or {}), reconnect_delay=0.5
        )
        client = venue.client(config, rng=Random(2), **options)
        stage = Stage(venue, client, oracle)
        for name in EVENTS:
            client.on(name, lambda it, name=name: stage.events.append((name, it)))
        client.on("gap", oracle.gap)
        await client.connect()
        await client.subscribe_trades("BTC", oracle.handler())
        await client.subscribe_trades("ETH", oracle.handler())
        await client.subscribe_user_fills(USER, oracle.handler())
        await client.subscribe_order_updates(USER, oracle.handler(USER))
        await client.subscribe_all_mids(lambda message: None)
        assert await client.wait_ready(5)
        request = client.info.request

        async def counted(body, *, weight=None):
            stage.asked.append(body["type"])
            return await request(body)

        client.info.request = counted
        stage.since = int(venue.now() * 1000) + 1
        stage.events.clear()
        try:
            await scenario(stage)
        finally:
            await client.disconnect()
            venue.stop()
        account = account_of(HOST, client.config.limits)
        assert (account.connections, account.subscriptions) == (0, 0)
        assert not account.users

    run(main())


def test_fifty_rotations_lose_repeat_and_ask_nothing():
    async def scenario(stage):
        await stage.rotated(50, within=3600)
        await asyncio.sleep(10)
        assert stage.accounts() == NOTHING_WRONG
        assert set(stage.names()) == {"rotated"}
        assert stage.asked == []
        ids = [(it.old_connection_id, it.connection_id) for it in stage.of("rotated")]
        assert all(old < new for old, new in ids)
        assert {old for old, _ in ids[1:]} == {new for _, new in ids[:-1]}
        assert all(20 <= it.uptime_seconds < 60 for it in stage.of("rotated"))
        stats = stage.client.get_reconnection_stats()
        assert (stats["rotations"], stats["total_reconnects"]) == (50, 0)
        assert stats["last_disconnect"] is None

    played(scenario, rotate_after=20)


def test_the_old_connection_stays_until_the_new_one_is_proven():
    async def scenario(stage):
        most, least, live = 0, 99, True
        while not stage.of("rotated"):
            held = stage.held
            most, least = max(most, len(held)), min(least, max(held))
            live = live and stage.client.is_connected()
            await asyncio.sleep(0.01)
        assert (most, least, live) == (2, 5, True)
        await asyncio.sleep(2)
        assert stage.held == [5]

    played(scenario, rotate_after=20)


@pytest.mark.parametrize("redundancy", [2, 3])
def test_of_several_lines_one_at_a_time_is_replaced(redundancy):
    async def scenario(stage):
        most = 0
        while len(stage.of("rotated")) < 3 * redundancy:
            most = max(most, len(stage.held))
            await asyncio.sleep(0.05)
        assert most == redundancy + 1
        assert stage.accounts() == NOTHING_WRONG
        assert stage.asked == []

    played(scenario, rotate_after=30, redundancy=redundancy)


def test_each_shard_is_replaced_by_itself():
    async def scenario(stage):
        await stage.rotated(6, within=600)
        assert stage.accounts() == NOTHING_WRONG
        assert set(stage.names()) == {"rotated"}

    played(scenario, rotate_after=30, shards=2)


def test_how_long_a_connection_may_live_is_learned_from_the_venue():
    async def scenario(stage):
        await stage.rotated(3, within=4000)
        lost = stage.of("disconnected")
        assert [str(it.cause) for it in lost] == ["server_rotation"] * 2
        shortest = min(it.uptime_seconds for it in lost)
        for it in stage.of("rotated"):
            assert 0.9 * shortest <= it.uptime_seconds < shortest

    played(scenario, rotate_after="observed", settings={"max_life": 400.0})


def test_nothing_is_replaced_while_no_lifetime_was_observed():
    async def scenario(stage):
        await asyncio.sleep(600)
        for _ in range(3):
            stage.inject(Cut(how="close", code=1000, reason="Expired"))
            await asyncio.sleep(30)  # too soon to be anything but trouble
        await asyncio.sleep(600)
        assert stage.of("rotated") == []

    played(scenario, rotate_after="observed")


def test_a_replacement_that_cannot_connect_costs_nothing_and_is_tried_again():
    async def scenario(stage):
        stage.inject(Refuse(how="http", status=503), 120)
        await asyncio.sleep(100)
        assert stage.events == []
        assert stage.client.is_connected()
        await stage.rotated(within=300)
        assert stage.accounts() == NOTHING_WRONG
        assert set(stage.names()) == {"rotated"}

    played(scenario, rotate_after=20)


def test_a_replacement_that_is_not_granted_everything_does_not_take_over():
    async def scenario(stage):
        stage.inject(RefuseSubscriptions(), 120)
        await asyncio.sleep(100)
        assert stage.events == []
        assert stage.held == [5]
        assert stage.client.is_connected()
        assert (await stage.client.get_connection_health())["is_healthy"]

    played(scenario, rotate_after=20)


def test_a_connection_that_is_lost_while_it_is_replaced_costs_nothing():
    async def scenario(stage):
        for _ in range(20):
            before = len(stage.of("rotated"))
            while len(stage.held) < 2 or min(stage.held) < 5:
                await asyncio.sleep(0.01)
            await asyncio.sleep(8)  # by now it has shown that it missed nothing
            oldest = min(stage.venue.exchange.subscriptions())
            stage.inject(Cut(how="rst", connection=oldest))
            await stage.rotated(before + 1)
        await asyncio.sleep(10)
        assert stage.accounts() == NOTHING_WRONG
        assert stage.of("gap") == []
        assert stage.asked == []

    played(scenario, rotate_after=20)


def test_a_replacement_that_has_died_meanwhile_does_not_take_over():
    async def scenario(stage):
        while len(stage.held) < 2 or min(stage.held) < 5:
            await asyncio.sleep(0.01)
        await asyncio.sleep(8)  # by now it has shown that it missed nothing
        newest = max(stage.venue.exchange.subscriptions())
        stage.inject(Silent(connection=newest))
        await stage.rotated()
        assert stage.of("rotated")[0].connection_id != newest
        await asyncio.sleep(10)
        assert stage.accounts() == NOTHING_WRONG
        assert stage.of("gap") == []
        assert stage.asked == []

    played(scenario, rotate_after=20)


def test_a_connection_that_is_lost_before_it_showed_what_it_had_leaves_a_doubt():
    async def scenario(stage):
        for _ in range(5):
            before = len(stage.of("rotated"))
            while len(stage.held) < 2 or min(stage.held) < 5:
                await asyncio.sleep(0.01)
            oldest = min(stage.venue.exchange.subscriptions())
            stage.inject(Cut(how="rst", connection=oldest))
            await stage.rotated(before + 1)
        await asyncio.sleep(10)
        rows = stage.accounts()
        assert [(lost, repeated) for lost, repeated, _ in rows] == [((), 0)] * 4
        # How far the latest trades reach back is the venue's affair.
        of_user = [it for it in stage.of("gap") if it.subscription.get("user")]
        assert {it.status for it in of_user} <= {"open", "recovered"}

    played(scenario, rotate_after=20)


def test_everything_lost_while_a_connection_is_replaced_is_recovered_as_ever():
    async def scenario(stage):
        for _ in range(5):
            while len(stage.held) < 2:
                await asyncio.sleep(0.01)
            stage.inject(Cut(how="rst"))
            await asyncio.sleep(40)
        rows = stage.accounts()
        assert [(lost, repeated) for lost, repeated, _ in rows] == [((), 0)] * 4
        assert stage.of("rotated")
        assert {it.status for it in stage.of("gap")} == {"open", "recovered"}

    played(scenario, rotate_after=20)


def test_what_is_wanted_may_change_while_a_connection_is_replaced():
    async def scenario(stage):
        seen = []
        while len(stage.held) < 2:
            await asyncio.sleep(0.01)
        book = await stage.client.subscribe_orderbook("ETH", seen.append)
        await stage.client.subscribe_bbo("BTC")
        await book.unsubscribe()
        await stage.rotated()
        await asyncio.sleep(2)
        assert stage.held == [6]
        (held,) = stage.venue.exchange.subscriptions().values()
        assert "l2Book" not in {json.loads(text)["type"] for text in held}
        assert stage.client.is_connected()

    played(scenario, rotate_after=20)


def test_leaving_while_a_connection_is_replaced_leaves_nothing_behind():
    async def scenario(stage):
        while len(stage.held) < 2:
            await asyncio.sleep(0.01)
        await stage.client.disconnect()
        await asyncio.sleep(1)
        assert stage.held == []
        stage.events.clear()
        assert await stage.client.connect()
        await stage.rotated()
        # What was missed in between is a gap, as after any disconnect.
        assert set(stage.names()) <= {"connected", "ready", "rotated", "gap"}

    played(scenario, rotate_after=20)


def test_no_connection_is_replaced_when_the_venue_would_refuse_so_much():
    async def scenario(stage):
        await asyncio.sleep(120)
        assert stage.events == []
        assert stage.held == [5]

    played(scenario, limits={"subscriptions": 9}, rotate_after=20)


def test_a_question_that_is_under_way_keeps_its_connection():
    async def scenario(stage):
        while stage.client._rotation._relief is None:
            await asyncio.sleep(0.01)
        old = stage.client._rotation._relief.old
        answers = []
        answer = asyncio.get_running_loop().create_future()
        stage.client._posts._sent[999_999] = post = _Post(old, answer)
        await asyncio.sleep(20)
        answers.append(len(stage.of("rotated")))
        del stage.client._posts._sent[999_999]
        await stage.rotated()
        assert answers == [0]
        assert post.line is old

    played(scenario, rotate_after=20)


class _Post:
    """A question that was sent over a line."""

    def __init__(self, line, answer):
        self.line, self.answer = line, answer


def test_the_figures_go_on_where_they_were():
    async def scenario(stage):
        key = "trades(coin=BTC)"
        last, last_of_feed = 0, 0
        while len(stage.of("rotated")) < 3:
            health = await stage.client.get_connection_health()
            messages = health["subscriptions"][key]["messages"]
            assert health["messages_received"] >= last
            assert health["messages_per_second"] >= 0
            last, last_of_feed = (
                health["messages_received"],
                max(messages, last_of_feed),
            )
            await asyncio.sleep(0.5)
        health = await stage.client.get_connection_health()
        assert health["subscriptions"][key]["messages"] >= last_of_feed

    played(scenario, rotate_after=20)


@pytest.mark.parametrize("value", [0, -1, True, "sometimes", float("nan")])
def test_when_to_replace_a_connection_is_checked(value):
    with pytest.raises(ConfigError, match="rotate_after"):
        HyperLiquidIntegration(Config(network="local"), rotate_after=value)


def test_a_feed_that_the_old_line_carries_stays_live_while_the_new_one_proves_itself():
    async def scenario(stage):
        client, states = stage.client, set()
        await asyncio.sleep(10)
        subscription = {"type": "userFills", "user": USER}
        while len(stage.of("rotated")) < 3:
            await asyncio.sleep(0.25)
            client.require_fresh(subscription, 60)
            health = await client.get_connection_health()
            states |= {it["state"] for it in health["subscriptions"].values()}
        assert states <= {"live", "late"}

    played(scenario, rotate_after=30)
