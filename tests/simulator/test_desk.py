from __future__ import annotations

import json

import pytest

from bistoury.simulator import Limits

MIXED = "0x" + "Ab" * 20


def errors(messages):
    return [m["data"] for m in messages if m["channel"] == "error"]


@pytest.mark.parametrize(
    ("asked", "acknowledged"),
    [
        (
            {"type": "candle", "coin": "BTC", "interval": "1m"},
            '{"type":"candle","interval":"1m","coin":"BTC"}',
        ),
        (
            {"type": "l2Book", "coin": "BTC", "unknown": 1},
            '{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}',
        ),
        (
            {"type": "l2Book", "fast": True, "coin": "BTC"},
            '{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null,"fast":true}',
        ),
        (
            {"type": "userFills", "user": MIXED},
            '{"type":"userFills","user":"'
            + MIXED.lower()
            + '","aggregateByTime":false}',
        ),
        ({"type": "allMids"}, '{"type":"allMids"}'),
        ({"type": "allMids", "dex": "xyz"}, '{"type":"allMids","dex":"xyz"}'),
    ],
)
def test_an_acknowledgement_is_canonical(wire, asked, acknowledged):
    number = wire.connect()

    wire.send(number, {"method": "subscribe", "subscription": asked})
    raw = wire.take()[0].frame

    assert raw.decode() == (
        '{"channel":"subscriptionResponse","data":{"method":"subscribe",'
        f'"subscription":{acknowledged}}}}}'
    )


def test_the_acknowledgement_comes_before_the_first_frame(wire):
    number = wire.connect()

    channels = [m["channel"] for m in wire.subscribe(number, "l2Book", coin="BTC")]

    assert channels == ["subscriptionResponse", "l2Book"]


def test_a_second_subscribe_is_refused_without_a_new_snapshot(wire):
    number = wire.connect()
    wire.subscribe(number, "candle", coin="BTC", interval="30m")

    again = wire.subscribe(number, "candle", interval="30m", coin="BTC")

    assert again == [
        {
            "channel": "error",
            "data": 'Already subscribed: {"type":"candle","interval":"30m","coin":"BTC"}',
        }
    ]


def test_unsubscribing_stops_the_feed_and_subscribing_again_resends_the_snapshot(wire):
    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC", fast=True)

    gone = wire.unsubscribe(number, "l2Book", coin="BTC", fast=True)
    silence = wire.run(3.0)
    back = wire.subscribe(number, "l2Book", coin="BTC", fast=True)

    assert gone[0]["data"]["method"] == "unsubscribe"
    assert silence == []
    assert [m["channel"] for m in back] == ["subscriptionResponse", "l2Book"]


def test_what_is_not_subscribed_cannot_be_unsubscribed(wire):
    number = wire.connect()

    answer = wire.unsubscribe(number, "trades", coin="BTC")

    assert errors(answer) == ['Already unsubscribed: {"type":"trades","coin":"BTC"}']


def test_late_frames_may_follow_an_unsubscribe(open_wire):
    wire = open_wire(late_frames=2.0)
    number = wire.connect()
    wire.subscribe(number, "l2Book", coin="BTC", fast=True)
    wire.unsubscribe(number, "l2Book", coin="BTC", fast=True)

    late, after = wire.run(2.0), wire.run(5.0)

    assert late
    assert after == []


@pytest.mark.parametrize(
    "frame",
    [
        b"{",
        b"[]",
        b'{"method":"subscribe","xsubscription":{"type":"bbo","coin":"BTC"}}',
        b'{"method":"subscribe","subscription":{"type":"webData2","user":"0x"}}',
        b'{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","fast":null}}',
        b'{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":999}}',
        b'{"method":"subscribe","subscription":{"type":"candle","coin":"BTC","interval":"7m"}}',
        b'{"method":"subscribe","subscription":{"type":"trades"}}',
        b'{"method":"post","id":-1,"request":{"type":"info","payload":{}}}',
        b'{"method":"post","id":1,"request":{"type":"explorer","payload":{}}}',
    ],
)
def test_what_cannot_be_parsed_comes_back_verbatim(wire, frame):
    number = wire.connect()

    wire.send(number, frame)

    text = "Error parsing JSON into valid websocket request: " + frame.decode()
    assert errors(wire.read()) == [text]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "trades", "coin": "NOPE"},
        {"type": "allMids", "dex": "nope"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2},
    ],
)
def test_what_does_not_exist_is_an_invalid_subscription(wire, body):
    number = wire.connect()

    wire.send(number, {"method": "subscribe", "subscription": body})

    [text] = errors(wire.read())
    assert text.startswith('Invalid subscription {"type":"' + body["type"])
    assert wire.exchange.subscriptions()[number] == set()


