"""
Every Python block of the specification, run as it stands against the local venue.

Once under the specification's spelling, ``src.bistoury``, from a checkout that is
not installed; once as ``bistoury``, from the wheel that users get.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The folder that the built wheel is installed in."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (
        "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    )
    subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-index", "--disable-pip-version-check"),
            *("--target", str(folder / "site"), str(built)),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "site"


@pytest.fixture(scope="module", params=["src.bistoury", "bistoury"])
def played(request, blocks, venue, tmp_path_factory):
    """What came of every block, by scene."""
    folder = tmp_path_factory.mktemp("played")
    (folder / "blocks.json").write_text(json.dumps(blocks))
    is_checkout = request.param == "src.bistoury"
    source = ROOT if is_checkout else request.getfixturevalue("wheel")
    environment = {
        name: value for name, value in os.environ.items() if "BISTOURY" not in name
    }
    # With -S no .pth file is read, so the editable installation is out of sight.
    environment |= {
        "PYTHONPATH": f"{source}{os.pathsep}{sysconfig.get_path('purelib')}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "BISTOURY_NETWORK": "local",
        "BISTOURY_API_URL": venue.url,
    }
    python = [sys.executable, "-S", "-P", "-X", "dev", "-W", "error"]
    other = "bistoury" if is_checkout else "src.bistoury"
    absent = subprocess.run(
        [*python, "-c", f"import {other}"],
        cwd=ROOT if is_checkout else folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert b"ModuleNotFoundError" in absent.stderr, "another installation is in sight"
    done = subprocess.run(
        [
            *python,
            *(str(HERE / "play.py"), request.param),
            *(str(folder / "blocks.json"), str(folder / "report.json")),
        ],
        cwd=ROOT if is_checkout else folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report.json").read_text())
    report["stderr"] = done.stderr
    report["source"] = str(source)
    return report


def result_of(played, scene):
    (block,) = [it for it in played["blocks"] if it["scene"] == scene]
    assert block["error"] is None, block["error"]
    return block


def test_every_block_has_its_scene_and_every_scene_its_block(played):
    scenes = [block["scene"] for block in played["blocks"]]
    assert sorted(map(str, scenes)) == sorted(played["scenes"])


def test_the_package_comes_from_where_it_should(played):
    assert Path(played["where"]).is_relative_to(played["source"])


def test_nothing_is_said_on_stderr(played):
    assert played["stderr"] == ""


def test_the_quick_start_prints_prices_and_ends(played):
    block = result_of(played, "quick_start")
    assert block["facts"]["naps"] == [300]
    prices = [
        line for line in block["printed"].splitlines() if line.startswith("Price:")
    ]
    assert len(prices) >= 3
    assert "'allMids'" in prices[0]
    assert re.search(r"'BTC': '\d+\.?\d*'", prices[0])


def test_the_reconnection_settings_are_taken_over(played):
    facts = result_of(played, "configure")["facts"]
    assert facts == {"delay": 2.0, "cap": 120.0, "base": 2.0, "enabled": False}


def test_the_status_shows_a_live_and_healthy_connection(played):
    block = result_of(played, "look_at_status")
    stats, health = block["facts"]["stats"], block["facts"]["health"]
    assert stats["currently_connected"] is True
    assert stats["auto_reconnect_enabled"] is True
    assert stats["reconnection_task_active"] is False
    assert stats["connection_lost_time"] is None
    assert health["is_healthy"] is True
    assert health["success_rate"] == 1.0
    assert "Connected: True" in block["printed"]
    assert "Last disconnect: None" in block["printed"]
    assert "Health: True, Success: 100.0%" in block["printed"]


def test_the_message_timeout_is_set_and_shown(played):
    block = result_of(played, "set_timeout")
    stats = block["facts"]["stats"]
    assert stats["message_timeout_seconds"] == 15.0
    assert stats["connection_monitor_active"] is True
    heard = datetime.fromisoformat(stats["last_message_time"])
    assert heard.tzinfo is None
    assert abs((datetime.now() - heard).total_seconds()) < 600  # noqa: DTZ005
    assert "Timeout: 15.0s" in block["printed"]


def test_the_trading_bot_lives_through_a_cut_and_stops(played):
    facts = result_of(played, "run_the_bot")["facts"]
    log = facts["log"]
    assert facts["ended"] == "cancelled"
    assert facts["trades"] > 0
    assert any(
        level == "DEBUG" and text.startswith("Price update") for level, text in log
    )
    warned = [
        i
        for i, (level, text) in enumerate(log)
        if level == "WARNING" and "disconnected" in text
    ]
    assert warned
    assert any("connection healthy" in text for _, text in log[warned[-1] :])
    assert not [text for level, text in log if level == "ERROR"]
    assert "stopped" in log[-1][1]
    assert facts["stats"]["state"] == "closed"
    assert facts["stats"]["auto_reconnect_enabled"] is False
    assert facts["stats"]["total_reconnects"] == 1


def test_paper_trading_comes_back_by_itself(played):
    facts = result_of(played, "paper")["facts"]
    assert facts["first"]["currently_connected"] is True
    assert facts["first"]["subscriptions"]["wanted"] > 0
    assert facts["second"]["currently_connected"] is True
    assert facts["second"]["subscriptions"] == facts["first"]["subscriptions"]
    assert facts["second"]["last_disconnect"]["cause"] == "network"


def test_the_gap_handler_warns_of_long_gaps_only(played):
    ((level, text),) = result_of(played, "data_gap")["facts"]["log"]
    assert level == "WARNING"
    assert re.match(r"Data gap detected: 0:01:00", text)


def test_our_circuit_breaker_answers_like_the_one_shown(played):
    answers = result_of(played, "breaker")["facts"]["answers"]
    assert answers == [[True, True]] * 3 + [[False, False], [True, True]]


def test_our_sequence_tracker_finds_the_gap_the_one_shown_finds(played):
    facts = result_of(played, "sequence")["facts"]
    assert facts["log"] == [["WARNING", "Message gap detected for BTC: 2 messages"]]
    assert facts["missing"] == 2
    assert facts["last"] == [{"BTC": 6}, {"BTC": 6}]


def test_the_named_logger_is_the_clients(played):
    facts = result_of(played, "debug_logging")["facts"]
    assert facts["name"].endswith("bistoury.hyperliquid.client")
    assert "DEBUG" in facts["heard"]
    assert f"INFO:{facts['name']}:" in facts["text"]
    assert '"mids"' not in facts["text"]


def test_the_health_report_reads_well(played):
    block = result_of(played, "report_health")
    assert block["facts"]["naps"] == [60, 60, 60]
    assert block["printed"].count("🟢 Connected") == 3
    assert block["printed"].count("Success Rate: 100.00%") == 3
    assert re.search(r"Avg Response: \d\.\d{3}s", block["printed"])
    assert "⏸️ Inactive" in block["printed"]


def test_the_downtime_alert_fires_while_down_only(played):
    facts = result_of(played, "alert")["facts"]
    assert facts["quiet"] == []
    assert facts["log"]
    assert all(
        level == "CRITICAL" and "down for" in text for level, text in facts["log"]
    )
    assert datetime.fromisoformat(facts["lost"]).tzinfo is None


def test_both_sets_of_advanced_settings_are_taken_over(played):
    assert result_of(played, "tune_twice")["facts"]["found"] == [
        {"delay": 0.5, "cap": 30.0, "base": 1.5},
        {"delay": 5.0, "cap": 300.0, "base": 3.0},
    ]
