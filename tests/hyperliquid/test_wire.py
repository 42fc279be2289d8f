from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ProtocolError
from bistoury.hyperliquid import feeds, wire
from bistoury.session import (
    Acknowledged,
    Complaint,
    Pong,
    Session,
    Subscription,
    Update,
    VenueError,
)
from bistoury.session import effects as do
from bistoury.session import events as on
from bistoury.session.model import PostReply

USER = "0x" + "aB" * 20
LOWER = USER.lower()
NOW = 1_790_000_000_000


def frame(channel, data):
    return json.dumps({"channel": channel, "data": data}).encode()


def decode(channel, data):
    return wire.decode(frame(channel, data))


def canonical(body):
    return feeds.canonical(body)


def fill(at=NOW, oid=1, tid=1):
    return {"time": at, "coin": "BTC", "oid": oid, "tid": tid, "px": "1"}


def order(at=NOW, status="open"):
    body = {"oid": 1, "coin": "BTC", "sz": "1.0"}
    return {"order": body, "status": status, "statusTimestamp": at}


def book(**more):
    return {"coin": "BTC", "time": NOW, "levels": [[], []], **more}


BAR = {"t": NOW, "T": NOW + 59_999, "s": "BTC", "i": "1m", "n": 3} | dict.fromkeys(
    "ohlcv", "1"
)

# A subscription of every row of the table, and a frame that belongs to it.
FRAMES = [
    ({"type": "allMids"}, "allMids", {"mids": {"BTC": "1"}}),
    ({"type": "allMids", "dex": "xyz"}, "allMids", {"dex": "xyz", "mids": {}}),
    ({"type": "l2Book", "coin": "BTC"}, "l2Book", book()),
    ({"type": "l2Book", "coin": "BTC", "nSigFigs": 3}, "l2Book", book(spread="1")),
    ({"type": "l2Book", "coin": "BTC", "fast": True}, "l2Book", book(fast=True)),
    (
        {"type": "l2Book", "coin": "BTC", "fast": True, "nSigFigs": 3},
        "l2Book",
        book(fast=True, spread="1"),
    ),
    ({"type": "bbo", "coin": "@7"}, "bbo", {"coin": "@7", "time": NOW, "bbo": []}),
    (
        {"type": "trades", "coin": "BTC"},
        "trades",
        [{"coin": "BTC", "time": NOW, "tid": 1}],
    ),
    ({"type": "candle", "coin": "BTC", "interval": "1m"}, "candle", BAR),
    (
        {"type": "activeAssetCtx", "coin": "BTC"},
        "activeAssetCtx",
        {"coin": "BTC", "ctx": {}},
    ),
    (
        {"type": "activeAssetCtx", "coin": "@7"},
        "activeSpotAssetCtx",
        {"coin": "@7", "ctx": {}},
    ),
    ({"type": "allDexsAssetCtxs"}, "allDexsAssetCtxs", {"ctxs": []}),
    ({"type": "assetCtxs"}, "assetCtxs", {"dex": "", "ctxs": []}),
    ({"type": "assetCtxs", "dex": "xyz"}, "assetCtxs", {"dex": "xyz", "ctxs": []}),
    ({"type": "spotAssetCtxs"}, "spotAssetCtxs", []),
    ({"type": "fastAssetCtxs"}, "fastAssetCtxs", "q1Zy"),
    ({"type": "outcomeMetaUpdates"}, "outcomeMetaUpdates", [{"outcomeSettled": 1}]),
    ({"type": "notification", "user": USER}, "notification", {"notification": "hi"}),
    ({"type": "webData3", "user": USER}, "webData3", {"userState": {"user": USER}}),
    *(
        (
            {"type": type_, "user": USER, **({"dex": dex} if dex else {})},
            type_,
            {"dex": dex, "user": USER, "states": [], "orders": []},
        )
        for type_ in ("twapStates", "clearinghouseState", "openOrders")
        for dex in ("", "xyz")
    ),
    ({"type": "orderUpdates", "user": USER}, "orderUpdates", [order()]),
    ({"type": "userEvents", "user": USER}, "user", {"fills": [fill()]}),
    ({"type": "userEvents", "user": USER}, "user", {"liquidation": {"lid": 1}}),
    (
        {"type": "userEvents", "user": USER},
        "user",
        {"funding": {"time": NOW, "coin": "BTC"}},
    ),
    (
        {"type": "userFills", "user": USER},
        "userFills",
        {"user": USER, "fills": [fill()]},
    ),
    (
        {"type": "userFundings", "user": USER},
        "userFundings",
        {"user": USER, "fundings": [{"time": NOW, "coin": "BTC"}]},
    ),
    (
        {"type": "userNonFundingLedgerUpdates", "user": USER},
        "userNonFundingLedgerUpdates",
        {"user": USER, "nonFundingLedgerUpdates": []},
    ),
    (
        {"type": "userTwapSliceFills", "user": USER},
        "userTwapSliceFills",
        {"user": USER, "twapSliceFills": [{"fill": fill(), "twapId": 1}]},
    ),
    (
        {"type": "userTwapHistory", "user": USER},
        "userTwapHistory",
        {
            "user": USER,
            "history": [
                {
                    "time": NOW // 1000,
                    "state": {"timestamp": NOW, "coin": "BTC"},
                    "status": {"status": "activated"},
                }
            ],
        },
    ),
    (
        {"type": "userHistoricalOrders", "user": USER},
        "userHistoricalOrders",
        {"user": USER, "orderHistory": [order()]},
    ),
    (
        {"type": "activeAssetData", "user": USER, "coin": "BTC"},
        "activeAssetData",
        {"user": USER, "coin": "BTC", "leverage": {}},
    ),
    ({"type": "spotState", "user": USER}, "spotState", {"user": USER, "spotState": {}}),
    (
        {"type": "allDexsClearinghouseState", "user": USER},
        "allDexsClearinghouseState",
        {"user": USER, "clearinghouseStates": []},
    ),
]


