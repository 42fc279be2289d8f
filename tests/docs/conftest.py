"""The documentation, cut into blocks, and a local venue for the blocks to run against."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from bistoury.simulator import Limits, Settings, Venue

ROOT = Path(__file__).parents[2]
PAGES = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "AGENTS.md", "SECURITY.md")
    ),
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return every block in one of ``languages``."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in _FENCE.finditer(text):
            if match[1] in languages:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Block(page, line, match[1], match[2]))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its blocks or its pages, one at a time."""
    wanted = {
        "python_block": ("python",),
        "shell_block": ("bash", "console", "sh"),
        "toml_block": ("toml",),
    }
    for name, languages in wanted.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, blocks(*languages), ids=str)
    if "page" in metafunc.fixturenames:
        names = [str(page.relative_to(ROOT)) for page in PAGES]
        metafunc.parametrize("page", PAGES, ids=names)


@pytest.fixture(scope="session")
def venue_url():
    """The address of a venue on a thread of its own: a block may start its own loop."""
    settings = Settings(limits=Limits.none(), trade_rate=20.0, user_rate=2.0)
    started: list[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = []
    is_up = threading.Event()

    async def serve() -> None:
        async with Venue(settings, seed=1) as venue:
            is_over = asyncio.Event()
            started.append((venue.url, asyncio.get_running_loop(), is_over))
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert is_up.wait(10)
    url, loop, is_over = started[0]
    yield url
    loop.call_soon_threadsafe(is_over.set)
    thread.join(10)


@pytest.fixture
def environment(venue_url, monkeypatch, tmp_path):
    """The environment that leads to the local venue, in a folder of its own."""
    for name in [it for it in os.environ if it.startswith("BISTOURY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BISTOURY_NETWORK", "local")
    monkeypatch.setenv("BISTOURY_API_URL", venue_url)
    for limit in (
        "CONNECTIONS_PER_MINUTE",
        "CONNECTIONS",
        "USERS",
        "MESSAGES_PER_MINUTE",
    ):
        monkeypatch.setenv(f"BISTOURY_LIMITS__{limit}", "100000")
    monkeypatch.setenv("BISTOURY_LIMITS__REST_WEIGHT_PER_MINUTE", "1000000")
    monkeypatch.chdir(tmp_path)
