"""What is asked for again after a loss, and what the venue may answer."""

import asyncio
import itertools
from random import Random

import pytest

from bistoury import SubscriptionLimitError, SubscriptionRefusedError
from bistoury.config import Limits
from bistoury.errors import ConnectionLostError
from bistoury.simulator.faults import (
    Cut,
    DropAcks,
    RateLimit,
    Refuse,
    RefuseSubscriptions,
    Rest,
    Silent,
)
from bistoury.simulator.plan import FaultPlan, Step
from bistoury.simulator.settings import Limits as VenueLimits
from bistoury.simulator.settings import Settings, many_coins
from bistoury.testing.local_info import OPENED
from bistoury.testing.pair import Pair

USERS = [f"0x{number:040x}" for number in range(1, 20)]
FIFTY = Settings(coins=many_coins(50), trade_rate=0.2)


async def fifty(scene):
    """Fifty subscriptions on a stable connection."""
    handles = [await scene.client.subscribe_trades(coin) for coin in many_coins(50)]
    assert await scene.client.connect()
    await asyncio.sleep(6)
    return handles


def test_f10_one_lost_acknowledgement_of_fifty_is_asked_for_again(stage):
    async def scenario(scene):
        await fifty(scene)
        scene.inject(DropAcks(every=50), 4)
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: scene.stats["state"] == "syncing")
        await asyncio.sleep(3)
        assert scene.stats["subscriptions"]["acknowledged"] == 49
        assert not scene.client.is_connected()
        assert len(scene.events("ready")) == 1
        sent = scene.exchange.counters["received"]
        await scene.live()
        assert scene.exchange.counters["received"] == sent + 1
        ready = scene.events("ready")[-1]
        assert ready.restored == 50
        assert ready.connection_id == 2
        assert len(scene.held()) == 50

    stage.play(scenario, FIFTY)


def test_f11_one_refusal_of_fifty_at_the_restore_leaves_the_others_live(stage):
    async def scenario(scene):
        handles = await fifty(scene)
        seen = []
        scene.client.add_message_handler("trades", seen.append)
        scene.inject(RefuseSubscriptions(coin="ETH"))
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: scene.losses)
        await scene.live()
        (bad,) = [it for it in handles if it.state == "refused"]
        assert str(bad) == "trades(coin=ETH)"
        assert bad.error.startswith("Invalid subscription")
        fine = {it.state for it in handles if it is not bad}
        assert fine <= {"live", "recovering"}  # a gap is open until a trade comes
        assert scene.stats["subscriptions"]["acknowledged"] == 49
        assert scene.stats["subscriptions"]["refused"] == 1
        assert "trades(coin=ETH) refused" in scene.events("degraded")[0].reasons[0]
        assert scene.events("ready")[-1].restored == 49
        health = await scene.client.get_connection_health()
        assert health["is_healthy"] is False
        await asyncio.sleep(30)
        coins = {row["coin"] for it in seen for row in it["data"]}
        assert len(coins) > 40

    stage.play(scenario, FIFTY)


def quiet_day(figures, *bodies):
    """Let a day pass in which what is asked for is silent, and another coin is not."""
    rates = {"BTC": 0.0, "ETH": 0.02}
    coins = tuple(rates)
    pair = Pair(1, settings=Settings(coins=coins, trade_rates=rates, user_rate=0.0))
    pair.subscribe(*bodies, {"type": "trades", "coin": "ETH"})
    pair.connect()
    pair.run(24 * 3600)
    came = pair.delivered["trades:ETH"]
    first, last = OPENED * 1000, (pair.now - 2) * 1000
    ledger = pair.exchange.ledger.stream("trades:ETH", int(first))
    lost = {key for time, key in ledger if time < last} - set(came)
    assert len(came) > 1000
    figures(
        notice="n/a: no fault",
        recover="n/a: no outage",
        lost=len(lost),
        repeated=len(came) - len(set(came)),
    )
    names = [type(notice).__name__ for _, notice in pair.notices]
    assert names.count("Connected") == 1
    assert names.count("Ready") == 1
    assert not {
        "Disconnected",
        "Degraded",
        "Down",
        "Stale",
        "NoMessages",
        "AskedAgain",
    } & set(names)


