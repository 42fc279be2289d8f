"""What all tests share: how hypothesis behaves, and where the shared samples are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

# Seeds are fixed, so that a red run is red again; `HYPOTHESIS_PROFILE=search` looks
# for new ones, and for longer.
settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search",
    deadline=None,
    max_examples=3000,
    suppress_health_check=[HealthCheck.too_slow],
)
# `tools/mutate.py` only wants to know whether a test fails, not how small.
settings.register_profile(
    "mutate",
    settings.get_profile("default"),
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def samples() -> Path:
    """Return the folder of recorded messages, or skip the test."""
    shared = Path(os.environ.get("BISTOURY_SHARED", ROOT.parent / "shared"))
    folder = shared / "reference" / "samples"
    if not folder.is_dir():
        pytest.skip(f"no recorded messages: {folder} is missing")
    return folder


@pytest.fixture
def figures() -> Callable[..., None]:
    """
    Return what notes the figures of a scenario, for ``make reliability``.

    ``notice`` and ``recover`` are seconds, ``lost`` and ``repeated`` rows; where one
    of them means nothing, a text says why: ``n/a: no outage``.
    """

    def note(**numbers: Any) -> None:
        place = os.environ.get("SCENARIO_FIGURES")
        if place:
            test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
            rounded = {
                name: it if isinstance(it, str) else round(it, 2)
                for name, it in numbers.items()
            }
            line = json.dumps({"test": test.partition("[")[0], **rounded})
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    return note
