from __future__ import annotations

import asyncio
from io import BytesIO

import aiohttp
import pytest

from bistoury import Config, ConfigError
from bistoury.errors import StaleDataError
from bistoury.paper_trading import PaperTradingEngine
from bistoury.paper_trading.server import PaperServer
from bistoury.simulator import Settings, Venue

USER = "0x" + "ab" * 20


@pytest.fixture
async def server(trader):
    async with PaperServer(trader, port=0) as it:
        yield it


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as it:
        yield it


async def test_every_answer_says_paper(server, http):
    asked = [
        ("GET", "/paper/state.json"),
        ("POST", "/exchange"),
        ("POST", "/info"),
        ("GET", "/nowhere"),
    ]
    for method, path in asked:
        async with http.request(method, server.url + path) as answer:
            assert answer.headers["X-Bistoury-Paper"] == "true", path
    async with http.ws_connect(f"{server.url}/ws") as ws:
        assert ws._response.headers["X-Bistoury-Paper"] == "true"


async def test_other_pages_and_other_names_are_refused(server, http):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        for path in ("/exchange", "/info", "/paper/act"):
            async with http.post(server.url + path, headers=headers) as answer:
                assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(f"{server.url}/ws", headers=headers)


def test_beyond_this_machine_a_token_is_needed(trader):
    with pytest.raises(ConfigError, match="without a token"):
        PaperServer(trader, "0.0.0.0")


async def test_who_has_the_token_comes_in(trader, http):
    token = "t" * 16
    async with PaperServer(trader, port=0, token=token) as server:
        async with http.get(f"{server.url}/paper/state.json") as answer:
            assert answer.status == 401
        headers = {"Authorization": f"Bearer {token}"}
        async with http.get(
            f"{server.url}/paper/state.json", headers=headers
        ) as answer:
            assert answer.status == 200


async def test_nothing_is_deleted_or_put_here(server, http):
    for method in ("DELETE", "PUT", "PATCH"):
        async with http.request(method, f"{server.url}/exchange") as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_what_is_no_json_is_refused(server, http):
    for path in ("/exchange", "/info"):
        for raw in (b"", b"{", b"\xff", b"[" * 100_000 + b"]" * 100_000):
            async with http.post(server.url + path, data=raw) as answer:
                assert answer.status == 400, raw[:5]
                assert answer.content_type == "text/plain"
        async with http.post(server.url + path, data=b"5") as answer:
            assert answer.status == 422


async def test_a_body_without_an_end_is_not_read(server, http):
    for path in ("/exchange", "/info", "/paper/act"):
        async with http.post(
            server.url + path, data=BytesIO(b" " * (2 << 20))
        ) as answer:
            assert answer.status == 413


async def test_an_address_in_use_is_named(trader, server):
    with pytest.raises(ConfigError, match="free on this machine"):
        await PaperServer(trader, port=server.port).start()


async def test_starting_and_stopping_twice_is_fine(trader):
    server = PaperServer(trader, port=0)
    assert await server.start() is await server.start()
    await server.stop()
    await server.stop()


async def test_the_whole_state_is_one_document(server, http, trader, orders):
    limit, _ = orders
    for row in (limit(True, "101", "1", "Ioc"), limit(True, "90", "1")):
        await trader.act({"type": "order", "orders": [row]})
    async with http.get(f"{server.url}/paper/state.json") as answer:
        state = await answer.json()

    assert (state["v"], state["paper"], state["ready"]) == (1, True, True)
    bitcoin, ether = state["coins"]
    assert (bitcoin["state"], bitcoin["mid"], bitcoin["mark"]) == ("live", "100", "100")
    assert (ether["state"], ether["reason"]) == ("waiting", "nothing heard yet")
    [account] = state["accounts"]
    assert account["name"] == "main"
    assert account["positions"][0]["szi"] == "1.0"
    assert [it["limitPx"] for it in account["orders"]] == ["90.0"]
    assert [it["quality"] for it in account["latest_fills"]] == ["live"]
    assert state["assumptions"]["queue"] == "risk_averse"


async def test_before_the_market_is_known_the_state_says_so(server, http, trader):
    trader.is_ready = False
    async with http.get(f"{server.url}/paper/state.json") as answer:
        state = await answer.json()

    assert (state["ready"], state["accounts"]) == (False, [])


async def post(http, server, path, body):
    async with http.post(server.url + path, json=body) as answer:
        return answer.status, await answer.json()


async def test_the_command_line_acts_without_a_signature(server, http, trader, orders):
    limit, _ = orders
    action = {"type": "order", "orders": [limit(True, "90", "1")]}
    status, answer = await post(
        http, server, "/paper/act", {"account": "main", "action": action}
    )

    assert status == 200
    assert answer["paper"] is True
    assert "resting" in answer["response"]["data"]["statuses"][0]


async def test_people_order_and_cancel_in_their_own_words(server, http, trader):
    for px in ("90", "91"):
        wish = {"coin": "BTC", "is_buy": True, "size": "1", "limit_px": px}
        status, answer = await post(
            http, server, "/paper/order", {"account": "main", **wish}
        )
        assert status == 200
        assert "resting" in answer["response"]["data"]["statuses"][0]
    body = {"account": "main", "oid": "all"}
    _, first = await post(http, server, "/paper/cancel", body)
    _, second = await post(http, server, "/paper/cancel", body)

    assert (first["canceled"], second["canceled"]) == (2, 0)
    assert not trader.accounts["main"].orders


