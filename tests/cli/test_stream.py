"""``bistoury stream`` against a venue on a real port."""

from __future__ import annotations

import json

import pytest

from bistoury.simulator.faults import Cut, RefuseSubscriptions, Silent

NOBODY = "http://127.0.0.1:1"
USER = "0x" + "ab" * 20


def stream(venue, *args):
    return ("stream", *args, "--api-url", venue.url)


async def test_messages_are_json_lines_on_stdout_and_nothing_else_is(shell, venue):
    ended = await shell.run(*stream(venue, "trades", "BTC", "--count", "3"))

    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.status == 0
    assert len(lines) == 3
    assert all(line["v"] == 1 for line in lines)
    assert all(line["channel"] == "trades" for line in lines)
    assert lines[0]["snapshot"] is True
    assert "ready" in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ("allMids",),
        ("candle", "BTC", "--interval", "1m"),
        ("l2Book", "BTC", "--param", "nSigFigs=5"),
        ("userFills", "--user", USER),
        ("bbo", "ETH", "--json", "--network", "local"),
    ],
)
async def test_streams_any_type(shell, venue, args):
    ended = await shell.run(*stream(venue, *args, "--count", "1"))

    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["channel"] == args[0]


async def test_ends_when_the_time_is_up(shell, venue):
    ended = await shell.run(*stream(venue, "allMids", "--for", "1500ms"))

    assert ended.status == 0
    assert ended.out


async def test_events_are_json_lines_in_order_when_asked_for(shell, venue):
    command = await shell.start(*stream(venue, "trades", "BTC", "--events"))
    while json.loads(await command.line()).get("channel") != "trades":
        pass
    venue.inject(Cut(how="close", code=1000, reason="Expired"))
    while json.loads(await command.line()).get("event") != "ready":
        pass

    ended, _ = await command.interrupt()

    lines = [json.loads(line) for line in ended.out.splitlines()]
    events = [line["event"] for line in lines if line.get("event", "gap") != "gap"]
    wanted = [
        "connected",
        "ready",
        "disconnected",
        "reconnecting",
        "connected",
        "ready",
    ]
    assert events[:6] == wanted
    lost = next(line for line in lines if line.get("event") == "disconnected")
    assert (lost["v"], lost["cause"], lost["code"]) == (1, "server_rotation", 1000)


async def test_a_venue_that_is_not_there_is_status_3(shell):
    ended = await shell.run(
        *("stream", "allMids", "--api-url", NOBODY, "--connect-timeout", "1s")
    )

    assert ended.status == 3
    assert ended.out == ""
    assert "was not reached within 1 s: network" in ended.err


async def test_a_refusal_is_status_1_with_the_venues_own_words(shell, venue):
    ended = await shell.run(*stream(venue, "trades", "NOPE"))

    assert ended.status == 1
    assert 'Invalid subscription {"type":"trades","coin":"NOPE"}' in ended.err


async def test_a_refusal_after_a_reconnection_is_status_1_too(shell, venue):
    command = await shell.start(*stream(venue, "trades", "BTC"))
    await command.line()
    venue.inject(RefuseSubscriptions(text="Invalid subscription {subscription}"))
    venue.inject(Cut(how="rst"))

    ended = await command.end()

    assert ended.status == 1
    assert "refused" in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ("candle", "BTC", "--interval", "7m"),
        ("trades", "B TC"),
        ("trades",),
        ("userFills", "--user", "0x12"),
        ("trades", "BTC", "--for", "soon"),
        ("trades", "BTC", "--network", "mainet"),
        ("trades", "BTC", "--param", "x"),
        ("trades", "BTC", "--count", "0"),
    ],
)
async def test_wrong_use_is_status_2_and_a_sentence(shell, args):
    ended = await shell.run("stream", *args)

    assert ended.status == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err


async def test_a_bad_environment_is_status_2_and_names_the_key(shell):
    ended = await shell.run(
        "stream", "allMids", env={"BISTOURY_MESSAGE_TIMEOUT": "soon"}
    )

    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert "BISTOURY_MESSAGE_TIMEOUT" in ended.err


async def test_head_may_leave_early(shell, venue):
    command = await shell.start(*stream(venue, "trades", "BTC"))
    await command.line()
    command.process.stdout._transport.close()

    status = await command.process.wait()

    assert status == 0
    assert b"Traceback" not in await command.process.stderr.read()


async def test_ctrl_c_ends_it_with_130_whatever_the_venue_does(shell, venue):
    command = await shell.start(*stream(venue, "trades", "BTC"))
    await command.line()
    venue.inject(Silent())

    ended, took = await command.interrupt()

    assert ended.status == 130
    assert took < 2.0
    assert "Traceback" not in ended.err
