"""The promises in the pages are those of the feeds table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from bistoury.hyperliquid.feeds import FEEDS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(
        "guarantees", ROOT / "tools" / "guarantees.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_hold_the_present_tables(tool):
    for page, make in tool.PAGES.items():
        assert tool.between(page.read_text("utf-8")) == make(), (
            f"{page.name} is out of date: run python tools/guarantees.py --write"
        )


def test_every_feed_has_a_row(tool):
    rows = tool.table().splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == list(FEEDS)


def test_writing_twice_changes_nothing(tool):
    page = f"before\n{tool.BEGIN}\nold\n{tool.END}\nafter\n"
    once = tool.replaced(page, tool.table())

    assert tool.between(once) == tool.table()
    assert tool.replaced(once, tool.table()) == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
