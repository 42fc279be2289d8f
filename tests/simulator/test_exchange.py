from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistoury.simulator import (
    Close,
    Exchange,
    Limits,
    Refusal,
    Send,
    Settings,
    keys_in,
    many_coins,
)

START = 1_760_000_000.0

EVERY_TYPE = [
    {"type": "allMids"},
    {"type": "allMids", "dex": "xyz"},
    {"type": "l2Book", "coin": "BTC"},
    {"type": "l2Book", "coin": "BTC", "fast": True},
    {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 2},
    {"type": "trades", "coin": "BTC"},
    {"type": "bbo", "coin": "ETH"},
    {"type": "candle", "coin": "BTC", "interval": "1m"},
    {"type": "activeAssetCtx", "coin": "BTC"},
    {"type": "activeAssetCtx", "coin": "@107"},
    {"type": "assetCtxs"},
    {"type": "spotAssetCtxs"},
    {"type": "allDexsAssetCtxs"},
    {"type": "fastAssetCtxs"},
    {"type": "outcomeMetaUpdates"},
]
USER_TYPES = [
    "notification",
    "webData3",
    "twapStates",
    "clearinghouseState",
    "openOrders",
    "orderUpdates",
    "userEvents",
    "userFills",
    "userFundings",
    "userNonFundingLedgerUpdates",
    "userTwapSliceFills",
    "userTwapHistory",
    "userHistoricalOrders",
    "spotState",
    "allDexsClearinghouseState",
]


def subscribe_all(wire, number, user):
    bodies = [*EVERY_TYPE, *({"type": kind, "user": user} for kind in USER_TYPES)]
    for body in bodies:
        wire.send(number, {"method": "subscribe", "subscription": body})


def test_every_type_is_accepted_and_speaks(open_wire, user):
    wire = open_wire(user_rate=0.5)
    number = wire.connect()
    subscribe_all(wire, number, user)

    first = wire.read()
    seen = {m["channel"] for m in first} | {m["channel"] for m in wire.run(3700.0)}

    acks = [m for m in first if m["channel"] == "subscriptionResponse"]
    assert len(acks) == len(EVERY_TYPE) + len(USER_TYPES)
    assert not [m for m in first if m["channel"] == "error"]
    expected = {b["type"] for b in EVERY_TYPE} | set(USER_TYPES)
    expected -= {"userEvents", "outcomeMetaUpdates"}
    expected |= {"user", "activeSpotAssetCtx", "subscriptionResponse"}
    assert seen == expected


@pytest.mark.parametrize("chunk", [0.05, 0.7, 13.0])
def test_the_same_seed_gives_the_same_frames_however_time_is_cut(
    open_wire, user, chunk
):
    def play(step):
        wire = open_wire(user_rate=2.0)
        number = wire.connect()
        subscribe_all(wire, number, user)
        frames = [o.frame for o in wire.take()]
        for index in range(1, round(91 / step) + 1):
            wire.exchange.advance(START + index * step)
            frames += [o.frame for o in wire.take()]
        wire.exchange.advance(START + 91)
        return frames + [o.frame for o in wire.take()], wire.exchange.ledger.counts()

    assert play(chunk) == play(91.0)


def test_another_seed_gives_another_market(open_wire):
    one, other = open_wire(seed=1), open_wire(seed=2)
    one.run(30.0)
    other.run(30.0)

    ledgers = [w.exchange.ledger.stream("trades:BTC") for w in (one, other)]

    assert ledgers[0]
    assert ledgers[0] != ledgers[1]


def test_without_faults_every_published_event_is_delivered_once(open_wire, user):
    wire = open_wire(user_rate=0.5)
    number = wire.connect()
    subscribe_all(wire, number, user)
    wire.subscribe(number, "trades", coin="ETH")
    before = wire.exchange.ledger.counts()
    got: dict[str, Counter] = {}

    for output in drain(wire, 3700.0):
        for stream, _, key in keys_in(output.frame, user):
            got.setdefault(stream, Counter())[key] += 1

    for stream in (
        "trades:BTC",
        "trades:ETH",
        *(
            f"{k}:{user}"
            for k in (
                "userFills",
                "userFundings",
                "userNonFundingLedgerUpdates",
                "userTwapSliceFills",
                "orderUpdates",
            )
        ),
    ):
        rows = wire.exchange.ledger.stream(stream)[before.get(stream, 0) :]
        assert rows, stream
        assert got[stream] == Counter(key for _, key in rows), stream
    final = {key for _, key in wire.exchange.ledger.stream("candle:BTC,1m")}
    assert len(final) == 62
    assert final <= set(got["candle:BTC,1m"])


