"""``bistoury replay``: the story of a journal on the screen, and as JSON lines."""

import json
from contextlib import contextmanager

import pytest
import typer
from typer.testing import CliRunner

from bistoury.cli.replay import replay
from bistoury.recorder.journal import Journal
from bistoury.session import events as on
from bistoury.simulator.faults import Refuse
from bistoury.simulator.settings import Settings
from bistoury.testing.pair import Pair

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(replay)


@contextmanager
def written(path):
    """Write a journal; give a client that is ready, to do something with."""
    journal = Journal(path, failed=print)
    pair = Pair(1, settings=Settings(coins=("BTC",)), journal=journal)
    pair.subscribe({"type": "trades", "coin": "BTC"})
    pair.connect()
    pair.run(10)
    yield pair
    pair.run(5)
    journal.file.flush()


@pytest.fixture
def journal(tmp_path):
    """Return the journal of one outage of four seconds or so."""
    path = tmp_path / "incident.jsonl"
    with written(path) as pair:
        _break(pair)
    return path


def _break(pair):
    pair.exchange.inject(Refuse(status=503), pair.now, 2)
    pair.feed(on.ReconnectRequested("user"))
    pair.run(60)
    pair.feed(on.CloseRequested())


def called(*arguments):
    return CliRunner().invoke(app, [str(it) for it in arguments])


def test_tells_when_what_why_and_until_when(journal):
    ended = called(journal)
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    first = next(line for line in lines if "outage 1" in line)
    assert "outage 1: user (user), until " in first
    assert "attempts" in first
    after = lines[lines.index(first) + 1]
    assert after.startswith("    ")
    assert "lost after" in after
    assert "events played back" in ended.stderr
    assert "differs" not in ended.stderr


def test_a_disconnect_that_was_asked_for_is_no_outage(journal):
    lines = called(journal).stdout.splitlines()

    assert sum("outage" in line for line in lines) == 1
    assert "lost after" in lines[-1]
    assert not lines[-1].startswith(" ")


def test_a_disconnect_that_was_asked_for_ends_an_outage(tmp_path):
    path = tmp_path / "given-up.jsonl"
    with written(path) as pair:
        pair.exchange.inject(Refuse(status=503), pair.now, 60)
        pair.feed(on.ReconnectRequested("user"))
        pair.run(5)
        pair.feed(on.CloseRequested())
        pair.run(100)
        pair.connect()

    lines = called(path).stdout.splitlines()
    (outage,) = (line for line in lines if "outage" in line)
    assert "disconnected on request at 14:13:35" in outage
    assert "5.0 s" in outage
    (back,) = (line for line in lines if "connection 5 ready" in line)
    assert not back.startswith(" ")


@pytest.mark.parametrize("content", [b"", b"root:x:0:0\n", b"\x7fELF\0\0", b"{}\n"])
def test_what_is_no_journal_is_an_error(tmp_path, content):
    file = tmp_path / "something"
    file.write_bytes(content)
    ended = called(file)

    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"{file} is no journal: ")
    assert ended.stdout == ""


def test_as_json_every_step_is_a_line(journal):
    ended = called(journal, "--json")
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {row["v"] for row in rows} == {1}
    events = [row["event"] for row in rows]
    assert {"Connected", "Ready", "Disconnected", "Reconnecting", "Gap"} <= set(events)
    summary = rows[-1]
    assert (summary["event"], summary["is_exact"]) == ("Summary", True)
    assert summary["damage"] is summary["differs"] is None
    assert summary["frames"]["trades:BTC"] > 0
    assert all(row["at"] and row["text"] for row in rows[:-1])


def test_stops_at_a_time_of_day(journal):
    rows = [json.loads(line) for line in called(journal, "--json").stdout.splitlines()]
    lost = next(row for row in rows if row["event"] == "Disconnected")
    until = lost["at"].split("T")[1][:8]
    assert until == "14:13:30"
    ended = called(journal, "--until", until)
    assert ended.exit_code == 0
    assert "connection 1 open" in ended.stdout
    assert "outage" not in ended.stdout


def test_a_damaged_file_is_told_as_far_as_it_goes(journal):
    journal.write_bytes(journal.read_bytes()[:-200])
    ended = called(journal)
    assert ended.exit_code == 0
    assert "outage 1" in ended.stdout
    assert "read as far as it goes: incident.jsonl, line" in ended.stderr


def test_a_journal_without_its_beginning_is_told_as_written(journal):
    lines = journal.read_text().splitlines()
    lines[0] = json.dumps(json.loads(lines[0]) | {"part": 2})
    journal.write_text("\n".join(lines) + "\n")
    ended = called(journal)
    assert ended.exit_code == 0
    assert "outage 1" in ended.stdout
    assert "the beginning is gone" in ended.stderr


def test_wrong_use_is_said(journal, tmp_path):
    missing = called(tmp_path / "nothing.jsonl")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
    bad = called(journal, "--until", "noon")
    assert bad.exit_code == 2
    assert "--until" in bad.stderr
