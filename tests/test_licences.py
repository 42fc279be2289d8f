"""What a plain installation brings may be used by anybody: no licence of it infects."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
INFECTIOUS = re.compile(r"\b[AL]?GPL|general public licen[sc]e", re.IGNORECASE)


def needed(requirements, extras=()):
    """Return the requirements that hold here, with these extras and no other."""
    return [
        it
        for it in map(Requirement, requirements)
        if not it.marker
        or any(it.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def tree():
    """Return everything that bistoury needs, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, Distribution] = {}
    waiting = needed(project["dependencies"])
    while waiting:
        wanted = waiting.pop()
        it = distribution(wanted.name)
        if it.name not in found:
            found[it.name] = it
            waiting += needed(it.requires or (), wanted.extras)
    return found


TREE = tree()


def licence_of(it):
    """Return what a distribution says of its licence; its text where it says nothing."""
    said = it.metadata.get_all("License-Expression", [])
    said += [
        one
        for one in it.metadata.get_all("Classifier", [])
        if one.startswith("License ::")
    ]
    if not said:
        said = it.metadata.get_all("License", [])
    if not said:
        texts = [
            one for one in it.files or () if re.match(r"(LICEN[CS]E|COPYING)", one.name)
        ]
        said = [one.read_text("utf-8") for one in texts]
    return "\n".join(said)


def test_the_tree_holds_what_is_needed_and_what_that_needs():
    assert {"aiohttp", "multidict", "msgspec", "rich", "markdown-it-py"} <= set(TREE)
    assert len(TREE) < 40


@pytest.mark.parametrize("name", sorted(TREE))
def test_no_licence_in_the_core_is_infectious(name):
    licence = licence_of(TREE[name])

    assert licence.strip(), f"{name} says nothing of its licence"
    assert not INFECTIOUS.search(licence), licence[:200]


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-or-later", "AGPL-3.0", "LGPLv3", "GNU Lesser General Public License"],
)
def test_an_infectious_licence_is_known_by_its_names(licence):
    assert INFECTIOUS.search(licence)