async def test_the_report_and_each_fill_can_be_asked_for(server, http, trader):
    wish = {"account": "main", "coin": "BTC", "is_buy": True, "size": "1"}
    await post(http, server, "/paper/order", wish)
    async with http.get(f"{server.url}/paper/report.json") as answer:
        report = await answer.json()
    [row] = report["rows"]
    async with http.get(f"{server.url}/paper/fills/{row['tid']}.json") as answer:
        why = await answer.json()
    statuses = []
    for path in ("fills/99.json", "fills/x.json", "report.json?account=nobody"):
        async with http.get(f"{server.url}/paper/{path}") as answer:
            statuses.append(answer.status)

    assert report["assumptions"]["queue"] == "risk_averse"
    assert why["why"].startswith("the order took 1.0 at 101")
    assert statuses == [400, 404, 400]


async def test_the_page_and_its_parts_are_served(server, http):
    async with http.get(server.url) as answer:
        page = await answer.text()
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for name in ("report.js", "report.css", "uplot.js", "uplot.css"):
        assert name in page
        async with http.get(f"{server.url}/paper/static/{name}") as answer:
            assert answer.status == 200
    async with http.get(f"{server.url}/paper/static/secret") as answer:
        assert answer.status == 404


async def test_an_account_can_be_opened_and_begun_anew(server, http, trader):
    for cash in ("50", "75"):
        body = {"account": "grid", "cash": cash}
        assert (await post(http, server, "/paper/open", body))[0] == 200
        assert str(trader.accounts["grid"].opened_with) == cash


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/paper/act", {}),
        ("/paper/act", {"account": "main"}),
        ("/paper/act", {"account": "main", "action": {"type": 5}}),
        ("/paper/order", {}),
        ("/paper/order", {"account": "main", "coin": "BTC"}),
        ("/paper/order", {"account": "x", "coin": "BTC", "is_buy": True, "size": "0"}),
        ("/paper/cancel", {"account": "main"}),
        ("/paper/cancel", {"account": "main", "oid": 7}),
        ("/paper/cancel", {"account": "nobody", "oid": "all"}),
        ("/paper/open", {"account": "x", "cash": 5}),
        ("/paper/open", {"account": "", "cash": "5"}),
        ("/paper/open", {"account": "x", "cash": "nothing"}),
        ("/paper/open", {"account": "x\n", "cash": "5"}),
    ],
)
async def test_a_wrong_wish_is_refused_with_a_sentence(server, http, path, body):
    status, answer = await post(http, server, path, body)

    assert status == 400
    assert answer["error"]


async def test_what_cannot_be_done_now_says_so(server, http, trader, monkeypatch):
    async def act(*_, **__):
        raise StaleDataError("the market", None, 5.0)

    monkeypatch.setattr(trader, "act", act)
    body = {"account": "main", "action": {"type": "noop"}}
    status, answer = await post(http, server, "/paper/act", body)

    assert status == 503
    assert "the market" in answer["error"]


@pytest.mark.slow
async def test_over_a_real_venue_an_order_is_signed_filled_and_told(http, signer):
    async with Venue(Settings(coins=("BTC", "ETH"), trade_rate=20.0)) as venue:
        engine = PaperTradingEngine(Config(network="local", api_url=venue.url))
        await engine.start()
        async with PaperServer(engine, port=0) as server, asyncio.timeout(30):
            while not engine.is_ready:
                await asyncio.sleep(0.05)
            async with http.ws_connect(f"{server.url}/ws") as ws:
                user = signer.address
                for wanted in (
                    {"type": "userFills", "user": user},
                    {"type": "bbo", "coin": "BTC"},
                ):
                    await ws.send_json({"method": "subscribe", "subscription": wanted})
                status, mids = await post(http, server, "/info", {"type": "allMids"})
                assert status == 200
                price = str(round(float(mids["BTC"]) * 1.05))
                order = {"a": 0, "b": True, "p": price, "s": "0.01", "r": False}
                order["t"] = {"limit": {"tif": "Ioc"}}
                action = {"type": "order", "orders": [order], "grouping": "na"}
                now = engine.venue.desk.now
                _, answer = await post(
                    http, server, "/exchange", signer.body(action, now)
                )
                [filled] = answer["response"]["data"]["statuses"]
                heard = {}
                while not {"userFills", "bbo"} <= set(heard):
                    message = await ws.receive_json()
                    data = message["data"]
                    if not (isinstance(data, dict) and data.get("isSnapshot")):
                        heard[message["channel"]] = message
            body = {"type": "clearinghouseState", "user": user}
            _, state = await post(http, server, "/info", body)
        await engine.stop()

    # As much as was offered when the order arrived, which may be less than wanted.
    size = filled["filled"]["totalSz"]
    assert 0 < float(size) <= 0.01
    assert heard["userFills"]["data"]["fills"][0]["oid"] == filled["filled"]["oid"]
    assert state["assetPositions"][0]["position"]["szi"] == size