@pytest.mark.slow
def test_f12_a_coin_that_does_not_trade_for_a_day_is_no_fault(figures):
    quiet_day(figures, {"type": "trades", "coin": "BTC"})


@pytest.mark.slow
def test_f13_a_user_who_does_nothing_for_a_day_is_no_fault(figures):
    quiet_day(
        figures,
        {"type": "userFills", "user": USERS[0]},
        {"type": "orderUpdates", "user": USERS[0]},
        {"type": "userEvents", "user": USERS[0]},
    )


def test_f40_already_subscribed_is_as_good_as_a_yes(stage):
    async def scenario(scene):
        await scene.client.connect()
        scene.inject(DropAcks(), 4)
        handle = await scene.client.subscribe_all_mids()
        assert handle.state == "live"
        assert handle.error is None
        assert (await scene.client.get_connection_health())["is_healthy"] is True
        assert not scene.events("degraded")

    stage.play(scenario)


def test_f41_one_user_too_many_fails_alone_and_the_number_is_learned(stage):
    async def scenario(scene):
        await scene.client.connect()
        for user in USERS[:10]:
            await scene.client.subscribe_user_fills(user)
        with pytest.raises(SubscriptionRefusedError, match="Cannot track more than 10"):
            await scene.client.subscribe_user_fills(USERS[10])
        with pytest.raises(SubscriptionLimitError, match="at most 10 users"):
            await scene.client.subscribe_user_fills(USERS[11])
        received = scene.exchange.counters["received"]
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: scene.losses)
        await scene.live()
        await asyncio.sleep(5)
        # A ping and ten users: what was refused is not asked for again.
        assert scene.exchange.counters["received"] - received == 11
        assert scene.stats["subscriptions"]["wanted"] == 10

    stage.play(scenario, limits=Limits(users=15))


def test_f42_too_many_messages_a_minute_makes_the_pacer_wait(stage):
    async def scenario(scene):
        await scene.client.connect()
        scene.inject(RateLimit(how="error"), 5)
        tasks = [
            asyncio.create_task(scene.client.subscribe_trades(coin))
            for coin in many_coins(20)
        ]
        received = scene.exchange.counters["received"]
        await asyncio.sleep(55)
        # Only pings since: the window is considered used up.
        assert scene.exchange.counters["received"] - received <= 20 + 5
        assert scene.client.is_connected()
        handles = await asyncio.gather(*tasks)
        await scene.until(lambda: all(it.state == "live" for it in handles), within=120)
        assert len(scene.held()) == 20
        assert scene.losses == []

    stage.play(scenario, Settings(coins=many_coins(20)))


def test_f43_a_type_that_was_removed_fails_for_good_and_alone(stage):
    async def scenario(scene):
        good = await scene.client.subscribe_all_mids()
        bad = await scene.client.subscribe({"type": "webData2", "user": USERS[0]})
        assert await scene.client.connect() is True
        assert bad.state == "refused"
        assert "Error parsing JSON into valid websocket request" in bad.error
        assert good.state == "live"
        for _ in range(3):
            received = scene.exchange.counters["received"]
            scene.inject(Cut(how="rst"))
            await asyncio.sleep(5)
            # A ping and the good one.
            assert scene.exchange.counters["received"] - received == 2
        with pytest.raises(SubscriptionRefusedError):
            await scene.client.subscribe({"type": "webData2", "user": USERS[1]})

    stage.play(scenario)


