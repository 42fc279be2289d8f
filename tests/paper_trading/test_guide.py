"""The guide names what there is: every assumption, event, verb and quality."""

import inspect
import re

import pytest

from bistoury.paper_trading import PaperConfig, PaperTradingEngine
from bistoury.paper_trading.events import NAMES


@pytest.fixture(scope="module")
def guide(root):
    return (root / "docs" / "guides" / "paper-trading.md").read_text("utf-8")


def rows(guide, heading):
    """Return the tables of a section: what the first cell names, and the rest."""
    text = guide.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *rest = line.strip("| ").split(" | ")
            for name in re.findall(r"`(\w+)`", first):
                found[name] = rest
    return found


def test_every_assumption_is_named_with_its_default(guide):
    told = rows(guide, "Assumptions")
    assert list(told) == list(PaperConfig.__struct_fields__)
    config = PaperConfig()
    for name, (default, *_) in told.items():
        value = getattr(config, name)
        if isinstance(value, str):
            assert default == f"`{value}`", name
        elif isinstance(value, float):
            assert default == f"{value:g} s", name
        elif isinstance(value, int):
            assert default == str(value), name


def test_every_event_is_named(guide):
    assert list(rows(guide, "Events")) == list(NAMES)


def test_every_verb_is_named_and_none_that_does_not_exist(guide):
    told = set(rows(guide, "Orders"))
    told -= {"StaleDataError", "OrderRejectedError", "JournalError", "ConfigError"}
    public = {
        name
        for name, it in inspect.getmembers(PaperTradingEngine, inspect.isfunction)
        if not name.startswith("_")
    }
    elsewhere = {"start", "stop", "on", "events", "facts"}
    assert told == public - elsewhere


def test_every_choice_and_quality_is_named(guide):
    told = rows(guide, "Gaps")
    qualities = {"live", "stale_book", "estimated_queue", "backfilled", "uncertain"}
    qualities.add("exact_queue")
    choices = {"freeze", "replay_backfill", "pessimistic"}
    assert set(told) == qualities | choices | {"on_gap"}
