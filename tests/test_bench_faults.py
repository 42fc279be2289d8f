"""The table of faults: who is beaten, and what is said of it."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _load():
    path = ROOT / "bench" / "faults" / "table.py"
    spec = importlib.util.spec_from_file_location("faults_table", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


table = _load()


def row(client, **figures):
    good = {
        "notice": 0.0,
        "recover": 1.0,
        "lost": 0,
        "repeated": 0,
        "attempts": 1,
        "published": 9,
        "declared": 0,
        "version": "1",
    }
    return {"fault": "reset", "client": client, **good, **figures}


def found(*rows):
    return {"plays": list(rows), "missing": {}}


@pytest.mark.parametrize(
    ("figure", "ours", "theirs"),
    [
        ("notice", 2.0, 1.0),
        ("notice", None, 9.0),
        ("recover", 4.0, 1.0),
        ("lost", 1, 0),
        ("repeated", 1, 0),
        ("attempts", 2, 1),
    ],
)
def test_a_better_client_is_said_with_both_figures(figure, ours, theirs):
    plays = found(row("bistoury", **{figure: ours}), row("other", **{figure: theirs}))
    (sentence,) = table.beaten(plays)
    assert sentence == (f"reset: other is better in {figure}: {theirs} against {ours}")


def test_what_is_equal_or_a_poll_apart_is_not_better():
    assert table.beaten(found(row("bistoury", notice=0.4), row("other"))) == []
    assert table.beaten(found(row("bistoury", recover=2.9), row("other"))) == []


def test_who_never_comes_back_is_not_better_for_trying_seldom():
    plays = found(row("bistoury", attempts=6), row("other", attempts=0, recover=None))
    assert table.beaten(plays) == []


def test_a_reason_may_be_given_and_is_printed(monkeypatch):
    monkeypatch.setattr(table, "REASONS", {("reset", "recover"): "it waits"})
    plays = found(row("bistoury", recover=60.0), row("other"))
    assert table.beaten(plays) == []
    assert "reset, data on every feed after, s: it waits" in table.render(plays)


def test_bistoury_is_best_or_equal_in_every_row_that_is_kept_or_a_reason_says_why():
    kept = json.loads((ROOT / "docs" / "figures" / "peers.json").read_text())
    assert table.beaten(kept) == []
    faults = {it["fault"] for it in kept["plays"]}
    clients = {it["client"] for it in kept["plays"]} | set(kept["missing"])
    assert len(faults) == 8
    assert {
        "bistoury",
        "ccxt.pro",
        "hyperliquid-python-sdk",
        "nautilus_trader",
    } <= clients
