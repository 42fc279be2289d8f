"""The page docs/reliability.md: every scenario, tests that exist, figures as kept."""

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| (F\d\d) \|(.*)\|$", TEXT, re.MULTILINE))
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))
REQUIRED = [f"F{number:02d}" for number in range(1, 68)]


def _load():
    spec = importlib.util.spec_from_file_location(
        "reliability", ROOT / "tools" / "reliability.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reliability = _load()


def names_in(path):
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_there_is_a_row_for_each_scenario_and_for_no_other():
    assert sorted(ROWS) == REQUIRED


@pytest.mark.parametrize("scenario", REQUIRED)
def test_every_scenario_has_a_test_and_figures(scenario):
    cells = reliability.cells_of(ROWS[scenario])
    assert len(cells) == 7
    assert all(cells)
    assert "::test_" in cells[1]


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_is_named_exists(path, name):
    assert name in names_in(path)


def test_every_numbered_test_is_named():
    named = {name for _, name in NAMED}
    numbered = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in names_in(path.relative_to(ROOT / "tests"))
        if re.match(r"test_f\d\d", name)
    }
    assert numbered <= named


def test_the_page_says_what_the_kept_figures_say():
    assert reliability.render(TEXT) == TEXT


def test_nothing_was_lost_without_a_word_and_nothing_came_twice():
    kept = json.loads((ROOT / "docs" / "figures" / "reliability.json").read_text())
    for scenario, figures in kept["scenarios"].items():
        for name in ("lost", "repeated"):
            value = figures.get(name, 0)
            assert value == 0 or str(value).startswith("n/a: "), scenario


def test_no_scenario_is_without_figures_and_reasons():
    kept = json.loads((ROOT / "docs" / "figures" / "reliability.json").read_text())
    assert [it for it, figures in kept["scenarios"].items() if not figures] == []


def test_a_figure_is_the_worst_of_all_the_tests_of_a_scenario():
    page = "| F01 | a | `x.py::test_a`, `x.py::test_b` | c | \u2013 | \u2013 | \u2013 | \u2013 |"
    notes = [
        {"test": "tests/x.py::test_a", "notice": 1.0},
        {"test": "tests/x.py::test_a", "notice": 3.0, "lost": 0},
        {"test": "tests/x.py::test_b", "recover": 0.25, "notice": "n/a: never"},
        {"test": "tests/x.py::test_b", "repeated": "n/a: no rows"},
    ]
    found = reliability.by_scenario(page, reliability.worst(notes))
    assert found == {
        "F01": {"notice": 3.0, "lost": 0, "recover": 0.25, "repeated": "n/a: no rows"}
    }
    written = [
        reliability.figure(it, found["F01"].get(it)) for it in reliability.FIGURES
    ]
    assert written == ["3.0 s", "0.25 s", "0", "n/a: no rows"]
    assert reliability.figure("notice", None) == "\u2013"