# Data finds its subscription


@pytest.mark.parametrize(
    ("body", "channel", "data"), FRAMES, ids=[str(canonical(b)) for b, _, _ in FRAMES]
)
def test_a_frame_has_the_route_of_the_subscription_it_belongs_to(body, channel, data):
    update = decode(channel, data)

    assert isinstance(update, Update)
    assert update.route == feeds.route(canonical(body))
    assert not update.is_void
    assert update.unreadable == 0


@pytest.mark.parametrize(("body", "channel", "data"), FRAMES)
def test_a_frame_reads_as_the_venue_wrote_it(body, channel, data):
    update = decode(channel, data)

    assert wire.read(update) == {"channel": channel, "data": data}
    assert wire.read_raw(update) == {"channel": channel, "data": data}
    assert wire.read(update) is wire.read(update)
    assert json.loads(wire.encode(wire.read(update))) == {
        "channel": channel,
        "data": data,
    }


def test_the_table_above_has_every_feed():
    assert {body["type"] for body, _, _ in FRAMES} == set(feeds.FEEDS)


def test_a_state_stays_unread_until_somebody_wants_to_read_it():
    update = decode("l2Book", book())

    assert update.message is None
    assert update.items is None
    assert update.time == NOW


def test_users_are_compared_in_lower_case():
    for spelling in (USER, LOWER, USER.upper().replace("X", "x")):
        update = decode("userFills", {"user": spelling, "fills": []})
        assert update.route == f"userFills:{LOWER}"


@pytest.mark.parametrize("is_snapshot", [True, False, None, 1, "yes"])
def test_only_a_mark_is_a_mark(is_snapshot):
    data = {"user": USER, "fills": [fill()], "isSnapshot": is_snapshot}

    assert decode("userFills", data).is_snapshot is (is_snapshot is True)


# Rows


def trades(*times):
    return [{"coin": "BTC", "time": at, "tid": n} for n, at in enumerate(times)]


