"""Wanting feeds: before, while and after there is a connection, in virtual time."""

import asyncio
import itertools
import json
from random import Random

import pytest

from bistoury import (
    ConfigError,
    ConnectionLimitError,
    ConnectionLostError,
    HyperLiquidIntegration,
    SubscriptionLimitError,
    SubscriptionRefusedError,
)
from bistoury.config import Limits
from bistoury.simulator.faults import Cut, DropAcks, Refuse, RefuseSubscriptions, Silent
from bistoury.simulator.settings import Settings
from bistoury.testing.virtual_time import run

from .playing import config, heal, held, inject, now, played, until

USERS = [f"0x{number:040x}" for number in range(1, 20)]


def test_what_is_wanted_before_connect_is_sent_when_it_can_be():
    async def scenario(client, venue):
        handle = await client.subscribe_trades("BTC")
        assert handle.state == "pending"
        await client.connect()
        assert held(venue) == [{"type": "trades", "coin": "BTC"}]
        assert handle.state == "live"

    played(scenario)


def test_what_is_wanted_while_down_returns_at_once_and_is_sent_later():
    async def scenario(client, venue):
        await client.connect()
        inject(venue, Refuse(), 30)
        inject(venue, Cut(how="rst"))
        await until(lambda: client.get_reconnection_stats()["state"] == "backoff")
        began = now()
        handle = await client.subscribe_all_mids()
        assert now() == began
        assert handle.state == "pending"
        await until(lambda: handle.state == "live")
        assert held(venue) == [{"type": "allMids"}]

    played(scenario)


def test_what_is_wanted_in_the_middle_of_a_restore_joins_it():
    async def scenario(client, venue):
        for coin in ("BTC", "ETH"):
            await client.subscribe_trades(coin)
        await client.connect()
        inject(venue, Silent(direction="out", what=("ack", "error")))
        inject(venue, Cut(how="rst"))
        await until(lambda: client.get_reconnection_stats()["state"] == "syncing")
        began = now()
        handle = await client.subscribe_all_mids()
        assert now() == began
        await asyncio.sleep(2)
        assert not client.is_connected()
        heal(venue)
        await until(client.is_connected)
        assert handle.state in {"pending", "live"}
        assert len(held(venue)) == 3

    played(scenario)


def test_what_is_given_up_while_down_is_not_restored():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        handle = await client.subscribe_all_mids(seen.append)
        await client.subscribe_trades("BTC")
        inject(venue, Refuse(), 20)
        inject(venue, Cut(how="rst"))
        await until(lambda: client.get_reconnection_stats()["state"] == "backoff")
        began, received = now(), venue.exchange.counters["received"]
        await handle.unsubscribe()
        assert now() == began
        assert handle.state == "closed"
        seen.clear()
        await until(client.is_connected)
        await asyncio.sleep(30)
        assert held(venue) == [{"type": "trades", "coin": "BTC"}]
        assert seen == []
        # A ping at the start, one subscription, and pings: no unsubscribe.
        assert venue.exchange.counters["received"] - received <= 5

    played(scenario)


def test_twice_the_same_is_one_subscription_and_two_handlers():
    async def scenario(client, venue):
        first, second = [], []
        await client.connect()
        await client.subscribe_trades("BTC", first.append)
        sent = venue.exchange.counters["received"]
        await client.subscribe({"coin": "BTC", "type": "trades"}, second.append)
        assert venue.exchange.counters["received"] == sent
        assert len(held(venue)) == 1
        first.clear()
        await asyncio.sleep(30)
        assert len(first) > 10
        assert first == second

    played(scenario)


def test_the_last_listener_to_leave_unsubscribes():
    async def scenario(client, venue):
        left, stays = [], []
        await client.connect()
        one = await client.subscribe_trades("BTC", left.append)
        two = await client.subscribe_trades("BTC", stays.append)
        await one.unsubscribe()
        left.clear()
        stays.clear()
        await asyncio.sleep(20)
        assert left == []
        assert len(stays) > 5
        assert len(held(venue)) == 1
        await two.unsubscribe()
        stays.clear()
        await asyncio.sleep(20)
        assert held(venue) == []
        assert stays == []
        await two.unsubscribe()

    played(scenario)