def drain(wire, seconds):
    end = wire.now + seconds
    while (at := wire.exchange.next_at) <= end:
        wire.now = at
        wire.exchange.advance(at)
        yield from wire.take()
    wire.now = end


def test_an_idle_connection_is_closed_inactive_after_a_minute(wire):
    number = wire.connect()

    early, late = wire.run(59.9), wire.run(0.2)

    assert early == []
    assert late == [Close(number, 1000, "Inactive")]
    assert wire.exchange.subscriptions() == {}


def test_a_ping_keeps_an_idle_connection_open(wire):
    number = wire.connect()
    for _ in range(4):
        wire.run(50.0)
        wire.send(number, {"method": "ping"})

    assert wire.read() == [{"channel": "pong"}]
    assert number in wire.exchange.subscriptions()


def test_replies_can_be_made_not_to_count_against_idleness(open_wire):
    wire = open_wire(replies_reset_idle=False)
    number = wire.connect()
    wire.run(30.0)
    wire.subscribe(number, "outcomeMetaUpdates")

    assert wire.run(31.0) == [Close(number, 1000, "Inactive")]


def test_an_old_connection_expires(open_wire):
    wire = open_wire(max_life=100.0)
    number = wire.connect()
    wire.subscribe(number, "allMids")

    seen = wire.run(101.0)

    assert seen[-1] == Close(number, 1000, "Expired")


def test_too_many_connections_are_refused(open_wire):
    wire = open_wire(limits=Limits(connections=1))
    first = wire.connect()

    refused = wire.exchange.connect(wire.now)
    wire.exchange.disconnect(first, wire.now)
    admitted = wire.exchange.connect(wire.now)

    assert refused == Refusal(429)
    assert isinstance(admitted, int)


def test_too_many_connections_a_minute_are_refused(open_wire):
    wire = open_wire(limits=Limits(connections_per_minute=2))
    for _ in range(2):
        wire.exchange.disconnect(wire.connect(), wire.now)

    refused = wire.exchange.connect(wire.now)
    wire.run(60.0)

    assert refused == Refusal(429)
    assert isinstance(wire.exchange.connect(wire.now), int)


def test_the_greeting_is_text_and_off_by_default(open_wire, wire):
    polite = open_wire(greeting=True)
    polite.connect()
    wire.connect()

    assert polite.take() == [Send(1, b"Websocket connection established.")]
    assert wire.take() == []


def test_trades_begin_with_a_replay_newest_first(wire):
    wire.run(120.0)
    number = wire.connect()

    _, replay = wire.subscribe(number, "trades", coin="BTC")

    published = wire.exchange.ledger.stream("trades:BTC")[-30:]
    assert [key for _, _, key in keys_in(json.dumps(replay).encode())] == [
        key for _, key in reversed(published)
    ]


def test_later_trades_come_oldest_first_and_one_coin_a_frame(wire):
    number = wire.connect()
    wire.subscribe(number, "trades", coin="BTC")

    frames = [m["data"] for m in wire.run(60.0)]
    times = [row["time"] for frame in frames for row in frame]

    assert times == sorted(times)
    assert all(len({row["time"] for row in frame}) == 1 for frame in frames)


def test_user_snapshots_say_so_and_come_oldest_first(wire, user):
    number = wire.connect()

    _, snapshot = wire.subscribe(number, "userFills", user=user)

    data = snapshot["data"]
    times = [row["time"] for row in data["fills"]]
    assert data["isSnapshot"] is True
    assert len(times) > 3
    assert times == sorted(times)


def test_later_user_frames_do_not_mention_the_snapshot(open_wire, user):
    wire = open_wire(user_rate=5.0)
    number = wire.connect()
    wire.subscribe(number, "userFills", user=user)

    frames = [m["data"] for m in wire.run(30.0)]

    assert frames
    assert all(list(frame) == ["user", "fills"] for frame in frames)


def test_an_order_that_crosses_is_open_then_filled_in_one_frame(wire, user):
    number = wire.connect()
    wire.subscribe(number, "orderUpdates", user=user)

    wire.exchange.act(user, "cross", "BTC", wire.now)
    [frame] = [m["data"] for m in wire.read()]

    assert [row["status"] for row in frame] == ["open", "filled"]
    assert frame[0]["order"]["oid"] == frame[1]["order"]["oid"]
    assert frame[1]["order"]["sz"] == "0.0"


