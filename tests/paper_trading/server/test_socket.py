"""The socket over a market that does as it is told, without a network behind it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from bistoury import ConfigError
from bistoury.errors import SubscriptionRefusedError
from bistoury.paper_trading.server import PaperServer, socket, telling_accounts
from bistoury.paper_trading.server.account_feeds import FEEDS

USER = "0x" + "ab" * 20
TWAP = {"a": 0, "b": True, "s": "2", "r": False, "m": 5, "t": False}


class Handle:
    def __init__(self, feeds, key):
        self._feeds, self._key = feeds, key

    async def unsubscribe(self):
        del self._feeds[self._key]


class Feeds:
    """What a client follows; says at once what it has."""

    def __init__(self):
        self.handlers = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.first = {"channel": "bbo", "data": {"coin": "BTC", "time": 1}}

    async def subscribe(self, body, handler):
        if body.get("coin") == "NO":
            raise SubscriptionRefusedError(body, "Invalid subscription")
        if body.get("coin") == "":
            raise ConfigError("coin", "", "a name")
        if self.first is not None:
            handler(self.first)
        await self.gate.wait()
        key = json.dumps(body)
        self.handlers[key] = handler
        return Handle(self.handlers, key)


class Line:
    """One connection to the server."""

    def __init__(self, ws):
        self.ws = ws

    async def send(self, **body):
        await self.ws.send_json(body)

    async def next(self):
        message = await self.ws.receive(5)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def until(self, channel):
        while (message := await self.next())["channel"] != channel:
            pass
        return message

    async def subscribe(self, **subscription):
        await self.send(method="subscribe", subscription=subscription)
        return await self.next()


@pytest.fixture
def feeds(trader):
    trader.client.subscribe = (made := Feeds()).subscribe
    return made


@pytest.fixture
async def server(trader, feeds):
    async with PaperServer(trader, port=0) as it:
        yield it


@pytest.fixture
async def line(server):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/ws") as ws,
    ):
        yield Line(ws)


async def buy(trader, orders, sz="1", px="101", tif="Ioc"):
    limit, _ = orders
    rows = [limit(True, px, sz, tif)]
    action = {"type": "order", "orders": rows, "grouping": "na"}
    await trader.act(action, account=USER)


@pytest.fixture
def opened(trader):
    trader.open_account(USER, "10000", USER)


async def test_a_ping_is_answered(line):
    await line.send(method="ping")

    assert await line.next() == {"channel": "pong"}


async def test_a_market_is_acknowledged_before_its_first_message(line, feeds):
    ack = await line.subscribe(type="bbo", coin="BTC")

    assert ack["channel"] == "subscriptionResponse"
    assert ack["data"] == {
        "method": "subscribe",
        "subscription": {"type": "bbo", "coin": "BTC"},
    }
    assert await line.next() == feeds.first
    [handler] = feeds.handlers.values()
    handler({"channel": "bbo", "data": {"coin": "BTC", "time": 2}})
    assert (await line.next())["data"]["time"] == 2


async def test_a_market_that_is_followed_already_begins_with_how_it_is(
    line, feeds, trader
):
    feeds.first = None
    book = {"coin": "BTC", "time": 1, "levels": [[], []]}
    trader.answers = {"l2Book": book}
    await line.subscribe(type="l2Book", coin="BTC")

    assert await line.next() == {"channel": "l2Book", "data": book}


async def test_what_is_left_is_left_upstream_too(line, feeds):
    await line.subscribe(type="bbo", coin="BTC")
    await line.next()
    wanted = {"type": "bbo", "coin": "BTC"}
    await line.send(method="unsubscribe", subscription=wanted)

    assert (await line.next())["data"]["method"] == "unsubscribe"
    assert feeds.handlers == {}
    await line.send(method="unsubscribe", subscription=wanted)
    assert (await line.next())["data"].startswith("Already unsubscribed")


async def test_what_is_left_before_it_began_is_not_followed(line, feeds):
    wanted = {"type": "bbo", "coin": "BTC"}
    feeds.gate.clear()
    await line.send(method="subscribe", subscription=wanted)
    await line.send(method="unsubscribe", subscription=wanted)
    assert (await line.next())["data"]["method"] == "unsubscribe"
    feeds.gate.set()
    await line.send(method="ping")

    assert await line.next() == {"channel": "pong"}
    assert feeds.handlers == {}


async def test_whoever_hangs_up_leaves_everything(line, server, feeds):
    await line.subscribe(type="bbo", coin="BTC")
    await line.subscribe(type="userFills", user=USER)
    await line.ws.close()
    async with asyncio.timeout(5):
        while feeds.handlers or any(server._telling._followers.values()):
            await asyncio.sleep(0.01)


async def test_the_same_twice_is_refused_as_the_venue_does(line):
    await line.subscribe(type="userFills", user=USER)
    await line.next()
    again = await line.subscribe(user=USER.upper().replace("X", "x"), type="userFills")

    assert again["channel"] == "error"
    assert again["data"].startswith("Already subscribed: {")


@pytest.mark.parametrize(
    ("subscription", "said"),
    [
        ({"type": "bbo", "coin": "NO"}, "Invalid subscription {"),
        ({"type": "bbo", "coin": ""}, "Error parsing JSON"),
        ({"type": "userFills"}, "Error parsing JSON"),
        ({"type": "userFills", "user": "0x1"}, "Error parsing JSON"),
        ({"type": "activeAssetData", "user": USER}, "Error parsing JSON"),
        ({"type": "somethingNew", "user": USER}, "Error parsing JSON"),
    ],
)
async def test_what_cannot_be_followed_is_refused_and_can_be_asked_again(
    line, subscription, said
):
    for _ in range(2):
        answer = await line.subscribe(**subscription)
        assert answer["channel"] == "error"
        assert answer["data"].startswith(said)


@pytest.mark.parametrize(
    "raw",
    ["", "{", "5", "{}", '{"method":"fly"}', '{"method":"subscribe"}', "[" * 50_000],
)
async def test_what_is_no_request_is_repeated_in_the_error(line, raw):
    await line.ws.send_str(raw)
    text = "Error parsing JSON into valid websocket request: "

    assert await line.next() == {"channel": "error", "data": text + raw}


async def test_fills_begin_with_a_snapshot_and_go_on(line, trader, orders, opened):
    await buy(trader, orders, "0.5")
    await line.subscribe(type="userFills", user=USER)
    first = await line.next()
    await buy(trader, orders, "0.25")
    later = await line.until("userFills")

    assert first["paper"] is True
    assert first["data"]["isSnapshot"] is True
    assert [it["sz"] for it in first["data"]["fills"]] == ["0.5"]
    assert "isSnapshot" not in later["data"]
    assert [it["sz"] for it in later["data"]["fills"]] == ["0.25"]
    assert later["data"]["user"] == USER


async def test_what_a_twap_fills_has_a_feed_of_its_own(line, trader, orders, opened):
    for kind in ("userFills", "userTwapSliceFills"):
        await line.subscribe(type=kind, user=USER)
        await line.next()
    await trader.act({"type": "twapOrder", "twap": TWAP}, account=USER)
    for _ in range(5):
        trader.pass_time()
    [part] = trader.accounts[USER].fills
    await buy(trader, orders, "0.5")
    heard = [await line.next() for _ in range(2)]

    assert [it["channel"] for it in heard] == ["userTwapSliceFills", "userFills"]
    assert heard[0]["data"]["twapSliceFills"][0]["twapId"] == part.twap_id
    assert [it["sz"] for it in heard[1]["data"]["fills"]] == ["0.5"]
    await line.send(
        method="unsubscribe", subscription={"type": "userFills", "user": USER}
    )
    await line.next()
    await line.subscribe(type="userFills", user=USER)
    again = (await line.next())["data"]["fills"]
    assert [it["sz"] for it in again] == ["0.5"]


async def test_others_trades_are_not_told(line, trader, orders, opened):
    await line.subscribe(type="userFills", user="0x" + "cd" * 20)
    await line.next()
    await buy(trader, orders)
    await line.send(method="ping")

    assert (await line.next())["channel"] == "pong"


async def test_orders_are_told_as_they_change(line, trader, orders, opened):
    await line.subscribe(type="orderUpdates", user=USER)
    await buy(trader, orders, px="90", tif="Gtc")
    update = await line.next()
    [oid] = trader.accounts[USER].orders
    cancel = {"type": "cancel", "cancels": [{"a": 0, "o": oid}]}
    await trader.act(cancel, account=USER)
    gone = await line.next()
    await buy(trader, orders, sz="0.00001")
    refused = await line.next()

    assert [it["status"] for it in update["data"]] == ["open"]
    assert [it["status"] for it in gone["data"]] == ["canceled"]
    assert [it["status"] for it in refused["data"]] == ["minTradeNtlRejected"]


async def test_user_events_have_one_key_each(line, trader, orders, opened):
    await line.subscribe(type="userEvents", user=USER)
    await buy(trader, orders)
    told = await line.next()

    assert told["channel"] == "user"
    assert list(told["data"]) == ["fills"]
    await trader.act({"type": "twapOrder", "twap": TWAP}, account=USER)
    keys = [list((await line.next())["data"]) for _ in range(3)]
    assert ["twapHistory"] in keys
    assert ["twapSliceFills"] in keys


async def test_orders_that_end_by_themselves_are_told_as_such(
    line, trader, orders, opened
):
    limit, _ = orders
    await line.subscribe(type="userEvents", user=USER)
    await buy(trader, orders)
    reducing = {**limit(False, "150", "1"), "r": True}
    await trader.act({"type": "order", "orders": [reducing]}, account=USER)
    [oid] = trader.accounts[USER].orders
    closing = {**limit(False, "99", "1", "Ioc"), "r": True}
    await trader.act({"type": "order", "orders": [closing]}, account=USER)
    told = [(await line.next())["data"] for _ in range(3)]

    assert {"nonUserCancel": [{"coin": "BTC", "oid": oid}]} in told


async def test_funding_is_told(line, trader, orders, opened):
    await buy(trader, orders)
    await line.subscribe(type="userFundings", user=USER)
    first = await line.next()
    trader.pass_an_hour(oracle="98", funding="0.0001")
    later = await line.until("userFundings")

    assert first["data"] == {"isSnapshot": True, "user": USER, "fundings": []}
    assert [it["usdc"] for it in later["data"]["fundings"]] == ["-0.0098"]


@pytest.fixture
def patient(monkeypatch):
    monkeypatch.setattr(telling_accounts, "_EVERY", 1000.0)


async def test_states_come_at_once_and_at_every_change(
    patient, line, trader, orders, opened
):
    await line.subscribe(type="clearinghouseState", user=USER)
    first = await line.next()
    await buy(trader, orders)
    later = await line.until("clearinghouseState")

    assert first["data"]["clearinghouseState"]["assetPositions"] == []
    [held] = later["data"]["clearinghouseState"]["assetPositions"]
    assert held["position"]["szi"] == "1.0"


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(telling_accounts, "_EVERY", 0.01)


async def test_states_come_again_because_the_mark_moves(hurry, line, opened):
    await line.subscribe(type="webData2", user=USER)

    for _ in range(2):
        assert (await line.next())["channel"] == "webData2"


@pytest.mark.parametrize("kind", sorted(FEEDS))
async def test_every_feed_of_an_account_is_acknowledged(line, trader, kind, opened):
    await trader.act({"type": "twapOrder", "twap": TWAP}, account=USER)
    ack = await line.subscribe(type=kind, user=USER, coin="BTC", noise=5)
    assert ack["channel"] == "subscriptionResponse", ack
    assert "noise" not in ack["data"]["subscription"]
    feed = FEEDS[kind]
    if feed.first is not None:
        first = await line.next()
        assert first["channel"] == feed.channel
        assert first["paper"] is True
        if not feed.is_state:
            assert first["data"]["isSnapshot"] is True


async def test_questions_can_be_posted(line, trader):
    trader.answers = {"allMids": {"BTC": "100.0"}}
    payload = {"type": "allMids"}
    await line.send(method="post", id=7, request={"type": "info", "payload": payload})

    assert (await line.next())["data"] == {
        "id": 7,
        "response": {
            "type": "info",
            "payload": {"type": "allMids", "data": {"BTC": "100.0"}},
        },
    }


async def test_actions_can_be_posted(line, trader, signer):
    body = signer.body({"type": "noop"}, trader.now)
    await line.send(method="post", id=8, request={"type": "action", "payload": body})
    data = (await line.next())["data"]

    assert data["id"] == 8
    assert data["response"]["type"] == "action"
    assert data["response"]["payload"]["status"] == "ok"


@pytest.mark.parametrize(
    ("kind", "payload", "said"),
    [
        ("info", {"type": 5}, "422 Failed to deserialize"),
        ("action", {}, "422 Failed to deserialize"),
        ("explorer", {}, "422 the request type 'explorer'"),
    ],
)
async def test_a_refused_post_says_why(line, kind, payload, said):
    await line.send(method="post", id=9, request={"type": kind, "payload": payload})
    data = (await line.next())["data"]

    assert data["response"]["type"] == "error"
    assert data["response"]["payload"].startswith(said)


async def test_whoever_reads_too_slowly_is_hung_up_on(line, feeds, monkeypatch):
    monkeypatch.setattr(socket, "_MOST_WAITING", 3)
    await line.subscribe(type="bbo", coin="BTC")
    [handler] = feeds.handlers.values()
    for _ in range(5):
        handler(feeds.first)
    async with asyncio.timeout(5):
        while (await line.ws.receive()).type is not aiohttp.WSMsgType.CLOSE:
            pass

    assert line.ws.close_code == 1008


async def test_a_stopping_server_says_so(line, server):
    reading = asyncio.ensure_future(line.ws.receive(5))
    await asyncio.sleep(0)
    await server.stop()
    await reading

    assert line.ws.close_code == 1001