@pytest.mark.parametrize(
    ("user", "other"),
    [
        (USERS[0].upper().replace("X", "x"), USERS[0]),
        ("0x" + "aB" * 20, "0x" + "Ab" * 20),
    ],
)
def test_an_address_is_the_same_in_any_casing(user, other):
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_user_fills(user)
        await client.subscribe_user_fills(other)
        assert len(held(venue)) == 1
        assert held(venue)[0]["user"] == user.lower()

    played(scenario)


def test_absent_null_and_default_parameters_are_the_same():
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe_orderbook("BTC")
        await client.subscribe({"type": "l2Book", "coin": "BTC", "nSigFigs": None})
        await client.subscribe({"type": "l2Book", "coin": "BTC", "fast": False})
        assert len(held(venue)) == 1

    played(scenario)


@pytest.mark.parametrize("coin", ["kPEPE", "xyz:NVDA", "@107", "PURR/USDC"])
@pytest.mark.parametrize(
    "method", ["trades", "l2Book", "bbo", "activeAssetCtx", "candle"]
)
def test_every_kind_of_coin_finds_its_handler(method, coin):
    async def scenario(client, venue):
        seen = []
        body = {"type": method, "coin": coin}
        if method == "candle":
            body["interval"] = "1m"
        await client.connect()
        await client.subscribe(body, seen.append)
        await until(lambda: seen)
        assert held(venue)[0]["coin"] == coin

    played(
        scenario,
        Settings(
            coins=("BTC", "kPEPE", "xyz:NVDA", "@107", "PURR/USDC"), trade_rate=2.0
        ),
    )


def test_a_refused_subscription_raises_with_the_venues_text():
    async def scenario(client, venue):
        await client.connect()
        with pytest.raises(SubscriptionRefusedError) as caught:
            await client.subscribe_trades("NOPE")
        assert (
            caught.value.reason
            == 'Invalid subscription {"type":"trades","coin":"NOPE"}'
        )
        assert "trades(coin=NOPE)" in str(caught.value)
        assert client.is_connected()
        # Asked for once, and never again.
        sent = venue.exchange.counters["received"]
        inject(venue, Cut(how="rst"))
        await asyncio.sleep(10)
        assert venue.exchange.counters["received"] == sent + 1

    played(scenario)


def test_a_type_the_venue_does_not_know_is_refused_by_the_venue():
    async def scenario(client, venue):
        await client.connect()
        with pytest.raises(SubscriptionRefusedError, match="Error parsing JSON"):
            await client.subscribe({"type": "webData2", "user": USERS[0]})
        assert client.is_connected()

    played(scenario)


def test_a_refusal_before_live_shows_in_the_handle_and_as_degraded():
    async def scenario(client, venue):
        heard = []
        client.on("degraded", heard.append)
        good = await client.subscribe_trades("BTC")
        bad = await client.subscribe_trades("NOPE")
        assert await client.connect() is True
        assert (good.state, bad.state) == ("live", "refused")
        assert bad.error.startswith("Invalid subscription")
        stats = client.get_reconnection_stats()["subscriptions"]
        assert stats == {
            "wanted": 1,
            "acknowledged": 1,
            "live": 1,
            "stale": 0,
            "refused": 1,
        }
        health = await client.get_connection_health()
        assert health["is_healthy"] is False
        assert "trades(coin=NOPE)" in health["reasons"][0]
        assert "trades(coin=NOPE)" in heard[0].reasons[0]

    played(scenario)


def test_a_feed_granted_before_and_refused_later_is_asked_for_every_minute():
    async def scenario(client, venue):
        handle = await client.subscribe_trades("BTC")
        await client.connect()
        inject(venue, RefuseSubscriptions(type="trades"))
        inject(venue, Cut(how="rst"))
        await until(lambda: handle.state == "refused")
        began = now()
        heal(venue)
        await until(lambda: handle.state == "live")
        assert now() - began == pytest.approx(60, abs=1.5)
        assert handle.error is None
        assert (await client.get_connection_health())["is_healthy"] is True

    played(scenario)


def test_a_feed_granted_before_and_refused_later_is_asked_for_at_each_reconnect():
    async def scenario(client, venue):
        handle = await client.subscribe_trades("BTC")
        await client.connect()
        inject(venue, RefuseSubscriptions(type="trades"))
        inject(venue, Cut(how="rst"))
        await until(lambda: handle.state == "refused")
        heal(venue)
        inject(venue, Cut(how="rst"))
        await until(lambda: handle.state == "live", within=10)

    played(scenario)


