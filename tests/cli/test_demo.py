"""``bistoury demo``, for real and sabotaged."""

from __future__ import annotations

import io
import json
import sys

import pytest

from bistoury.cli.demonstration import BREAKS, Break, Pace, play
from bistoury.cli.demonstration.document import document
from bistoury.cli.demonstration.screen import Screen
from bistoury.cli.demonstration.tape import Tape
from bistoury.simulator.faults import Cut, Refuse

play_module = sys.modules[play.__module__]

HURRY = Pace(overture=1.0, settling=0.0, between=0.2)
RESET = BREAKS[:1]
LOSSLESS = {"trades", "userFills", "orderUpdates"}


@pytest.mark.slow
async def test_breaks_eight_connections_and_loses_nothing(shell):
    ended = await shell.run("demo", "--fast", timeout=110)

    assert ended.status == 0, ended.out
    assert [f"{n}/8" in ended.out for n in range(1, 9)] == [True] * 8
    assert ended.out.count("ready after") == 8
    assert ended.out.count("12 of 12 subscriptions acknowledged") == 8
    assert "12 asked again" in ended.out
    for cause in ("network", "server_rotation", "rate_limited", "silent", "rejected"):
        assert cause in ended.out
    assert "published  delivered  recovered  in gaps  lost  repeated" in ended.out
    assert "none lost, none repeated, all subscriptions restored" in ended.out
    # A plain log: nothing is drawn over.
    assert "\x1b" not in ended.out + ended.err
    assert ended.err == ""


async def perform(capsys, **options):
    """Play a part of it here, and return the outcome and what was shown."""
    screen = Screen(to_stdout=True)
    outcome = await play(screen, HURRY, breaks=RESET, **options)
    screen.finale(outcome)
    return outcome, capsys.readouterr().out


async def test_the_proof_holds_after_a_reset(capsys):
    outcome, shown = await perform(capsys, seed=3)

    assert outcome.is_sound
    assert "1/1  TCP reset" in shown
    assert "✓ 1 broken connections" in shown


async def test_events_that_never_reached_the_application_are_found(capsys):
    outcome, shown = await perform(
        capsys, hides=lambda stream, _: stream.startswith("trades:")
    )

    lost = {row.stream: row.lost for _, row in outcome.rows if row.lost}
    assert not outcome.is_sound
    assert lost
    assert all(stream.startswith("trades:") for stream in lost)
    assert f"✗ {sum(lost.values())} events lost" in shown


async def test_events_that_came_twice_are_found(capsys, monkeypatch):
    listen = Tape.listen

    def twice(self, name, user=""):
        once = listen(self, name, user)
        return lambda message: (once(message), once(message))

    monkeypatch.setattr(Tape, "listen", twice)

    outcome, shown = await perform(capsys)

    assert not outcome.is_sound
    assert any(row.repeated for _, row in outcome.rows)
    assert "none repeated" not in shown


async def test_the_command_fails_when_the_proof_does(shell):
    program = """
import sys
from bistoury.cli import demonstration, main
from bistoury.cli.demonstration import BREAKS, Break, Pace, play

async def sabotaged(screen, pace, *, seed):
    hides = lambda stream, key: stream.startswith("trades:")
    pace = Pace(overture=2.0, settling=0.0, between=0.2)
    return await play(screen, pace, seed=seed, breaks=BREAKS[:1], hides=hides)

demonstration.play = sabotaged
sys.argv = ["bistoury", "demo", "--json"]
main()
"""
    ended = await shell.run(program=("-c", program))

    told = json.loads(ended.out)
    assert ended.status == 1, ended.err
    assert (told["v"], told["ok"]) == (1, False)
    assert any(it["lost"] for it in told["streams"])
    assert "events lost" in ended.err


async def test_a_connection_that_does_not_come_back_is_a_failure(capsys, monkeypatch):
    async def act(stage):
        stage.inject(Refuse())
        stage.inject(Cut(how="rst"))

    monkeypatch.setattr(play_module, "_READY_WITHIN", 1.0)
    screen = Screen(to_stdout=True)

    outcome = await play(screen, HURRY, breaks=[Break("gone", "Gone", "for good", act)])
    screen.finale(outcome)

    shown = capsys.readouterr().out
    assert not outcome.is_sound
    assert "✗ not ready again within 1 s" in shown
    assert "1 of 1 connections not" in shown
    assert document(outcome)["breaks"][0]["error"]


async def test_json_tells_all_there_is_to_tell(capsys):
    outcome, _ = await perform(capsys)

    told = document(outcome)

    one = told["breaks"][0]
    assert told["ok"] is True
    assert (one["name"], one["cause"], one["code"]) == ("reset", "network", None)
    assert one["acknowledged"] == one["wanted"] == 12
    assert 0 <= one["noticed_after"] <= one["ready_after"]
    assert one["brought_back"] + one["in_gaps"] == one["published_meanwhile"]
    assert sum(one["gaps"].values()) == 12
    assert {it["stream"].split(":")[0] for it in told["streams"]} == LOSSLESS
    assert {it["feed"] for it in told["states"]} >= {"allMids", "l2Book BTC", "bbo BTC"}
    json.dumps(told)


def test_the_eight_ways_are_eight():
    assert len({one.name for one in BREAKS}) == 8


@pytest.mark.parametrize("args", [("--network", "mainnet"), ("--api-url", "http://x")])
async def test_it_has_a_venue_of_its_own(shell, args):
    ended = await shell.run("demo", *args)

    assert ended.status == 2
    assert "its own venue" in ended.err


async def test_the_environment_does_not_lead_it_elsewhere(shell):
    env = {
        "BISTOURY_API_URL": "https://venue.invalid",
        "BISTOURY_PROXY": "http://127.0.0.1:1",
        "BISTOURY_RECONNECT_DELAY": "60",
    }
    command = await shell.start("demo", env=env)
    while "connected and subscribed" not in await command.line():
        pass

    ended, took = await command.interrupt()

    assert ended.status == 130
    assert took < 2.0
    assert "Traceback" not in ended.err


class Terminal(io.StringIO):
    def isatty(self):
        return True


async def test_a_status_line_is_drawn_on_a_terminal_and_taken_away(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    await perform(capsys)

    drawn = terminal.getvalue()
    assert "messages" in drawn
    assert drawn.startswith("\r\x1b[2K")