def test_rows_come_out_oldest_first_and_ties_keep_their_order():
    update = decode("trades", trades(NOW + 5, NOW, NOW + 9, NOW + 5))

    assert [row["tid"] for _, _, row in update.items] == [1, 0, 3, 2]
    assert [row["tid"] for row in update.message["data"]] == [1, 0, 3, 2]
    assert (update.oldest, update.time, update.seen) == (NOW, NOW + 9, 4)


@pytest.mark.parametrize(
    "bad",
    [
        {"coin": "BTC", "time": NOW},
        {"time": NOW, "tid": 7},
        {"coin": "BTC", "time": "soon", "tid": 7},
        {"coin": "BTC", "time": None, "tid": 7},
        {"coin": "BTC", "time": NOW, "tid": [7]},
        {"coin": "BTC", "time": NOW, "tid": {"a": 1}},
        {"coin": "BTC", "time": [NOW], "tid": 7},
        [1, 2],
        "row",
        5,
        None,
        {},
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_row_never_costs_the_others(bad, place):
    rows = trades(NOW, NOW + 1)
    rows.insert(place, bad)
    update = decode("trades", rows)

    assert update.route == "trades:BTC"
    assert [row["tid"] for row in update.message["data"]] == [0, 1]
    assert (update.unreadable, update.seen) == (1, 3)
    assert all(hash(key) is not None for _, key, _ in update.items)


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        ("userFills", {"user": USER, "fills": [fill(), {"coin": "BTC"}]}),
        ("orderUpdates", [order(), {"status": "open"}, {"order": None}]),
        (
            "userTwapSliceFills",
            {
                "user": USER,
                "twapSliceFills": [{"fill": fill(), "twapId": 1}, {"fill": 1}],
            },
        ),
        ("user", {"fills": [fill(), 5]}),
        (
            "userNonFundingLedgerUpdates",
            {
                "user": USER,
                "nonFundingLedgerUpdates": [
                    {"time": NOW, "hash": "0x1", "delta": {"type": "deposit"}},
                    {"time": NOW, "hash": "0x1", "delta": None},
                ],
            },
        ),
    ],
)
def test_a_bad_row_of_a_user_never_costs_the_others(channel, data):
    update = decode(channel, data)

    assert len(update.items) == 1
    assert update.unreadable >= 1


def test_a_frame_of_bad_rows_alone_cannot_be_read():
    with pytest.raises(ProtocolError) as caught:
        decode("trades", [{"coin": "BTC"}, 5])

    assert (caught.value.channel, caught.value.detail) == (
        "trades",
        "2 unreadable rows",
    )


def test_an_empty_list_of_trades_belongs_to_nobody():
    update = decode("trades", [])

    assert update.is_void
    assert update.route == "trades"


def test_an_empty_list_of_a_user_is_news():
    update = decode("userFills", {"user": USER, "fills": [], "isSnapshot": True})

    assert not update.is_void
    assert update.items == []
    assert (update.oldest, update.time, update.seen) == (0, 0, 0)