def test_an_acknowledgement_that_does_not_come_returns_pending_after_ten_seconds():
    async def scenario(client, venue):
        await client.connect()
        inject(venue, Silent(direction="out", what=("ack", "error")))
        began = now()
        handle = await client.subscribe_trades("BTC")
        assert now() - began == pytest.approx(10, abs=0.01)
        assert handle.state == "pending"
        assert handle
        heal(venue)
        await until(lambda: handle.state == "live", within=6)

    played(scenario)


def test_a_lost_acknowledgement_is_asked_for_again_after_five_seconds():
    async def scenario(client, venue):
        await client.connect()
        inject(venue, DropAcks())
        began = now()
        handle = await client.subscribe_all_mids()
        assert now() - began == pytest.approx(5, abs=0.1)
        # The venue said "Already subscribed", which is as good as a yes.
        assert handle.state == "live"
        assert handle.error is None

    played(scenario)


def test_cancelling_a_subscribe_withdraws_its_handler():
    async def scenario(client, venue):
        seen, others = [], []
        await client.connect()
        inject(venue, Silent(direction="out", what=("ack", "error")))
        task = asyncio.create_task(client.subscribe_trades("BTC", seen.append))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        seen.clear()
        heal(venue)
        await client.subscribe_trades("ETH", others.append)
        await asyncio.sleep(20)
        assert held(venue) == [{"type": "trades", "coin": "ETH"}]
        assert seen == []
        assert others

    played(scenario)


def test_after_cancelling_one_of_two_the_other_stays():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        inject(venue, Silent(direction="out", what=("ack", "error")), 3)
        stays = asyncio.create_task(client.subscribe_trades("BTC", seen.append))
        goes = asyncio.create_task(client.subscribe_trades("BTC"))
        await asyncio.sleep(1)
        goes.cancel()
        assert (await stays).state == "live"
        await until(lambda: seen)

    played(scenario)


@pytest.mark.parametrize("order", list(itertools.product([True, False], repeat=4)))
def test_in_any_quarrel_within_the_latency_the_last_word_counts(order):
    async def scenario(client, venue):
        await client.connect()
        handle, tasks = None, []
        for is_wanted in (*order, True):
            if is_wanted and handle is None:
                tasks.append(asyncio.create_task(client.subscribe_trades("BTC")))
                await asyncio.sleep(0)
                handle = client._audience._handles[
                    next(iter(client._audience._handles))
                ][-1]
            elif not is_wanted and handle is not None:
                await handle.unsubscribe()
                handle = None
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 15)
        await asyncio.sleep(10)
        assert held(venue) == [{"type": "trades", "coin": "BTC"}]
        assert handle.state == "live"
        await handle.unsubscribe()
        await asyncio.sleep(10)
        assert held(venue) == []

    played(scenario)


def test_more_users_than_the_limit_raise_before_anything_is_sent():
    async def scenario(client, venue):
        await client.connect()
        for user in USERS[:10]:
            await client.subscribe_user_fills(user)
        sent = venue.exchange.counters["received"]
        with pytest.raises(SubscriptionLimitError, match="at most 10 users"):
            await client.subscribe_user_fills(USERS[10])
        assert venue.exchange.counters["received"] == sent
        # More of the same users is fine.
        await client.subscribe({"type": "openOrders", "user": USERS[0]})

    played(scenario)


def test_more_subscriptions_than_the_limit_raise_before_anything_is_sent():
    async def scenario(client, venue):
        await client.connect()
        first = await client.subscribe_trades("BTC")
        await client.subscribe_trades("ETH")
        sent = venue.exchange.counters["received"]
        with pytest.raises(SubscriptionLimitError, match="at most 2 subscriptions"):
            await client.subscribe_trades("SOL")
        assert venue.exchange.counters["received"] == sent
        await first.unsubscribe()
        await client.subscribe_trades("SOL")

    played(scenario, limits=Limits(subscriptions=2))


