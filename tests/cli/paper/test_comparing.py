"""``bistoury paper parity``, as users type it."""

from __future__ import annotations

import json

import pytest

from bistoury.paper_trading import PaperConfig
from bistoury.paper_trading.recording import Recorder

START = 1_790_000_000_000
USER = "0x" + "ab" * 20
META = {"universe": [{"name": "BTC", "szDecimals": 5, "maxLeverage": 40}]}
LEVELS = [[{"px": "99", "sz": "1", "n": 1}], [{"px": "101", "sz": "2", "n": 1}]]


def shown(at):
    return START + at, {
        "channel": "l2Book",
        "data": {"coin": "BTC", "time": START + at, "levels": LEVELS},
    }


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "market.log"
    recorder = Recorder(path, [{"meta": META}], PaperConfig(), [], START)
    for at in (0, 1000, 2000):
        recorder.take(*shown(at))
    recorder.close(START + 3000)
    return path


@pytest.fixture
def rows(tmp_path):
    order = {
        "coin": "BTC",
        "side": "B",
        "limitPx": "102",
        "origSz": "1",
        "oid": 1,
        "timestamp": START + 900,
        "isTrigger": False,
        "tif": "Ioc",
    }
    entry = {"order": order, "status": "filled", "statusTimestamp": START + 900}
    fill = {"oid": 1, "px": "100", "sz": "1", "time": START + 950, "coin": "BTC"}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"orders": [entry], "fills": [fill]}))
    return path


def test_real_fills_stand_beside_those_on_paper(command, recorded, rows):
    ended = command("parity", recorded, "--rows", rows)
    assert ended.exit_code == 0, ended.stderr
    assert "PAPER beside 1 real orders" in ended.stdout
    assert "50 ms really, 100 ms on paper" in ended.stdout
    assert "100.00 bp mean" in ended.stdout

    told = json.loads(
        command("parity", recorded, "--rows", rows, "--json", "--set", "seed=3").stdout
    )
    assert told["filled"]["both"] == 1
    assert told["assumptions"]["seed"] == 3


def test_an_account_is_asked_of_the_venue(command, recorded, local_url):
    ended = command(
        "parity", recorded, "--user", USER, "--api-url", local_url, "--json"
    )
    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout)["orders"] == 0


def test_a_capture_of_others_gets_the_rules_from_the_venue(
    command, recorded, rows, local_url
):
    lines = recorded.read_bytes().splitlines(keepends=True)[1:-1]
    recorded.write_bytes(b"".join(lines))
    ended = command(
        "parity", recorded, "--rows", rows, "--api-url", local_url, "--json"
    )
    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout)["filled"]["both"] == 1


@pytest.mark.usefixtures("recorded", "rows")
@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["market.log"], 2, "--rows"),
        (["market.log", "--rows", "rows.json", "--user", USER], 2, "--rows"),
        (["market.log", "--user", "me"], 2, "user"),
        (["market.log", "--rows", "rows.json", "--set", "queue=no"], 2, "queue"),
        (["none.log", "--rows", "rows.json"], 2, "No such file"),
        (["market.log", "--rows", "market.log"], 1, "venue's shape"),
        (["rows.json", "--rows", "rows.json"], 1, "line 1"),
    ],
)
def test_what_cannot_be_compared_is_said(command, args, status, said):
    ended = command("parity", *args)
    assert (ended.exit_code, ended.stdout) == (status, "")
    assert said in ended.stderr
