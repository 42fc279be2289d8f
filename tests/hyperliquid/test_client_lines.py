"""What several lines say of one feed reaches its reader once, and newest; virtual."""

import asyncio
import json
from collections import Counter
from itertools import pairwise

import msgspec
import pytest

from bistoury.hyperliquid.messages.fast import inflate_fast_contexts
from bistoury.simulator.faults import Cut, Garble, Silent, Stuck
from bistoury.simulator.settings import Limits, Settings

from .playing import config, inject, now, played

USER = "0x" + "7" * 40
BUSY = Settings(
    coins=("BTC", "ETH"), trade_rate=2.0, user_rate=1.0, limits=Limits.none()
)


def connections(venue):
    return sorted(venue.exchange.subscriptions())


@pytest.mark.parametrize("which", [0, 1])
def test_a_line_that_stands_still_does_not_hold_the_other_one_back(which):
    async def scenario(client, venue):
        seen = []
        await client.connect()
        await client.subscribe_active_asset_ctx(
            "BTC", lambda message: seen.append(now())
        )
        await asyncio.sleep(10)
        inject(venue, Stuck(connection=connections(venue)[which]))
        since = now()
        await asyncio.sleep(300)
        after = [at for at in seen if at > since]
        waits = [b - a for a, b in pairwise([since, *after, now()])]
        assert max(waits) < 6

    played(scenario, settings=BUSY, redundancy=2)


@pytest.mark.parametrize("which", [0, 1])
def test_what_happens_while_a_line_is_half_open_is_known_all_the_same(which):
    wanted = {"type": "openOrders", "user": USER}

    async def scenario(client, venue):
        shown, truths = {}, []
        await client.connect()
        await client.subscribe(wanted, lambda message: shown.update(message["data"]))
        for _ in range(12):
            await asyncio.sleep(60)
            before = dict(shown)
            while shown == before:
                await asyncio.sleep(0.05)
            silent = Silent(connection=connections(venue)[which])
            inject(venue, silent, 15)
            for tick in range(150):
                await asyncio.sleep(0.1)
                _, orders = venue.exchange.info(wanted, venue.now())
                truths = [*truths[-50:], {order["oid"] for order in orders}]
                if tick > 50:
                    assert {order["oid"] for order in shown["orders"]} in truths

    seldom = msgspec.structs.replace(BUSY, user_rate=0.2)
    played(scenario, settings=seldom, redundancy=2)


@pytest.mark.parametrize("lines", [{"redundancy": 2}, {"rotate_after": 60.0}])
def test_frames_without_keys_come_once(lines):
    async def scenario(client, venue):
        seen = {"notification": Counter(), "userEvents": Counter()}

        def count(message):
            kind = "userEvents" if message["channel"] == "user" else message["channel"]
            data = message["data"]
            if not {"fills", "funding", "twapSliceFills"} & set(data):
                seen[kind][json.dumps(data, sort_keys=True)] += 1

        await client.connect()
        for kind in seen:
            await client.subscribe({"type": kind, "user": USER}, count)
        await asyncio.sleep(300)
        for kind, times in seen.items():
            assert len(times) > 3, kind
            assert set(times.values()) == {1}, kind

    played(scenario, settings=BUSY, **lines)


@pytest.mark.parametrize(
    "lines", [{}, {"redundancy": 2}, {"rotate_after": 60.0}], ids=["one", "two", "new"]
)
def test_changes_add_up_to_the_same_although_some_are_lost(lines):
    wanted = {"type": "fastAssetCtxs"}

    def merging(merged):
        def merge(message):
            for coin, change in inflate_fast_contexts(message["data"]).items():
                fields = msgspec.structs.asdict(change).items()
                known = merged.setdefault(coin, {})
                known.update({k: v for k, v in fields if v is not msgspec.UNSET})

        return merge

    async def scenario(client, venue):
        merged, truth = {}, {}
        await client.connect()
        await client.subscribe(wanted, merging(merged))
        mine = connections(venue)
        other = venue.client(config())
        await other.connect()
        await other.subscribe(wanted, merging(truth))
        await asyncio.sleep(30)
        assert merged == truth
        garble = Garble(connection=mine[0], probability=1.0, how=("truncated",))
        inject(venue, garble, 12.0)
        await asyncio.sleep(20)
        assert merged == truth
        inject(venue, Cut(how="rst", connection=max(connections(venue))))
        await asyncio.sleep(200)
        assert merged == truth
        await other.disconnect()

    coins = tuple(f"C{number}" for number in range(20))
    slow = msgspec.structs.replace(BUSY, coins=coins, trade_rate=0.01)
    played(scenario, settings=slow, **lines)
