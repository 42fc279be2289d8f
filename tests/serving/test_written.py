"""Nobody who asks a served client learns a whole address, whatever it is asked."""

from __future__ import annotations

import asyncio
import json
from functools import partial

from bistoury import Config, HyperLiquidIntegration
from bistoury.hyperliquid.feeds import FEEDS
from bistoury.serving.written import written
from bistoury.simulator import Settings, Venue
from bistoury.simulator.faults import Cut, RefuseSubscriptions
from bistoury.simulator.settings import Limits

USER = "0xAbCd" + "5ecb0a7d" * 4 + "1234"
TWIN = "0xAbCd" + "7d0a5ecb" * 4 + "1234"
"""Another one that looks the same when it is shortened."""
VALUES = {"user": USER, "coin": "BTC", "interval": "1m"}
EVENTS = 4


def is_secret(body: bytes) -> bool:
    """Whether neither address can be told from what was sent, in any spelling."""
    text = body.decode().lower()
    return not any(user[10:30].lower() in text for user in (USER, TWIN))


def paths(server):
    """Return every path there is, so that a new one cannot be forgotten here."""
    found = {it.canonical for it in server._runner.app.router.resources()}
    found -= {"/static/{name}", "/incidents/{number}.json", "/events"}
    return sorted(found)


async def everything(http, server):
    """Return all that is served, by path."""
    said = {}
    for path in paths(server):
        async with http.get(server.url + path) as answer:
            said[path] = await answer.read()
    for incident in json.loads(said["/state.json"])["incidents"]:
        path = f"/incidents/{incident['number']}.json"
        async with http.get(server.url + path) as answer:
            assert answer.status == 200
            said[path] = await answer.read()
    async with http.get(f"{server.url}/events", read_bufsize=2**22) as answer:
        said["/events"] = b""
        while said["/events"].count(b"\n\n") <= EVENTS:
            said["/events"] += await answer.content.readany()
    return said


def slip(_user, _message):
    raise ValueError(f"a handler that says {USER}")


def panel():
    return {
        "title": f"of {USER}",
        "note": USER,
        "columns": (USER, "b"),
        "rows": [(USER, TWIN)],
    }


def broken_panel():
    raise ValueError(USER)


broken_panel.__qualname__ = f"panel of {USER}"


async def subscribe_to_everything(client):
    for feed in FEEDS.values():
        members = {name: VALUES[name] for name in feed.required}
        await client.subscribe({"type": feed.type, **members}, partial(slip, USER))
    for user in (USER.upper().replace("0X", "0x"), TWIN):
        await client.subscribe_user_fills(user, lambda _: None)
    await client.subscribe({"type": "unheardOf", "user": USER, "as": TWIN})
    await client.subscribe({"type": f"feed of {USER}"})


async def test_no_address_is_whole_in_anything_that_is_served(http):
    settings = Settings(coins=("BTC",), user_rate=2.0, limits=Limits.none())
    async with Venue(settings) as venue:
        client = HyperLiquidIntegration(Config(network="local", api_url=venue.url))
        client.reconnect_delay = 0.1
        await subscribe_to_everything(client)
        await client.connect()
        async with client.serve(port=0, panels=(panel, broken_panel)) as server:
            async with asyncio.timeout(20):
                while client.get_reconnection_stats()["subscriptions"]["live"] < 20:
                    await asyncio.sleep(0.02)
                venue.inject(RefuseSubscriptions())
                venue.inject(Cut(how="rst"))
                while not client.get_reconnection_stats()["subscriptions"]["refused"]:
                    await asyncio.sleep(0.02)
                said = await everything(http, server)
        own = client.get_state()
        incidents = [client.get_incident(it["number"]) for it in own["incidents"]]
        await client.disconnect()

    assert {path for path, body in said.items() if not is_secret(body)} == set()
    assert is_secret(json.dumps([own, incidents], default=str).encode())
    # And it was told of all of them, each under a name of its own.
    state = json.loads(said["/state.json"])
    names = [it["name"] for it in state["subscriptions"]]
    assert {it["feed"] for it in state["subscriptions"]} >= set(FEEDS)
    assert "userFills(user=0xabcd…1234)" in names
    assert "userFills(user=0xabcd…1234) #2" in names
    assert {it["of"] for it in state["health"]["handlers"]} <= set(names)
    assert any(path.startswith("/incidents/") for path in said)
    assert b'key="userFills(user=0xabcd\xe2\x80\xa61234)"' in said["/metrics"]


def test_what_is_written_is_json_in_which_addresses_keep_their_ends():
    told = json.loads(written({"of": USER, USER: [TWIN.replace("0x", "0X"), 1]}))

    assert told == {"of": "0xAbCd…1234", "0xAbCd…1234": ["0XAbCd…1234", 1]}