def test_the_limits_are_counted_over_all_clients_of_a_host():
    async def scenario(client, venue):
        second = HyperLiquidIntegration(client.config, transport=venue, rng=Random(2))
        await client.connect()
        await second.connect()
        await client.subscribe_trades("BTC")
        await second.subscribe_trades("BTC")
        with pytest.raises(SubscriptionLimitError):
            await second.subscribe_trades("ETH")
        third = HyperLiquidIntegration(client.config, transport=venue)
        with pytest.raises(ConnectionLimitError, match="at most 2 connections"):
            await third.connect()
        await second.disconnect()
        assert await third.connect() is True
        await client.subscribe_trades("ETH")
        await third.disconnect()

    played(scenario, limits=Limits(subscriptions=2, connections=2))


def test_the_venues_own_lower_number_of_users_is_learned():
    async def scenario(client, venue):
        await client.connect()
        for user in USERS[:10]:
            await client.subscribe_user_fills(user)
        with pytest.raises(SubscriptionRefusedError, match="more than 10 total users"):
            await client.subscribe_user_fills(USERS[10])
        sent = venue.exchange.counters["received"]
        with pytest.raises(SubscriptionLimitError, match="at most 10 users"):
            await client.subscribe_user_fills(USERS[11])
        assert venue.exchange.counters["received"] == sent

    played(scenario, limits=Limits(users=15))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            {"type": "userEvents", "user": USERS[0]},
            {"type": "userEvents", "user": USERS[1]},
        ),
        (
            {"type": "orderUpdates", "user": USERS[0]},
            {"type": "orderUpdates", "user": USERS[1]},
        ),
        (
            {"type": "notification", "user": USERS[0]},
            {"type": "notification", "user": USERS[1]},
        ),
        (
            {"type": "l2Book", "coin": "BTC", "nSigFigs": 3},
            {"type": "l2Book", "coin": "BTC", "nSigFigs": 4},
        ),
        (
            {"type": "userFills", "user": USERS[0]},
            {"type": "userFills", "user": USERS[0], "aggregateByTime": True},
        ),
    ],
)
def test_frames_that_cannot_be_told_apart_go_over_another_connection(first, second):
    async def scenario(client, venue):
        await client.connect()
        await client.subscribe(first)
        handle = await client.subscribe(second)
        assert handle.state in ("live", "pending")
        groups = [text for text in venue.exchange.subscriptions().values() if text]
        assert [len(texts) for texts in groups] == [1, 1]
        await handle.unsubscribe()
        await asyncio.sleep(0.1)
        assert len(venue.exchange.subscriptions()) == 1

    played(scenario)


def test_feeds_that_need_another_connection_than_is_allowed_are_refused():
    async def scenario(client, venue):
        body = {"type": "l2Book", "coin": "BTC", "nSigFigs": 3}
        await client.connect()
        await client.subscribe(body)
        sent = venue.exchange.counters["received"]
        with pytest.raises(SubscriptionLimitError, match="could not be told"):
            await client.subscribe({**body, "nSigFigs": 4})
        assert venue.exchange.counters["received"] == sent

    played(scenario, limits={"connections": 1})


def test_books_whose_frames_can_be_told_apart_live_side_by_side():
    async def scenario(client, venue):
        plain, rounded, fast = [], [], []
        await client.connect()
        await client.subscribe_orderbook("BTC", plain.append)
        await client.subscribe_orderbook(
            "BTC", rounded.append, n_sig_figs=5, mantissa=2
        )
        await client.subscribe_orderbook("BTC", fast.append, fast=True)
        await asyncio.sleep(12)
        assert all(not {"spread", "fast"} & it["data"].keys() for it in plain)
        assert all("spread" in it["data"] for it in rounded)
        assert all(it["data"]["fast"] is True for it in fast)
        assert len(fast) > len(plain) >= 2
        assert rounded

    played(scenario)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": ""},
        {"type": "trades"},
        {"type": "trades", "coin": ""},
        {"type": "trades", "coin": "B T C"},
        {"type": "trades", "coin": 7},
        {"type": "candle", "coin": "BTC", "interval": "2m"},
        {"type": "userFills", "user": "0x12"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 9},
        {"type": "l2Book", "coin": "BTC", "mantissa": 5},
        {"type": "trades", "coin": "BTC", "coins": "ETH"},
        {"type": "trades", "coin": ["BTC"]},
    ],
)
def test_a_malformed_subscription_is_refused_before_anything_is_sent(body):
    async def scenario(client, venue):
        await client.connect()
        sent = venue.exchange.counters["received"]
        with pytest.raises(ConfigError):
            await client.subscribe(body)
        assert venue.exchange.counters["received"] == sent
        assert client.get_reconnection_stats()["subscriptions"]["wanted"] == 0

    played(scenario)