@pytest.mark.parametrize("seed", range(300))
def test_f44_in_any_interleaving_with_the_latency_the_last_intent_counts(seed, figures):
    rng = Random(seed)
    pair = Pair(seed, settings=Settings(coins=("BTC",)), latency=0.05)
    if rng.random() < 0.3:
        pair.exchange.inject(DropAcks(every=rng.randint(1, 3)), pair.now, 8)
    pair.connect()
    pair.run(1)
    bodies = [
        {"type": "trades", "coin": "BTC"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 3},
        {"type": "allMids"},
    ]
    wanted = {}
    for _ in range(rng.randint(2, 12)):
        number = rng.randrange(len(bodies))
        if number in wanted:
            pair.unsubscribe(wanted.pop(number))
        else:
            (wanted[number],) = pair.subscribe(bodies[number])
        pair.run(rng.choice((0.0, 0.01, 0.05, 0.06, 0.11, 0.3)))
    meant = {bodies[number]["type"] for number in wanted}

    def held():
        return {text.split('"')[3] for text in pair.holdings()}

    said_at = agreed_at = pair.now
    while pair.now < said_at + 40:
        pair.run(0.05)
        if held() != meant:
            agreed_at = pair.now + 0.05
    figures(
        notice="n/a: no fault",
        recover=agreed_at - said_at,
        lost="n/a: wishes, no rows",
        repeated="n/a: wishes, no rows",
    )
    assert held() == meant
    assert pair.session.state == "live"
    assert {str(it.subscription) for it in pair.session.registry.routes.values()} == {
        str(it) for it in wanted.values()
    }


def test_f45_when_one_of_two_listeners_leaves_the_other_misses_nothing(stage):
    async def scenario(scene):
        stays, leaves = [], []
        await scene.client.connect()
        await scene.client.subscribe_trades("BTC", stays.append)
        other = await scene.client.subscribe_trades("BTC", leaves.append)
        await asyncio.sleep(10)
        received = scene.exchange.counters["received"]
        await other.unsubscribe()
        assert scene.exchange.counters["received"] == received
        count = len(leaves)
        since = int(scene.venue.now() * 1000)
        await asyncio.sleep(30)
        assert len(leaves) == count
        published = scene.exchange.ledger.stream("trades:BTC", since)
        rows = [row for it in stays for row in it["data"] if row["time"] >= since]
        assert len(rows) == len(published) > 10

    stage.play(scenario)


def test_f46_one_address_in_two_casings_is_one_subscription_and_coins_keep_theirs(
    stage,
):
    async def scenario(scene):
        seen = {}
        coins = ("kPEPE", "xyz:NVDA", "@107")
        await scene.client.connect()
        user = "0x" + "aB" * 20
        await scene.client.subscribe_user_fills(user)
        await scene.client.subscribe_user_fills(user.upper().replace("0X", "0x"))
        for coin in coins:
            await scene.client.subscribe_orderbook(
                coin, lambda it: seen.setdefault(it["data"]["coin"], it)
            )
        assert sum(it["type"] == "userFills" for it in scene.held()) == 1
        assert len(scene.held()) == 4
        assert seen.keys() == set(coins)
        with pytest.raises(SubscriptionRefusedError):
            await scene.client.subscribe_trades("KPEPE")

    stage.play(scenario, Settings(coins=("kPEPE", "xyz:NVDA", "@107")))


@pytest.mark.parametrize("feed", ["userEvents", "orderUpdates", "notification"])
def test_f47_frames_without_a_user_are_never_delivered_to_another(stage, feed, figures):
    async def scenario(scene):
        heard = {user: [] for user in USERS[:2]}
        handles = {}
        await scene.client.connect()
        for user, seen in heard.items():
            body = {"type": feed, "user": user}
            handles[user] = await scene.client.subscribe(body, seen.append)
        await scene.until(lambda: len(scene.held()) == 2, within=30)

        def act(user):
            scene.exchange.act(user, "cross", "BTC", scene.venue.now())
            scene.venue.turn()

        lost = mixed_up = 0
        for user in USERS[:2]:
            count = {it: len(seen) for it, seen in heard.items()}
            act(user)
            await asyncio.sleep(1)
            fresh = {it: len(seen) - count[it] for it, seen in heard.items()}
            lost += not fresh.pop(user)
            mixed_up += sum(fresh.values())
        figures(recover="n/a: no outage", lost=lost, repeated=mixed_up)
        assert (lost, mixed_up) == (0, 0)
        # They came over connections of their own.
        groups = [held for held in scene.exchange.subscriptions().values() if held]
        assert sorted(map(len, groups)) == [1, 1]
        # A quick change of hands mixes nothing up either.
        await handles[USERS[0]].unsubscribe()
        handles[USERS[2]] = await scene.client.subscribe(
            {"type": feed, "user": USERS[2]}, heard.setdefault(USERS[2], []).append
        )
        act(USERS[0])
        await asyncio.sleep(1)
        assert heard[USERS[2]] == []

    stage.play(scenario, Settings(coins=("BTC",), user_rate=0.0))


