"""The diagram in the page is drawn from the table of transitions."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from bistoury.session.state import TRANSITIONS, State, Trigger

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(
        "draw_states", ROOT / "tools" / "draw_states.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_holds_the_present_diagram(tool):
    assert tool.between(tool.PAGE.read_text("utf-8")) == tool.diagram(), (
        "run python tools/draw_states.py --write"
    )


def test_diagram_has_every_move(tool):
    moves = re.findall(r"(\w+) --> (\w+): (.*)", tool.diagram())
    drawn = {
        (old, trigger, new) for old, new, them in moves for trigger in them.split(" / ")
    }

    assert drawn == {
        (str(old), str(trigger), str(new))
        for old, table in TRANSITIONS.items()
        for trigger, new in table.items()
    }


def test_page_explains_every_state_and_trigger(tool):
    explained = set(
        re.findall(r"^\| `(\w+)` \|", tool.PAGE.read_text("utf-8"), re.MULTILINE)
    )

    assert explained == {*map(str, State), *map(str, Trigger)}
