"""``bistoury serve`` and ``bistoury status``: the container's view."""

from __future__ import annotations

import asyncio
import json
import socket

import aiohttp
import pytest

from bistoury.simulator.faults import Cut, Refuse

USER = "0x" + "ab" * 20
TOKEN = "a-token-of-some-length"


async def started(shell, venue, *args):
    command = await shell.start(
        *("serve", "--api-url", venue.url, "--port", "0", "--json", *args)
    )
    return command, json.loads(await command.line())["url"]


async def ready(shell, url, status=0, more=()):
    async with asyncio.timeout(20):
        while (ended := await shell.run("status", "--at", url, *more)).status != status:
            await asyncio.sleep(0.1)
    return ended


async def test_a_page_is_served_until_ctrl_c(shell, venue):
    command, url = await started(shell, venue)
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/metrics", "/healthz", "/state.json"):
            async with http.get(url + path) as answer:
                assert answer.status == 200, path
    ended, seconds = await command.interrupt()

    assert ended.status == 130
    assert seconds < 2


async def test_status_follows_a_served_client_through_an_outage(shell, venue):
    command, url = await started(shell, venue, "--subscribe", "trades BTC")
    told = await ready(shell, url)
    assert told.out.startswith("● ok: 1 subscription live")
    assert "trades(coin=BTC)" in told.out

    venue.inject(Refuse())
    venue.inject(Cut())
    told = await ready(shell, url, status=1)

    assert told.out.startswith("○ down")
    as_json = await shell.run("status", "--at", url, "--json")
    assert as_json.status == 1
    assert json.loads(as_json.out)["v"] == 1
    assert not json.loads(as_json.out)["ready"]
    ended, _ = await command.interrupt()
    assert "connection 1 lost" in ended.err


async def test_logs_can_be_json(shell, venue):
    command, url = await started(shell, venue, "--log", "json")
    await ready(shell, url)
    ended, _ = await command.interrupt()

    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert {"connected", "ready", "disconnected"} <= {it.get("event") for it in lines}


async def test_a_token_is_asked_for_and_given_in_a_file(shell, venue, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    _, url = await started(shell, venue, "--token-file", file)

    refused = await shell.run("status", "--at", url)
    assert refused.status == 3
    assert "--token" in refused.err
    assert (await shell.run("status", "--at", url, "--token-file", file)).status in (
        0,
        1,
    )


async def test_status_connects_a_client_of_its_own_for_a_moment(shell, venue):
    told = await shell.run("status", "--api-url", venue.url, "--json")

    state = json.loads(told.out)
    assert told.status == 0
    assert len(state["subscriptions"]) == 3
    assert state["network"] == "local"  # by its URL: no network was named


async def test_a_refused_subscription_is_shown_with_the_venues_words(shell, venue):
    wanted = ("--subscribe", "trades NOPE")
    told = await shell.run("status", "--api-url", venue.url, *wanted, "--json")

    state = json.loads(told.out)
    assert state["verdict"]["status"] == "degraded"
    assert state["subscriptions"][0]["error"].startswith("Invalid subscription")


async def test_only_a_verdict_of_ok_is_status_0_unless_readiness_is_asked(shell, venue):
    wanted = ("--subscribe", "trades BTC", "--subscribe", "trades NOPE")
    _, url = await started(shell, venue, *wanted)
    await ready(shell, url, status=0, more=("--ready",))

    told = await shell.run("status", "--at", url, "--json")

    assert json.loads(told.out)["verdict"]["status"] == "degraded"
    assert json.loads(told.out)["ready"]
    assert told.status == 1


async def test_a_client_of_its_own_with_a_refused_feed_is_no_status_0(shell, venue):
    wanted = ("--api-url", venue.url, "--subscribe", "trades NOPE")

    assert (await shell.run("status", *wanted)).status == 1
    assert (await shell.run("status", *wanted, "--ready")).status == 0


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://name.invalid", "the name was not found"),
        ("https://127.0.0.1:1", "connection refused"),
    ],
)
async def test_nobody_there_is_status_3_and_said_plainly(shell, url, why):
    told = await shell.run("status", "--at", url)

    assert told.status == 3
    assert told.err.startswith(f"{url}: {why}")
    assert len(told.err.strip().splitlines()) == 1


async def test_a_peer_that_speaks_something_else_is_said_plainly(shell):
    async def greet(_, writer):
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        plain = await shell.run("status", "--at", f"http://{host}:{port}")
        secure = await shell.run("status", "--at", f"https://{host}:{port}")

    assert (plain.status, secure.status) == (3, 3)
    assert plain.err.endswith("what answers there does not speak HTTP\n")
    assert secure.err.endswith("the peer does not speak TLS\n")


async def test_something_else_there_is_status_3(shell, venue):
    told = await shell.run("status", "--at", venue.url)

    assert told.status == 3
    assert "not a served client" in told.err


async def test_a_venue_that_cannot_be_reached_is_status_3(shell):
    told = await shell.run(
        "status", "--api-url", "http://127.0.0.1:1", "--within", "1s"
    )

    assert told.status == 3
    assert "down" in told.out


@pytest.mark.parametrize("wrong", ["host", "token", "port", "alerts"])
async def test_the_venue_is_not_asked_before_what_was_typed_is_fine(
    shell, venue, tmp_path, wrong
):
    token, alerts = tmp_path / "token", tmp_path / "alerts.toml"
    token.write_text("short")
    alerts.write_text('to = ["nonsense"]')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        more = {
            "host": ("--host", "0.0.0.0"),
            "token": ("--token-file", token),
            "port": ("--port", taken.getsockname()[1]),
            "alerts": ("--port", "0", "--alerts", alerts),
        }[wrong]
        ended = await shell.run("serve", "--api-url", venue.url, *more)

    assert ended.status == 2
    assert ended.out == ""
    assert "connection" not in ended.err
    assert len(ended.err.splitlines()) == 1
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{venue.url}/sim/state") as answer,
    ):
        assert (await answer.json())["counters"]["connected"] == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("serve", "--host", "0.0.0.0"), "token"),
        (("serve", "--log", "loud"), "plain, json, none"),
        (("serve", "--token-file", "/no/such/file"), "No such file"),
        (("serve", "--alerts", "/no/such/file"), "No such file"),
        (("status", "--at", "nonsense"), "--at"),
        (("status", "--at", "http://x", "--subscribe", "trades BTC"), "--subscribe"),
        (("status", "--within", "soon"), "--within"),
        (("watch",), "terminal"),
        (("watch", "--every", "0s", "--json"), "--every"),
    ],
)
async def test_wrong_use_is_status_2_and_one_sentence(shell, venue, args, says):
    more = () if "--at" in args else ("--api-url", venue.url)
    ended = await shell.run(*args, *more)

    assert ended.status == 2
    assert says in ended.err
    assert "Traceback" not in ended.err