def test_f47_without_room_for_another_connection_the_second_user_is_refused(
    stage, figures
):
    async def scenario(scene):
        await scene.client.connect()
        await scene.client.subscribe_user_events(USERS[0])
        asked_at = scene.now
        with pytest.raises(SubscriptionLimitError, match="could not be told"):
            await scene.client.subscribe_user_events(USERS[1])
        figures(notice=scene.now - asked_at)

    stage.play(scenario, limits=Limits(connections=1))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_f51_however_many_things_end_a_connection_one_new_one_is_opened(stage, order):
    async def scenario(scene):
        await scene.client.subscribe_all_mids()
        await scene.client.connect()
        await asyncio.sleep(6)
        supervisor = scene.client._supervisor
        number = scene.client._session.connection_id
        ends = (
            lambda: scene.inject(Cut(how="close", code=1001)),
            lambda: supervisor.lost(number, ConnectionLostError("error")),
            lambda: asyncio.ensure_future(scene.client.reconnect()),
            lambda: supervisor.lost(number, ConnectionLostError("eof")),
        )
        for index in order:
            ends[index]()
        await scene.until(lambda: len(scene.events("ready")) == 2)
        await asyncio.sleep(10)
        assert scene.exchange.counters["connected"] == 2
        assert len(scene.losses) == 1
        assert len(scene.exchange.subscriptions()) == 1

    stage.play(scenario)


class Tapped:
    """A transport that keeps the receivers of old connections."""

    def __init__(self, venue):
        self.venue = venue
        self.receivers = []

    async def connect(self, url, receiver):
        self.receivers.append(receiver)
        return await self.venue.connect(url, receiver)


def test_f52_what_an_old_connection_still_says_is_ignored(stage):
    async def scenario(scene):
        seen = []
        tap = scene.client._supervisor._transport = Tapped(scene.venue)
        await scene.client.connect()
        await scene.client.subscribe_trades("BTC", seen.append)
        await scene.client.reconnect()
        await scene.live()
        seen.clear()
        old = tap.receivers[0]
        old.frame(
            b'{"channel":"trades","data":[{"coin":"BTC","side":"B","px":"1","sz":"1",'
            b'"time":1,"hash":"0x0","tid":424242,"users":["0x1","0x2"]}]}'
        )
        old.frame(
            b'{"channel":"subscriptionResponse","data":{"method":"unsubscribe",'
            b'"subscription":{"type":"trades","coin":"BTC"}}}'
        )
        old.frame(
            b'{"channel":"error","data":"Invalid subscription {\\"type\\":\\"trades\\",\\"coin\\":\\"BTC\\"}"}'
        )
        old.lost(ConnectionLostError("late"))
        assert scene.client.is_connected()
        await asyncio.sleep(20)
        tids = {row["tid"] for it in seen for row in it["data"]}
        assert 424242 not in tids
        assert seen
        assert scene.exchange.counters["connected"] == 2
        assert scene.stats["subscriptions"]["acknowledged"] == 1

    stage.play(scenario)