def test_l2_books_keep_their_cadence_and_their_times_rise(wire):
    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC")
    wire.subscribe(number, "l2Book", coin="ETH", fast=True)

    frames = [m["data"] for m in wire.run(30.0)]
    slow = [f for f in frames if f["coin"] == "BTC"]
    fast = [f for f in frames if f["coin"] == "ETH"]

    assert (len(slow), len(fast)) == (6, 60)
    assert all(a["time"] < b["time"] for a, b in pairwise(fast))
    assert len(slow[0]["levels"][0]) == 20
    assert len(fast[0]["levels"][0]) == 5
    assert "fast" not in slow[0]
    assert fast[0]["fast"] is True


def test_bbo_comes_only_when_it_changed(wire):
    number = wire.connect()
    wire.subscribe(number, "bbo", coin="BTC")

    frames = [m["data"]["bbo"] for m in wire.run(60.0)]

    assert len(frames) > 10
    assert all(a != b for a, b in pairwise(frames))


def test_fast_contexts_merge_to_the_truth(wire):
    number = wire.connect()
    other = wire.connect()
    merged: dict[str, dict[str, object]] = {}

    def merge(messages):
        for m in messages:
            if m["channel"] == "fastAssetCtxs":
                text = zlib.decompress(base64.b64decode(m["data"]), -15)
                for coin, change in json.loads(text).items():
                    merged.setdefault(coin, {}).update(change)

    wire.subscribe(other, "fastAssetCtxs")
    wire.run(7.0)
    merge(wire.subscribe(number, "fastAssetCtxs"))
    wire.exchange.disconnect(other, wire.now)
    merge(wire.run(60.0 - 7.0))

    assert {c: v["midPx"] for c, v in merged.items()} == {
        coin: market.mid for coin, market in wire.exchange.market.coins.items()
    }


def test_a_thousand_subscriptions_are_held_and_served():
    exchange = Exchange(Settings(coins=many_coins(200), limits=Limits()), 1)
    number = exchange.connect(START)
    for coin in exchange.market.coins:
        for body in (
            {"type": "trades", "coin": coin},
            {"type": "bbo", "coin": coin},
            {"type": "l2Book", "coin": coin},
            {"type": "candle", "coin": coin, "interval": "1m"},
            {"type": "activeAssetCtx", "coin": coin},
        ):
            frame = json.dumps({"method": "subscribe", "subscription": body}).encode()
            exchange.receive(number, frame, START)
    exchange.advance(START + 10)

    channels = Counter(json.loads(o.frame)["channel"] for o in exchange.take_output())

    assert channels["subscriptionResponse"] == 1000
    assert channels["error"] == 0
    assert channels["l2Book"] == 200 * 3
    assert len(exchange.subscriptions()[number]) == 1000


def test_nothing_is_sent_to_who_has_gone(wire):
    number = wire.connect()
    wire.subscribe(number, "allMids")
    wire.exchange.disconnect(number, wire.now)

    assert wire.run(10.0) == []
    wire.send(number, {"method": "ping"})
    assert wire.read() == []


requests = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(
        ["subscribe", "unsubscribe", "post", "ping", "trades", "l2Book", "BTC", "info"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "method",
                    "subscription",
                    "type",
                    "coin",
                    "user",
                    "id",
                    "request",
                    "payload",
                    "interval",
                    "nSigFigs",
                    "req",
                    "startTime",
                    "oid",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
quiet = Settings(coins=("BTC",), trade_rate=0.0, limits=Limits.none())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | requests.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_of_a_client_raise(data):
    exchange = Exchange(quiet, 1)
    number = exchange.connect(START)
    exchange.receive(number, data, START)
    exchange.advance(START + 1)

    assert number in exchange.subscriptions()


@settings(max_examples=200, deadline=None)
@given(requests)
def test_no_request_to_info_raises(body):
    status, _ = Exchange(quiet, 1).info(body, START)

    assert status in {200, 422}


KINDS = [
    "userFills",
    "candleSnapshot",
    "orderStatus",
    "l2Book",
    "userFunding",
    "fundingHistory",
    "meta",
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from(
            [
                "coin",
                "user",
                "req",
                "startTime",
                "endTime",
                "oid",
                "dex",
                "nSigFigs",
                "reversed",
                "aggregateByTime",
            ]
        ),
        st.sampled_from(
            [
                "BTC",
                "0x" + "ab" * 20,
                5,
                -1,
                None,
                True,
                [],
                {},
                {"coin": "BTC", "interval": "1m", "startTime": 0},
                2**70,
            ]
        ),
        max_size=5,
    ),
)
def test_no_fields_of_an_info_request_raise(kind, fields):
    status, _ = Exchange(quiet, 1).info({"type": kind, **fields}, START)

    assert status in {200, 422}
