"""A soak in small: what ``make soak`` plays with ten million messages."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOL = ROOT / "tools" / "soak.py"


def _load():
    spec = importlib.util.spec_from_file_location("soak", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


soak = _load()


@pytest.mark.slow
def test_f61_reconnects_and_messages_leave_nothing_behind(figures):
    done = subprocess.run(
        [sys.executable, str(TOOL), "--messages", "120000", "--reconnects", "40"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    found = json.loads(done.stdout)
    assert found["messages"] == 120_000
    assert found["reconnects"] >= 40
    assert found["missing"] == found["repeated"] == 0
    assert found["live_late"] == found["live_early"]
    assert found["after"] == found["before"]
    # Caches of deduplication are still filling: the long run is held to a hundredth.
    assert found["memory"]["last_mib"] < found["memory"]["first_mib"] + 30
    figures(lost=found["missing"], repeated=found["repeated"])


def good():
    same = {"tasks": 1, "threads": 1, "descriptors": 9}
    return {
        "missing": 0,
        "repeated": 0,
        "reconnects": 5,
        "asked": {"reconnects": 5},
        "memory": {"growth_of_second_half": 0.0},
        **dict.fromkeys(("live_early", "live_late", "before", "after"), same),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"missing": 1}, "1 missing, 0 repeated"),
        ({"repeated": 2}, "0 missing, 2 repeated"),
        ({"reconnects": 4}, "only 4 reconnects"),
        ({"memory": {"growth_of_second_half": 0.02}}, "memory grew by 2.00%"),
        ({"after": {"tasks": 2}}, "after {'tasks': 2}"),
    ],
)
def test_what_is_wrong_is_said(change, said):
    assert soak.faults(good()) == []
    (sentence,) = soak.faults(good() | change)
    assert said in sentence


def test_growth_is_the_slope_of_the_second_half_alone():
    flat = [(n, 100 + min(n, 50)) for n in range(100)]
    assert soak.growth(flat) == 0
    rising = [(n, 1000 + n) for n in range(100)]
    assert soak.growth(rising) == pytest.approx(49 / 1074.5)
    spiky = [(n, 10_000 if n % 9 == 0 else 100) for n in range(100)]
    assert soak.growth(spiky) == 0


def test_too_few_messages_for_the_reconnects_are_refused():
    done = subprocess.run(
        [sys.executable, str(TOOL), "--messages", "10"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "at least 100 for each of --reconnects" in done.stderr