@pytest.mark.slow
def test_f56_a_thousand_subscriptions_are_restored_within_the_message_window(stage):
    class Counting:
        """Remembers when each message left."""

        def __init__(self, venue):
            self.venue = venue
            self.sent = []

        async def connect(self, url, receiver):
            connection = await self.venue.connect(url, receiver)
            send = connection.send

            def counted(frame):
                self.sent.append((asyncio.get_running_loop().time(), frame))
                send(frame)

            connection.send = counted
            return connection

    async def scenario(scene):
        counting = scene.client._supervisor._transport = Counting(scene.venue)
        for coin in many_coins(990):
            await scene.client.subscribe_bbo(coin)
        for user in USERS[:10]:
            await scene.client.subscribe_order_updates(user) if user == USERS[
                0
            ] else None
            await scene.client.subscribe_user_fills(user)
        wanted = scene.stats["subscriptions"]["wanted"]
        await scene.client.connect()
        await scene.live()
        await asyncio.sleep(70)
        counting.sent.clear()
        began = scene.now
        scene.inject(Cut(how="rst"))
        await scene.until(lambda: scene.losses)
        await asyncio.sleep(60)
        assert not scene.client.is_connected()
        assert len(scene.events("ready")) == 1
        await scene.live()
        assert len(scene.held()) == wanted
        assert scene.events("ready")[-1].restored == wanted
        times = [at for at, _ in counting.sent]
        busiest = max(sum(start <= at < start + 60 for at in times) for start in times)
        assert busiest <= 300
        # At 270 a minute it cannot take less, and need not take much more.
        assert 3 * 60 <= scene.now - began <= 4 * 60 + 10
        subscribes = [frame for _, frame in counting.sent if b'"subscribe"' in frame]
        assert all(b'"user"' in frame for frame in subscribes[:11])
        # The venue never had to complain.
        assert scene.client._monitor.complaints == {}
        assert scene.losses == ["network"]

    window = 300
    stage.play(
        scenario,
        Settings(
            coins=many_coins(990),
            trade_rate=0.01,
            limits=VenueLimits(messages_per_minute=window, subscriptions=2000),
        ),
        limits=Limits(messages_per_minute=window, subscriptions=2000),
    )


def test_f65_without_the_metadata_endpoint_streaming_starts_anyway(stage):
    async def scenario(scene):
        seen = []
        scene.inject(Rest(status=500, body="<html>down</html>"))
        await scene.client.subscribe_trades("BTC", seen.append)
        await scene.client.subscribe_all_mids()
        assert await scene.client.connect() is True
        assert await scene.client.wait_ready(timeout=10) is True
        await scene.until(lambda: seen, within=30)

    stage.play(scenario)


def test_a_loss_in_the_middle_of_a_restore_starts_it_over(stage):
    async def scenario(scene):
        await fifty(scene)
        scene.inject(Silent(direction="out", what=("ack", "error")))
        for lost in range(1, 4):
            scene.inject(Cut(how="rst"))
            await scene.until(lambda lost=lost: len(scene.losses) == lost)
            await scene.until(lambda: scene.stats["state"] == "syncing")
            await asyncio.sleep(0.5)
        scene.heal()
        await scene.live()
        await asyncio.sleep(10)
        assert len(scene.held()) == 50
        assert scene.stats["subscriptions"]["live"] == 50

    stage.play(scenario, FIFTY)


def test_a_plan_in_a_timeline_drives_the_same_faults(stage):
    plan = FaultPlan(
        (
            Step(at=10, fault=Cut(how="eof")),
            Step(at=20, fault=Refuse(), lasts=10),
            Step(at=20, fault=Cut(how="rst")),
        )
    )

    async def scenario(scene):
        await scene.client.connect()
        await asyncio.sleep(60)
        assert scene.losses == ["network", "network"]
        assert scene.client.is_connected()

    stage.play(scenario, plan=plan)


def test_f44_a_loss_between_leaving_and_returning_is_survived():
    pair = Pair(1, settings=Settings(coins=("BTC",), trade_rate=0.0), latency=0.05)
    body = {"type": "trades", "coin": "BTC"}
    (wanted,) = pair.subscribe(body)
    pair.connect()
    pair.run(10)
    pair.unsubscribe(wanted)
    pair.subscribe(body)
    pair.run(0.12)  # the goodbye was acknowledged, the new request was not
    pair.exchange.inject(Cut(how="rst"), pair.now)
    pair.run(10)
    assert pair.session.state == "live"
    assert len(pair.holdings()) == 1
