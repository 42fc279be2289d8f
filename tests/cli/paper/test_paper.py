"""``bistoury paper``, as users type it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from threading import Event
from time import monotonic
from types import SimpleNamespace

import pytest

from bistoury.paper_trading.events import FeedChanged


@pytest.mark.slow
def test_a_day_of_paper_trading(start, command, tmp_path):
    journal = tmp_path / "paper.sqlite"
    paper = start("--journal", journal, "--cash", "5000")
    paper.live()

    bought = paper.run("buy", "BTC", "0.01")
    assert bought.exit_code == 0, bought.stderr
    assert bought.stdout.startswith("PAPER: filled 0.01 at ")
    resting = paper.run("buy", "ETH", "0.1", "--limit", "1000", "--tif", "Alo")
    assert resting.stdout.startswith("PAPER: order ")
    refused = paper.run("sell", "BTC", "0.000001")
    assert (refused.exit_code, refused.stdout[:14]) == (1, "PAPER: refused")
    wrong = paper.run("buy", "DOGE", "1")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "one of BTC, ETH" in wrong.stderr
    taking = paper.run("buy", "ETH", "0.01", "--tif", "Alo")
    assert (taking.exit_code, taking.stdout) == (2, "")
    assert "tif" in taking.stderr

    listed = paper.json("orders")
    assert [(it["coin"], it["limitPx"]) for it in listed["orders"]] == [
        ("ETH", "1000.0")
    ]
    state = paper.json("status", "--account", "main")
    [account] = state["accounts"]
    assert account["positions"][0]["szi"] == "0.01"
    shown = paper.run("status")
    for text in ("PAPER", "connected", "BTC", "Open Long", "main"):
        assert text in shown.stdout
    nobody = paper.run("status", "--account", "nobody")
    assert (nobody.exit_code, "one of main" in nobody.stderr) == (2, True)

    canceled = paper.run("cancel", listed["orders"][0]["oid"])
    assert canceled.stdout == "PAPER: canceled 1\n"
    nothing = paper.run("cancel", "all")
    assert (nothing.exit_code, nothing.stdout) == (0, "PAPER: canceled 0\n")
    sold = paper.run("sell", "BTC", "0.01", "--reduce-only")
    assert sold.stdout.startswith("PAPER: filled 0.01 at ")

    tid = account["latest_fills"][0]["tid"]
    why = paper.run("explain", tid)
    assert why.exit_code == 0
    assert "because    the order took 0.0" in why.stdout
    assert paper.run("explain", "99").exit_code == 2

    page = tmp_path / "report.html"
    assert paper.run("report", "--output", page).exit_code == 0
    assert "uPlot" in page.read_text("utf-8")
    rows = csv.DictReader(io.StringIO(paper.run("report", "--format", "csv").stdout))
    assert sum(Decimal(it["sz"]) for it in rows) == Decimal("0.02")
    report = paper.json("report")
    assert (report["v"], report["paper"], report["begun_with"]) == (1, True, "5000")

    reset = paper.run("reset", "--account", "grid", "--cash", "70", "--yes")
    assert reset.stdout == "PAPER: grid begins with 70 USDC on paper\n"
    status, out, _, seconds = paper.interrupt()
    assert (status, seconds < 2) == (130, True)
    facts = [json.loads(line) for line in out.splitlines()]
    assert all(it["v"] == 1 and it["paper"] for it in facts)
    assert "Filled" in {it["event"]["type"] for it in facts}

    # The server is gone, the journal is not.
    assert paper.run("status").exit_code == 3
    old = command("status", "--journal", journal)
    assert old.exit_code == 0
    assert "as it was when the journal ended" in old.stdout.replace("\n", " ")
    assert command("orders", "--journal", journal).stdout == ""
    assert command("report", "--journal", journal).stdout.startswith("PAPER")
    assert "BTC" in command("explain", tid, "--journal", journal).stdout
    again = start("--journal", journal)
    again.live()
    accounts = again.json("status")["accounts"]
    assert {it["name"] for it in accounts} == {"main", "grid"}


@pytest.mark.slow
def test_assumptions_are_set_and_the_journal_has_its_place(start, command, tmp_path):
    paper = start(
        *("--set", "on_gap=pessimistic", "--set", "seed=7"),
        *("--set", "max_data_age=3.5", "--coins", "BTC"),
        env={"XDG_STATE_HOME": str(tmp_path)},
    )
    paper.live()
    state = paper.json("status")

    assert [it["coin"] for it in state["coins"]] == ["BTC"]
    assumed = state["assumptions"]
    assert (assumed["on_gap"], assumed["seed"]) == ("pessimistic", 7)
    assert assumed["max_data_age"] == 3.5
    assert (tmp_path / "bistoury" / "paper.sqlite").is_file()


@pytest.mark.slow
def test_a_venue_that_is_away_is_waited_for(start, command, unused_tcp_port):
    away = f"http://127.0.0.1:{unused_tcp_port}"
    paper = start("--no-journal", api_url=away)
    status = paper.run("status")
    order = paper.run("buy", "BTC", "1")
    ended, _, err, seconds = paper.interrupt()

    assert status.exit_code == 1
    assert "nothing was heard of the market yet" in status.stdout
    assert order.exit_code == 2
    assert "going on trying" in err
    assert (ended, seconds < 2) == (130, True)


@pytest.mark.slow
def test_in_a_terminal_a_live_table_is_shown_and_given_back(local_url):
    outer, inner = pty.openpty()
    args = ["paper", "start", "--api-url", local_url, "--port", "0", "--no-journal"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bistoury", *args],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(inner)
    shown, latest = b"", monotonic() + 30
    try:
        while b"main" not in shown or b"live" not in shown:
            assert monotonic() < latest, shown
            if select.select([outer], [], [], 1)[0]:
                shown += os.read(outer, 65536)
        process.send_signal(signal.SIGINT)
        pressed = monotonic()
        # What is still written must be read, or the process would wait for that.
        with suppress(OSError):  # the other end is closed
            while select.select([outer], [], [], 5)[0]:
                shown += os.read(outer, 65536)
        status = process.wait(10)
        took = monotonic() - pressed
    finally:
        process.kill()
        process.wait()
        os.close(outer)

    assert (status, took < 2) == (130, True)
    assert b" PAPER " in shown
    assert b"\x1b[?1049h" in shown
    assert shown.rindex(b"\x1b[?1049l") > shown.rindex(b"\x1b[?1049h")


def test_what_is_no_paper_server_is_not_taken_for_one(command, local_url):
    ended = command("status", "--at", local_url)

    assert ended.exit_code == 3
    assert "is not a paper server" in ended.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["start", "--cash", "0"], "cash"),
        (["start", "--set", "magic=1"], "one of block"),
        (["start", "--set", "seed=x"], "seed"),
        (["start", "--set", "seed"], "NAME=VALUE"),
        (["start", "--agent", "0x12=0x34", "--no-journal"], "agents"),
        (["start", "--signed-for", "moon"], "testnet or mainnet"),
        (["start", "--host", "0.0.0.0", "--no-journal"], "without a token"),
        (["start", "--journal", "x", "--no-journal"], "only one"),
        (["start", "--token-file", "nowhere"], "a file to read"),
        (["status", "--at", "nowhere"], "a URL such as http://127.0.0.1:8767"),
        (["cancel", "everything"], "a number, or all"),
        (["reset"], "say --yes"),
        (["report", "--format", "pdf"], "one of text, json, csv, html"),
        (["status", "--live"], "needs a terminal"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(command, args, said):
    ended = command(*args)

    assert ended.exit_code == 2, ended.stderr
    assert said in ended.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    "args",
    [["status"], ["orders"], ["buy", "BTC", "1"], ["report"], ["explain", "1"]],
)
def test_without_a_server_the_status_is_three(command, unused_tcp_port, args):
    ended = command(*args, "--at", f"http://127.0.0.1:{unused_tcp_port}")

    assert (ended.exit_code, ended.stdout) == (3, "")
    assert "bistoury paper start" in ended.stderr


def test_a_journal_that_is_not_there_is_named(command, tmp_path):
    for name in (["status"], ["orders"], ["report"], ["explain", "1"]):
        ended = command(*name, "--journal", str(tmp_path / "none.sqlite"))
        assert ended.exit_code == 1
        assert "there is no such file" in ended.stderr


async def test_whoever_does_not_read_the_facts_holds_nobody_up(monkeypatch):
    lines = import_module("bistoury.cli.paper.start")._lines
    is_read, written = Event(), []

    def write(line):
        written.append(line)
        if "event" in line:
            assert is_read.wait(10)

    monkeypatch.setattr("bistoury.cli.output.write_json", write)

    class Engine:
        async def events(self):
            for number in range(3):
                yield FeedChanged(at=number, coin="BTC", state="live")

    work = asyncio.ensure_future(lines(Engine(), SimpleNamespace(url="http://here")))
    async with asyncio.timeout(5):
        while len(written) < 2:
            await asyncio.sleep(0.01)  # the loop goes on while nobody reads
    is_read.set()
    await work

    assert [line.get("url") for line in written] == ["http://here", None, None, None]
    assert [it["event"]["at"] for it in written[1:]] == [0, 1, 2]