def test_a_moment_that_is_none_is_not_said():
    for time in (NOW // 1000, 10**15, 10**30):
        update = decode("trades", [{"coin": "BTC", "time": time, "tid": 1}])
        assert update.time == 0


def test_a_bar_is_one_row_without_a_moment_of_its_own():
    update = decode("candle", BAR)

    assert update.is_single
    assert update.items == [(NOW, feeds.FEEDS["candle"].key(BAR), BAR)]
    assert (update.time, update.oldest) == (0, NOW)
    assert update.message["data"] == BAR


@pytest.mark.parametrize("data", [[BAR], {}, {**BAR, "n": None, "t": "?"}, None, 5])
def test_a_bar_of_another_shape_cannot_be_read(data):
    with pytest.raises(ProtocolError):
        decode("candle", data)


def test_a_user_event_of_rows_is_known_by_them():
    fills = decode("user", {"fills": [fill(NOW + 1), fill(NOW)]})
    funding = decode("user", {"funding": {"time": NOW, "coin": "BTC"}})

    assert [at for at, _, _ in fills.items] == [NOW, NOW + 1]
    assert fills.slot == "fills"
    assert (
        fills.items[0][1]
        == decode("userFills", {"user": USER, "fills": [fill(NOW)]}).items[0][1]
    )
    assert funding.is_single
    assert funding.message["data"] == {"funding": {"time": NOW, "coin": "BTC"}}


def test_another_user_event_is_passed_on_as_it_is():
    data = {"nonUserCancel": [{"coin": "BTC", "oid": 1}]}
    update = decode("user", data)

    assert update.items is None
    assert update.message == {"channel": "user", "data": data}


def test_a_history_reads_as_if_it_had_come_over_the_socket():
    cases = [
        ("userFills", "fills", [fill(NOW + 1, tid=2), fill(NOW)]),
        ("orderUpdates", "", [order()]),
        ("userEvents", "fills", [fill()]),
    ]
    for type_, kind, rows in cases:
        subscription = canonical({"type": type_, "user": USER})
        update = wire.recovered(subscription, kind, rows)
        assert update.route == feeds.route(subscription)
        assert len(update.items) == len(rows)
        assert (update.oldest, update.seen) == (NOW, len(rows))
        assert not update.is_snapshot
    update = wire.recovered(canonical({"type": "userFills", "user": USER}), "fills", [])
    assert (update.oldest, update.time, update.items) == (0, 0, [])
    assert update.message["data"] == {"user": LOWER, "fills": []}


# What we say


def test_requests_are_the_venues_json():
    subscription = canonical({"type": "l2Book", "coin": "BTC", "nSigFigs": 5})

    assert json.loads(wire.PING) == {"method": "ping"}
    assert json.loads(wire.subscribe(subscription)) == {
        "method": "subscribe",
        "subscription": {"type": "l2Book", "coin": "BTC", "nSigFigs": 5},
    }
    assert json.loads(wire.unsubscribe(subscription)) == {
        "method": "unsubscribe",
        "subscription": {"type": "l2Book", "coin": "BTC", "nSigFigs": 5},
    }


# Acknowledgements: protocol.md 1.8


def acknowledgement(body, method="subscribe"):
    return decode("subscriptionResponse", {"method": method, "subscription": body})


def registered(*bodies):
    """Return a session that has asked for these feeds."""
    session = Session()
    for body in bodies:
        it = canonical(body)
        session.handle(on.SubscribeRequested(it, feeds.traits(it)), 0.0)
    session.handle(on.ConnectRequested(), 0.0)
    session.handle(on.ConnectionOpened(1), 0.0)
    return session


def settled(session, message):
    """Return which subscriptions are acknowledged after ``message``."""
    session.handle(on.MessageReceived(1, message), 0.1)
    held = [e for e in session.registry.entries.values() if e.holding == "held"]
    return [it.subscription.fields for it in held]


ACKNOWLEDGED = [
    (body, {**canonical(body).fields, **more})
    for body, more in [
        ({"type": "allMids"}, {}),
        ({"type": "allMids"}, {"dex": None}),
        ({"type": "allMids"}, {"dex": ""}),
        ({"type": "l2Book", "coin": "BTC"}, {"nSigFigs": None, "mantissa": None}),
        (
            {"type": "l2Book", "coin": "BTC", "fast": True},
            {"nSigFigs": None, "mantissa": None, "fast": True},
        ),
        ({"type": "l2Book", "coin": "BTC"}, {"nSigFigs": None, "fast": False}),
        ({"type": "userFills", "user": USER}, {"aggregateByTime": False}),
        ({"type": "openOrders", "user": USER}, {"dex": ""}),
        ({"type": "spotState", "user": USER}, {"ignorePortfolioMargin": False}),
        ({"type": "trades", "coin": "BTC"}, {"somethingNew": [1, 2]}),
        ({"type": "trades", "coin": "BTC"}, {"somethingNew": 7}),
        ({"type": "userEvents", "user": USER}, {"user": USER}),
        ({"type": "tomorrow", "user": USER}, {"user": LOWER}),
    ]
]


@pytest.mark.parametrize(("body", "said"), ACKNOWLEDGED, ids=str)
@pytest.mark.parametrize("order", ["as sent", "reversed"])
def test_an_acknowledgement_finds_the_request_it_answers(body, said, order):
    if order == "reversed":
        said = dict(reversed(said.items()))
    session = registered({"type": "bbo", "coin": "ETH"}, body)

    assert settled(session, acknowledgement(said)) == [canonical(body).fields]


@pytest.mark.parametrize("type_", feeds.FEEDS)
def test_an_acknowledgement_of_every_feed_finds_it(type_):
    body = next(body for body, _, _ in FRAMES if body["type"] == type_)
    session = registered(body)

    assert settled(session, acknowledgement(canonical(body).fields)) == [
        canonical(body).fields
    ]


def test_of_two_books_the_most_specific_is_meant():
    plain = {"type": "l2Book", "coin": "BTC"}
    fine = {"type": "l2Book", "coin": "BTC", "nSigFigs": 5}
    session = registered(plain, fine)
    said = {**fine, "mantissa": None}

    assert settled(session, acknowledgement(said)) == [canonical(fine).fields]
    said = {**plain, "nSigFigs": None, "mantissa": None}
    assert len(settled(session, acknowledgement(said))) == 2


@pytest.mark.parametrize(
    "said",
    [
        {"type": "trades", "coin": "ETH"},
        {"type": "bbo", "coin": "BTC"},
        {"type": "trades"},
        {"type": "trades", "coin": "btc"},
        {},
    ],
    ids=str,
)
def test_an_acknowledgement_of_something_else_finds_nothing(said):
    session = registered({"type": "trades", "coin": "BTC"})

    assert settled(session, acknowledgement(said)) == []


def test_an_end_is_acknowledged_too():
    message = acknowledgement({"type": "trades", "coin": "BTC"}, "unsubscribe")

    assert message == Acknowledged(False, {"type": "trades", "coin": "BTC"})


@pytest.mark.parametrize(
    "data",
    [
        {"method": "resubscribe", "subscription": {}},
        {"method": "subscribe"},
        {"method": "subscribe", "subscription": []},
        {"method": 5, "subscription": {}},
        "subscribe",
        None,
    ],
    ids=str,
)
def test_an_acknowledgement_of_another_shape_cannot_be_read(data):
    with pytest.raises(ProtocolError) as caught:
        decode("subscriptionResponse", data)

    assert caught.value.channel == "subscriptionResponse"


def test_what_cannot_be_read_is_not_quoted():
    data = {"method": "secret" * 100, "subscription": {}}
    with pytest.raises(ProtocolError) as caught:
        decode("subscriptionResponse", data)

    assert "secret" not in str(caught.value)


# Errors: protocol.md 1.9

BTC = {"type": "trades", "coin": "BTC"}
PARSING = "Error parsing JSON into valid websocket request: "


def request(method="subscribe", **subscription):
    return json.dumps({"method": method, "subscription": subscription or BTC})


ERRORS = [
    (PARSING + request(), Complaint.REFUSED, {"fields": BTC}),
    (
        PARSING + request("unsubscribe"),
        Complaint.REFUSED,
        {"fields": BTC, "subscribed": False},
    ),
    (
        PARSING + request(type="webData2", user=USER),
        Complaint.REFUSED,
        {"fields": {"type": "webData2", "user": LOWER}},
    ),
    (
        PARSING + request(type="l2Book", coin="BTC", fast=None),
        Complaint.REFUSED,
        {"fields": {"type": "l2Book", "coin": "BTC"}},
    ),
    (
        PARSING + '{"method":"subscribe","xsubscription":{"type":"bbo","coin":"SOL"}}',
        Complaint.OTHER,
        {},
    ),
    (PARSING + "not json at all", Complaint.OTHER, {}),
    (PARSING + "{broken", Complaint.OTHER, {}),
    (PARSING + "[1,2]", Complaint.OTHER, {}),
    (
        PARSING + '{"method":"post","id":77,"request":{}}',
        Complaint.POSTS,
        {"post_id": 77},
    ),
    (
        'Invalid subscription {"type":"candle","interval":"1d","coin":"TST2"}',
        Complaint.REFUSED,
        {"fields": {"type": "candle", "interval": "1d", "coin": "TST2"}},
    ),
    (
        f"Invalid subscription: {json.dumps(BTC)}",
        Complaint.REFUSED,
        {"fields": BTC},
    ),
    ("Cannot track more than 10 total users.", Complaint.USERS, {"limit": 10}),
    ("Cannot track more than 15 total users.", Complaint.USERS, {"limit": 15}),
    (
        "Cannot subscribe to more than 1000 channels.",
        Complaint.SUBSCRIPTIONS,
        {"limit": 1000},
    ),
    (
        "Cannot send more than 2000 messages per minute.",
        Complaint.MESSAGES,
        {"limit": 2000},
    ),
    (
        "too many pending post requests id=1234",
        Complaint.POSTS,
        {"post_id": 1234},
    ),
    ("Something new went wrong.", Complaint.OTHER, {}),
    ("Something new went wrong: {}", Complaint.OTHER, {}),
    ('Something new: {"subscription": 5}', Complaint.OTHER, {}),
    ("", Complaint.OTHER, {}),
]


@pytest.mark.parametrize(
    ("text", "kind", "facts"),
    ERRORS,
    ids=[text[:60] or "empty" for text, _, _ in ERRORS],
)
def test_an_error_says_what_it_is_about(text, kind, facts):
    assert decode("error", text) == VenueError(kind, text, **facts)


@pytest.mark.parametrize(
    ("text", "subscribed"),
    [
        ('Already subscribed: {"type":"trades","coin":"BTC"}', True),
        ('Already subscribed {"coin":"BTC","type":"trades"}', True),
        ('Already unsubscribed: {"type":"trades","coin":"BTC"}', False),
    ],
)
def test_already_is_an_acknowledgement(text, subscribed):
    assert decode("error", text) == Acknowledged(subscribed, BTC)


def test_an_error_reaches_the_subscription_it_belongs_to():
    session = registered(BTC, {"type": "bbo", "coin": "BTC"})
    error = decode("error", PARSING + request())
    effects = session.handle(on.MessageReceived(1, error), 0.1)

    refused = [
        effect.notice.subscription
        for effect in effects
        if isinstance(effect, do.Announce) and hasattr(effect.notice, "will_retry")
    ]
    assert refused == [canonical(BTC)]


@pytest.mark.parametrize("data", [5, None, {"text": "no"}, ["no"]])
def test_an_error_that_is_no_text_cannot_be_read(data):
    with pytest.raises(ProtocolError):
        decode("error", data)


# Everything else


@pytest.mark.parametrize("data", [None, {}, "x", 5])
def test_a_pong_is_a_pong_whatever_it_carries(data):
    assert decode("pong", data) == Pong()
    assert wire.decode(b'{"channel":"pong"}') == Pong()


@pytest.mark.parametrize("data", [{"id": 5}, [], "x", None, 5, {"a": {"b": [1]}}])
def test_an_unknown_channel_is_passed_on_under_its_name(data):
    update = decode("somethingNew", data)

    assert update.route == "somethingNew"
    assert wire.read(update)["data"] == data


def test_unknown_members_and_words_are_no_trouble():
    row = {"coin": "BTC", "time": NOW, "tid": 1, "side": "Z", "new": {"a": [1]}}
    update = wire.decode(
        json.dumps({"channel": "trades", "data": [row], "more": 1}).encode()
    )

    assert update.message["data"] == [row]
    state = decode("l2Book", book(depth=3, mood="calm"))
    assert wire.read(state)["data"]["mood"] == "calm"
    assert decode("orderUpdates", [order(status="invented")]).items


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Websocket connection established.",
        b"{}",
        b"[]",
        b"null",
        b"5",
        b'{"channel":5}',
        b'{"data":{}}',
        b'{"channel":"pong"',
        b'{"channel":"trades","data":[}',
        b"\xff\xfe",
        b'{"channel":"\xff"}',
        b"<html>502 Bad Gateway</html>",
        b'{"channel":"trades","data":{}}',
        b'{"channel":"trades","data":null}',
        b'{"channel":"l2Book","data":{}}',
        b'{"channel":"l2Book","data":{"coin":5}}',
        b'{"channel":"l2Book","data":{"coin":"BTC","time":"now"}}',
        b'{"channel":"userFills","data":[]}',
        b'{"channel":"userFills","data":{"fills":[]}}',
        b'{"channel":"userFills","data":{"user":"0x","fills":{}}}',
        b'{"channel":"webData3","data":{"userState":{}}}',
        b'{"channel":"user","data":5}',
        b'{"channel":"user","data":null}',
        b'{"channel":"user","data":{"fills":5}}',
        b'{"channel":"trades","data":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"channel":"error","data":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
    ids=lambda it: repr(it[:50]),
)
def test_what_cannot_be_read_is_a_protocol_error_with_the_beginning_of_its_frame(data):
    with pytest.raises(ProtocolError) as caught:
        wire.decode(data)

    assert caught.value.frame == data[:200]
    assert caught.value.detail


