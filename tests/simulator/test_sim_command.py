"""The command ``bistoury sim``, run as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bistoury.cli.sim import sim

SOURCE = Path(__file__).parents[2] / "src"
APP = typer.Typer()
APP.command()(sim)


def run(*words):
    return CliRunner().invoke(APP, list(words))


@pytest.fixture
def running(tmp_path):
    """A venue in a process of its own; yields the process and its URL."""
    started = []

    def start(*words):
        code = (
            "import typer; from bistoury.cli.sim import sim;"
            "app = typer.Typer(); app.command()(sim); app()"
        )
        process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-c", code, "--port", "0", "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        started.append(process)
        return process, json.loads(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_it_prints_its_url_serves_and_ends_with_a_signal(running, number, status):
    process, line = running("--coins", "BTC,ETH")
    body = json.dumps({"type": "allMids"}).encode()
    with urllib.request.urlopen(line["url"] + "/info", body, timeout=5) as response:
        mids = json.load(response)

    process.send_signal(number)
    _, errors = process.communicate(timeout=2)

    assert line["v"] == 1
    assert list(mids) == ["BTC", "ETH"]
    assert process.returncode == status
    # With ``-X dev`` a slow machine is told of slow steps.
    said = [it for it in errors.splitlines() if not it.startswith("Executing <")]
    assert len(said) == 1
    assert line["url"] in said[0]


def test_a_running_venue_takes_faults_and_is_healed(running):
    _, line = running()

    injected = run("--at", line["url"], "--inject", "silent:out", "--for", "60")
    state = run("--at", line["url"])
    healed = run("--at", line["url"], "--heal")

    assert json.loads(injected.stdout)["number"] == 1
    assert json.loads(state.stdout)["faults"][0]["fault"]["direction"] == "out"
    assert json.loads(healed.stdout)["healed"] is True


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--coins", "BTC,B T C"], "coins"),
        (["--coins", "0"], "coins"),
        (["--speed", "0"], "speed"),
        (["--plan", "/nowhere.toml"], "nowhere"),
        (["--replay", "/nowhere.gz"], "nowhere"),
        (["--plan", "x", "--faults-seed", "1"], "plan"),
        (["--at", "nonsense", "--heal"], "at:"),
        (["--inject", "nonsense"], "fault"),
        (["--port", "70000"], "port"),
    ],
)
def test_a_bad_option_ends_with_2_and_a_sentence(words, named):
    result = run(*words)

    assert result.exit_code == 2
    assert named in result.stderr


def test_a_venue_that_does_not_answer_ends_with_3():
    result = run("--at", "http://127.0.0.1:9", "--heal")

    assert result.exit_code == 3
    assert "no venue answers" in result.stderr


def test_a_port_in_use_ends_with_2(running):
    _, line = running()
    port = line["url"].rsplit(":", 1)[1]

    result = run("--port", port)

    assert result.exit_code == 2
    assert "port" in result.stderr


def test_a_recording_is_replayed_and_its_bad_lines_named(running, tmp_path):
    tape = tmp_path / "tape"
    tape.write_text('nonsense\n5 {"channel":"allMids","data":{"mids":{}}}\n')
    process, line = running("--replay", str(tape))

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=2)

    assert line["url"]
    assert "line 1 was skipped" in errors
    assert process.returncode == 130