def test_a_handler_that_cannot_be_called_is_refused():
    async def scenario(client, venue):
        with pytest.raises(ConfigError, match="handler"):
            await client.subscribe_trades("BTC", "not a function")
        with pytest.raises(ConfigError, match="handler"):
            client.add_message_handler("trades", None)
        with pytest.raises(ConfigError, match="handler"):
            client.on("ready", 7)

    played(scenario)


def test_a_handle_is_true_and_says_what_it_is():
    async def scenario(client, venue):
        seen = []
        await client.connect()
        handle = await client.subscribe_candle("BTC", "1m", seen.append)
        assert handle
        assert str(handle) == "candle(coin=BTC, interval=1m)"
        assert str(handle.subscription) == str(handle)
        await until(lambda: seen)
        await asyncio.sleep(0)
        assert handle.last_message_age < 1
        assert handle.error is None
        assert "live" in repr(handle)
        await handle.unsubscribe()
        assert handle.state == "closed"
        assert handle

    played(scenario)


def test_a_subscription_names_every_parameter():
    async def scenario(client, venue):
        handle = await client.subscribe_orderbook("BTC", n_sig_figs=5, mantissa=2)
        assert str(handle) == "l2Book(coin=BTC, mantissa=2, nSigFigs=5)"
        assert str(await client.subscribe_all_mids()) == "allMids"

    played(scenario)


def test_every_verb_asks_for_what_it_says():
    async def scenario(client, venue):
        user = USERS[0]
        await client.connect()
        await client.subscribe_all_mids()
        await client.subscribe_all_mids(dex="xyz")
        await client.subscribe_trades("BTC")
        await client.subscribe_orderbook("BTC", n_sig_figs=4)
        await client.subscribe_bbo("BTC")
        await client.subscribe_candle("BTC", "15m")
        await client.subscribe_active_asset_ctx("BTC")
        await client.subscribe_user_fills(user, aggregate_by_time=True)
        await client.subscribe_order_updates(user)
        await client.subscribe_user_events(user)
        found = sorted(held(venue), key=json.dumps)
        assert found == sorted(
            [
                {"type": "allMids"},
                {"type": "allMids", "dex": "xyz"},
                {"type": "trades", "coin": "BTC"},
                {"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": None},
                {"type": "bbo", "coin": "BTC"},
                {"type": "candle", "interval": "15m", "coin": "BTC"},
                {"type": "activeAssetCtx", "coin": "BTC"},
                {"type": "userFills", "user": user, "aggregateByTime": True},
                {"type": "orderUpdates", "user": user},
                {"type": "userEvents", "user": user},
            ],
            key=json.dumps,
        )

    played(scenario, Settings(coins=("BTC", "xyz:NVDA")))


def test_an_unknown_type_is_passed_on_and_its_frames_are_delivered_by_channel():
    class Tomorrow:
        """A venue that knows one feed more."""

        async def connect(self, url, receiver):
            self.receiver = receiver
            return self

        def send(self, frame):
            message = json.loads(frame)
            if message["method"] == "ping":
                self.say({"channel": "pong"})
                return
            self.say({"channel": "subscriptionResponse", "data": message})
            self.say({"channel": "tomorrow", "data": {"x": 1}})

        def say(self, message):
            frame = json.dumps(message).encode()
            asyncio.get_running_loop().call_soon(self.receiver.frame, frame)

        def close(self):
            loop = asyncio.get_running_loop()
            loop.call_soon(self.receiver.lost, ConnectionLostError("closed"))

        abort = close

    async def main():
        client = HyperLiquidIntegration(config(), transport=Tomorrow())
        seen = []
        await client.connect()
        await client.subscribe({"type": "tomorrow", "depth": 3}, seen.append)
        await until(lambda: seen)
        assert seen == [{"channel": "tomorrow", "data": {"x": 1}}]
        await client.disconnect()

    run(main())