def test_a_user_that_is_no_address_belongs_to_nobody():
    update = decode("userFills", {"user": 5, "fills": []})

    assert update.route == "userFills:5"


def test_a_part_that_routing_did_not_look_at_may_be_unreadable():
    update = wire.decode(b'{"channel":"allMids","data":{"mids":{"BTC":1e999}}}')

    with pytest.raises(ProtocolError) as caught:
        wire.read(update)
    assert caught.value.channel == "allMids:"


CHANNELS = sorted({*feeds.BY_CHANNEL, "error", "pong", "subscriptionResponse", "post"})
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()
)
names = st.sampled_from(
    [
        *("coin", "user", "dex", "time", "tid", "oid", "fills", "order", "status"),
        *("t", "n", "s", "i", "fill", "twapId", "history", "state", "userState"),
        *("method", "subscription", "type", "isSnapshot", "data", "delta", "hash"),
        *("statusTimestamp", "fundings", "funding", "spread", "fast", "mids"),
    ]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5)
    ),
    max_leaves=12,
)


def never_raises_anything_else(data):
    try:
        message = wire.decode(data)
        if isinstance(message, Update):
            wire.read(message)
            for _, key, _ in message.items or ():
                hash(key)
    except ProtocolError:
        pass


@given(st.binary(max_size=200))
def test_arbitrary_bytes_only_ever_raise_protocol_errors(data):
    never_raises_anything_else(data)


