"""The table in docs/reliability.md: every test in it exists, no scenario is missing."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| (F\d\d) \|(.*)\|$", TEXT, re.MULTILINE))
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))
REQUIRED = [
    *(f"F{number:02d}" for number in (*range(1, 7), *range(10, 14), *range(17, 33))),
    *(f"F{number}" for number in (*range(40, 53), 56, 60, 65, 67)),
]


def names_in(path):
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("scenario", REQUIRED)
def test_every_required_scenario_has_a_row_with_a_test(scenario):
    assert scenario in ROWS
    cells = [cell.strip() for cell in ROWS[scenario].split("|")]
    assert len(cells) == 3
    assert all(cells)
    assert "::test_" in cells[1]


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_is_named_exists(path, name):
    assert name in names_in(path)


def test_every_numbered_test_is_named():
    folder = Path(__file__).parent
    named = {name for _, name in NAMED}
    numbered = {
        name
        for path in folder.glob("test_*.py")
        for name in names_in(f"scenarios/{path.name}")
        if re.match(r"test_f\d\d", name)
    }
    assert numbered <= named
