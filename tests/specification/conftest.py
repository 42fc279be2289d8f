"""The specification, and a local venue to run its examples against."""

import asyncio
import os
import re
import threading
from pathlib import Path

import pytest

from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Limits, Settings

ROOT = Path(__file__).parents[2]


def _specification():
    folder = Path(os.environ.get("BISTOURY_SHARED", ROOT.parent / "shared"))
    found = sorted((folder / "seeds").glob("000_*.txt"))
    if not found:
        pytest.skip(f"the specification is not in {folder}; BISTOURY_SHARED names it")
    return found[0].read_text("utf-8")


@pytest.fixture(scope="session")
def blocks():
    """Every Python block of the specification, in order."""
    return re.findall(
        r"^```python\n(.*?)^```", _specification(), re.MULTILINE | re.DOTALL
    )


class RunningVenue:
    """A venue on a thread of its own, so that it lives beside subprocesses."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.venue = Venue(
            Settings(
                limits=Limits.none(),
                cadences=Cadences(all_mids=0.1, l2_book=0.2),
                trade_rate=20.0,
            )
        )
        self.url = self.ask(self.venue.start())

    def ask(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self):
        self.ask(self.venue.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="session")
def venue():
    running = RunningVenue()
    yield running
    running.stop()