@given(st.sampled_from(CHANNELS), values)
def test_arbitrary_data_only_ever_raises_protocol_errors(channel, data):
    never_raises_anything_else(frame(channel, data))


@given(
    st.sampled_from([frame(channel, data) for _, channel, data in FRAMES]),
    st.integers(0, 400),
    st.binary(max_size=6),
    st.integers(0, 6),
)
def test_garbled_frames_only_ever_raise_protocol_errors(data, place, garbage, cut):
    place %= len(data)
    never_raises_anything_else(data[:place] + garbage + data[place + cut :])


@given(st.text(max_size=80))
def test_arbitrary_error_texts_are_complaints_or_acknowledgements(text):
    assert isinstance(decode("error", text), VenueError | Acknowledged)


# Recorded frames

CONTROL = {"pong", "subscriptionResponse", "error"}


def belongs_to(channel, data):
    """Return the subscription a recorded frame belongs to, by the venue's own words."""
    match channel:
        case "l2Book" | "bbo" | "activeAssetCtx":
            return {"type": channel, "coin": data["coin"]}
        case "activeSpotAssetCtx":
            return {"type": "activeAssetCtx", "coin": data["coin"]}
        case "trades":
            return {"type": "trades", "coin": data[0]["coin"]}
        case "candle":
            return {"type": "candle", "coin": data["s"], "interval": data["i"]}
        case "userFills" | "userFundings":
            return {"type": channel, "user": data["user"]}
        case "user":
            return {"type": "userEvents", "user": USER}
        case "orderUpdates" | "notification":
            return {"type": channel, "user": USER}
        case _:
            return {"type": channel}