def test_the_subscription_limit_counts_over_all_connections(open_wire):
    wire = open_wire(limits=Limits(subscriptions=2))
    one, two = wire.connect(), wire.connect()
    wire.subscribe(one, "trades", coin="BTC")
    wire.subscribe(two, "trades", coin="BTC")

    answer = wire.subscribe(two, "trades", coin="ETH")

    assert errors(answer) == ["Cannot subscribe to more than 2 channels."]


def test_the_eleventh_user_is_refused_but_a_known_one_is_not(wire):
    number = wire.connect()
    users = [f"0x{index:040x}" for index in range(11)]
    for address in users[:10]:
        wire.subscribe(number, "userFills", user=address)

    refused = wire.subscribe(number, "userFills", user=users[10])
    known = wire.subscribe(number, "orderUpdates", user=users[0])

    assert errors(refused) == ["Cannot track more than 10 total users."]
    assert errors(known) == []


def test_messages_over_the_limit_are_refused_until_the_window_moves(open_wire):
    wire = open_wire(limits=Limits(messages_per_minute=3), idle_close=0.0)
    number = wire.connect()
    for _ in range(4):
        wire.send(number, {"method": "ping"})

    crowded = wire.read()
    wire.run(60.0)
    wire.send(number, {"method": "ping"})

    assert [m["channel"] for m in crowded] == ["pong", "pong", "pong", "error"]
    assert crowded[3]["data"] == "Cannot send more than 3 messages per minute."
    assert wire.read() == [{"channel": "pong"}]


def test_a_post_is_answered_with_its_id_and_what_rest_would_say(wire):
    number = wire.connect()
    payload = {"type": "meta"}

    wire.send(
        number,
        {"method": "post", "id": 7, "request": {"type": "info", "payload": payload}},
    )
    [reply] = wire.run(1.0)

    assert reply == {
        "channel": "post",
        "data": {
            "id": 7,
            "response": {
                "type": "info",
                "payload": {"type": "meta", "data": wire.info("meta")},
            },
        },
    }


def test_a_bad_post_is_answered_with_the_status_rest_would_give(wire):
    number = wire.connect()

    wire.send(
        number,
        {
            "method": "post",
            "id": 8,
            "request": {"type": "info", "payload": {"type": "x"}},
        },
    )
    [reply] = wire.run(1.0)

    assert reply["data"]["response"]["type"] == "error"
    assert reply["data"]["response"]["payload"].startswith("422 ")


def test_too_many_posts_in_flight_are_refused_by_id(open_wire):
    wire = open_wire(limits=Limits(posts_in_flight=1))
    number = wire.connect()
    for index in (1, 1234):
        request = {"type": "info", "payload": {"type": "allMids"}}
        wire.send(number, {"method": "post", "id": index, "request": request})

    first, reply = wire.read(), wire.run(1.0)

    assert errors(first) == ["too many pending post requests id=1234"]
    assert [m["data"]["id"] for m in reply] == [1]


def test_an_action_is_refused_as_for_an_unknown_signer(wire):
    number = wire.connect()

    wire.send(
        number,
        {"method": "post", "id": 3, "request": {"type": "action", "payload": {}}},
    )
    [reply] = wire.run(1.0)

    assert reply["data"]["response"]["payload"]["status"] == "err"


def test_a_subscription_is_the_same_in_any_spelling(wire):
    number = wire.connect()
    wire.subscribe(number, "userFills", user=MIXED, aggregateByTime=False)

    again = wire.subscribe(number, "userFills", user=MIXED.lower())

    assert errors(again)[0].startswith("Already subscribed: ")
    [held] = wire.exchange.subscriptions()[number]
    assert json.loads(held)["user"] == MIXED.lower()
