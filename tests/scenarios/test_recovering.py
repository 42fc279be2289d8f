"""What was missed: how it comes back, and what is said where it cannot."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from bistoury.simulator.faults import Cut, Refuse, Rest
from bistoury.simulator.ledger import bar_key, fill_key
from bistoury.simulator.settings import Settings

USER = "0x" + "ab" * 20
FILLS = f"userFills:{USER}"
BUSY = Settings(coins=("BTC", "ETH"), trade_rate=1.0, user_rate=2.0, fills_snapshot=2)


class Heard:
    """The fills of a user, in the order in which they came."""

    def __init__(self):
        self.messages = []

    def __call__(self, message):
        self.messages.append(message)

    @property
    def keys(self):
        return [fill_key(row) for it in self.messages for row in it["data"]["fills"]]

    @property
    def recovered(self):
        return [it for it in self.messages if it.get("recovered")]


async def following(scene):
    heard = Heard()
    await scene.client.subscribe_all_mids()
    await scene.client.subscribe_user_fills(USER, heard)
    assert await scene.client.connect()
    await scene.client.wait_ready()
    await asyncio.sleep(10)
    return heard


async def away(scene, seconds):
    """Lose the connection and find nobody for a while; come back."""
    scene.inject(Refuse(status=503), seconds)
    scene.inject(Cut(how="rst"))
    await scene.until(lambda: scene.losses)
    await asyncio.sleep(seconds)
    await scene.live()


def settled(scene):
    return scene.stats["gaps"]["open"] == 0


def test_f35_fills_of_an_outage_come_from_history_once_and_in_order(stage):
    async def scenario(scene):
        heard = await following(scene)
        left = int(scene.venue.now() * 1000)
        await away(scene, 20)
        await scene.until(lambda: settled(scene), within=60)
        await asyncio.sleep(5)
        until = int(scene.venue.now() * 1000) - 1000
        published = scene.exchange.ledger.stream(FILLS, left)
        missed = [key for time, key in published if time < until]
        assert len(missed) > 20
        assert [key for key in heard.keys if key in set(missed)] == missed
        assert len(heard.recovered) > 0
        gap = [it for it in scene.events("gap") if it.subscription.feed == "userFills"]
        assert [it.status for it in gap] == ["open", "recovered"]
        assert gap[1].recovered_count > 5

    stage.play(scenario, BUSY)


def test_f36_a_fill_in_the_snapshot_in_history_and_live_is_delivered_once(stage):
    async def scenario(scene):
        heard = await following(scene)
        for _ in range(3):
            await away(scene, 3)
            await scene.until(lambda: settled(scene), within=60)
            scene.story.clear()
        await asyncio.sleep(5)
        assert max(Counter(heard.keys).values()) == 1
        (entry,) = [
            it
            for it in scene.client._session.registry.entries.values()
            if it.subscription.feed == "userFills"
        ]
        # Snapshots of everything, and two reads of history after each loss.
        assert entry.continuity.duplicates > 100

    whole = Settings(coins=("BTC",), user_rate=2.0, fills_snapshot=2000)
    stage.play(scenario, whole)


@pytest.mark.parametrize("status", [429, 500, 502])
def test_f37_history_that_cannot_be_read_is_unreconciled_and_holds_up_nothing(
    stage, status
):
    async def scenario(scene):
        heard = await following(scene)
        scene.inject(Rest(status=status), 60)
        await away(scene, 5)
        before = len(heard.messages)
        await asyncio.sleep(20)
        # Live fills go on, and it is said what is not known.
        assert len(heard.messages) > before + 3
        health = await scene.client.get_connection_health()
        assert health["is_healthy"] is False
        assert any("could not be read yet" in it for it in health["reasons"])
        assert not settled(scene)
        await scene.until(lambda: settled(scene), within=200)
        gaps = [it for it in scene.events("gap") if it.subscription.feed == "userFills"]
        assert gaps[-1].status == "recovered"
        assert max(Counter(heard.keys).values()) == 1

    stage.play(scenario, BUSY)


def test_f38_bars_that_closed_during_an_outage_are_the_venues_own(stage):
    async def scenario(scene):
        seen = {}
        await scene.client.subscribe_candle(
            "BTC", "1m", lambda it: seen.__setitem__(it["data"]["t"], it["data"])
        )
        assert await scene.client.connect()
        await scene.client.wait_ready()
        await asyncio.sleep(70)
        for _ in range(3):
            await away(scene, 150)
            await scene.until(lambda: settled(scene), within=60)
            scene.story.clear()
        await asyncio.sleep(130)
        now = int(scene.venue.now() * 1000)
        closed = [t for t in sorted(seen) if t + 60_000 <= now]
        final = dict(scene.exchange.ledger.stream("candle:BTC,1m", closed[0]))
        bars = [bar_key(seen[t]) for t in closed]
        assert len(closed) >= 9
        assert all(b - a == 60_000 for a, b in pairwise(closed))
        assert bars == [final[t] for t in closed]
        stage.note(lost=sum(t not in seen for t in final if t <= closed[-1]))

    stage.play(scenario, Settings(coins=("BTC",), trade_rate=2.0))


def test_f39_trades_that_no_source_has_are_a_gap_with_its_bounds(stage):
    async def scenario(scene):
        got = set()
        await scene.client.subscribe_all_mids()
        await scene.client.subscribe_trades(
            "BTC", lambda it: got.update(row["tid"] for row in it["data"])
        )
        assert await scene.client.connect()
        await scene.client.wait_ready()
        await asyncio.sleep(10)
        left = int(scene.venue.now() * 1000)
        await away(scene, 60)
        await scene.until(lambda: settled(scene), within=60)
        await asyncio.sleep(10)
        gap = [it for it in scene.events("gap") if it.subscription.feed == "trades"][-1]
        assert gap.status == "unrecoverable"
        until = int(scene.venue.now() * 1000) - 1000
        missing = [
            time
            for time, key in scene.exchange.ledger.stream("trades:BTC", left)
            if time < until and int(key.rpartition(":")[2]) not in got
        ]
        # Far more than the venue's thirty latest, and none outside of what is said.
        assert len(missing) > 100
        assert gap.since <= missing[0] <= missing[-1] <= gap.until

    stage.play(scenario, Settings(coins=("BTC",), trade_rate=5.0))


def test_f53_a_slow_reader_hears_of_the_gap_before_what_followed_it(stage):
    async def scenario(scene):
        await scene.client.subscribe_all_mids()
        stream = scene.client.stream({"type": "userFills", "user": USER})
        story = []

        async def read():
            async for message in stream:
                await asyncio.sleep(0.6)  # slower than the fills come
                story.append(message)

        assert await scene.client.connect()
        reading = asyncio.create_task(read())
        await asyncio.sleep(10)
        left = int(scene.venue.now() * 1000)
        await away(scene, 10)
        await scene.until(lambda: settled(scene), within=60)
        await asyncio.sleep(60)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stream.aclose()
        first = [it["channel"] for it in story].index("gap")
        sides = story[:first], story[first + 1 :]
        times = [
            [
                row["time"]
                for it in side
                if "fills" in it["data"]
                for row in it["data"]["fills"]
            ]
            for side in sides
        ]
        assert max(times[0]) <= left < min(times[1])
        assert len(times[1]) > 10

    stage.play(scenario, BUSY)