def recorded(samples):
    """Yield every recorded message of the socket with what was asked for, if known."""
    for path in sorted(samples.glob("*.json")):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            yield path.name, None, found
            continue
        for it in found:
            if it["kind"] == "ws-message":
                yield path.name, it.get("request"), it["message"]


def test_every_recorded_message_is_read_and_belongs_to_its_subscription(samples):
    count = 0
    for name, asked, message in recorded(samples):
        decoded = wire.decode(json.dumps(message).encode())
        channel = message["channel"]
        if channel in CONTROL:
            assert isinstance(decoded, Pong | Acknowledged | VenueError), name
            continue
        if channel == "post":
            assert isinstance(decoded, PostReply), name
            continue
        count += 1
        assert isinstance(decoded, Update), name
        assert decoded.unreadable == 0, name
        if channel != "post":
            body = belongs_to(channel, message["data"])
            assert decoded.route == feeds.route(canonical(body)), name
            if asked is not None and len(asked["subscription"].get("user", USER)) == 42:
                wanted = canonical(asked["subscription"])
                assert decoded.route == feeds.route(wanted), name
    assert count > 30


def test_every_recorded_message_reads_as_it_was(samples):
    for name, _, message in recorded(samples):
        decoded = wire.decode(json.dumps(message).encode())
        if not isinstance(decoded, Update):
            continue
        again = json.loads(wire.encode(wire.read(decoded)))
        if isinstance(message["data"], list) and decoded.items is not None:
            # Replays were recorded newest first; they come out oldest first.
            moment = feeds.BY_CHANNEL[message["channel"]].moment
            message["data"].sort(key=lambda row: row[moment])
        assert again == message, name


def test_rows_that_count_seconds_are_ordered_by_milliseconds():
    rows = [
        {
            "time": NOW // 1000 + more,
            "state": {"timestamp": NOW, "coin": "BTC"},
            "status": {"status": "activated"},
        }
        for more in (1, 0)
    ]
    live = decode("userTwapHistory", {"user": USER, "history": rows})
    history = wire.recovered(
        canonical({"type": "userTwapHistory", "user": USER}), "", rows
    )

    assert [it[0] for it in live.items] == [NOW, NOW + 1000]
    assert (live.oldest, live.time) == (NOW, 0)  # their age says nothing
    assert [it[:2] for it in history.items] == [it[:2] for it in live.items]


def test_every_recorded_acknowledgement_finds_its_request(samples):
    for name, asked, message in recorded(samples):
        if message["channel"] != "subscriptionResponse" or asked is None:
            continue
        body = asked["subscription"]
        if "user" in body:
            body = {**body, "user": USER}
            message["data"]["subscription"]["user"] = USER
        decoded = wire.decode(json.dumps(message).encode())
        assert settled(registered(body), decoded) == [canonical(body).fields], name


def test_every_recorded_error_is_understood(samples):
    kinds = []
    for _, _, message in recorded(samples):
        if message["channel"] == "error":
            decoded = wire.decode(json.dumps(message).encode())
            kinds.append(
                "already" if isinstance(decoded, Acknowledged) else str(decoded.kind)
            )

    assert kinds == [
        *("other", "already", "already", "refused", "users", "users"),
        *("subscriptions", "messages", "posts"),
    ]


def test_subscriptions_are_values():
    assert canonical(BTC) == Subscription("trades", (("coin", "BTC"),))
