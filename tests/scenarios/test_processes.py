"""A whole client process that is stopped, woken and ended, over real sockets."""

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bistoury.simulator.faults import Cut, Refuse, Silent
from bistoury.simulator.server import Venue
from bistoury.simulator.settings import Cadences, Settings

APP = Path(__file__).with_name("app.py")


class Process:
    """A running application and what it said."""

    def __init__(self, process):
        self._process = process
        self.said = []
        self._heard = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self._process.stdout.readline():
            self.said.append(json.loads(line))
            self._heard.set()

    async def until(self, condition, within=30):
        async with asyncio.timeout(within):
            while not condition(self.said):
                self._heard.clear()
                await self._heard.wait()

    def send(self, number):
        self._process.send_signal(number)

    def names(self):
        return [it["event"] for it in self.said]

    async def end(self, number=signal.SIGTERM):
        """Send a signal; return the exit status and what stands on stderr."""
        self.send(number)
        error = await self._process.stderr.read()
        status = await asyncio.wait_for(self._process.wait(), 30)
        await self._reading
        return status, error.decode()


@asynccontextmanager
async def application(url):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BISTOURY")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "error", str(APP)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment | {"BISTOURY_API_URL": url},
    )
    app = Process(process)
    try:
        yield app
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await app._reading


def without_timing(text):
    """Drop what asyncio's debug mode says of a busy machine."""
    return [line for line in text.splitlines() if not line.startswith("Executing ")]


SETTINGS = Settings(coins=("BTC",), cadences=Cadences(all_mids=0.5))

PHASES = {
    "live": (None, "ready"),
    "back-off": (Refuse(status=503), "waiting"),
    "mid-connect": (Refuse(how="hang"), "began"),
    "mid-restore": (Silent(direction="out", what=("ack", "error", "data")), "open"),
    "half-open": (None, "ready"),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_f60_a_signal_ends_the_process_in_order_in_every_phase(
    phase, number, figures
):
    fault, sign = PHASES[phase]
    async with Venue(SETTINGS) as venue:
        if fault is not None:
            venue.inject(fault)
        async with application(venue.url) as app:
            await app.until(lambda said: any(it["event"] == sign for it in said))
            if phase == "mid-connect":
                async with asyncio.timeout(20):
                    while not venue.exchange.counters["refused"]:
                        await asyncio.sleep(0.01)
            if phase == "half-open":
                venue.inject(Silent())
            status, error = await app.end(number)
            assert without_timing(error) == []
            if number == signal.SIGINT:
                assert status == 130
                assert app.said[-1] == {"event": "interrupted"}
                return
            assert status == 0
            last = app.said[-1]
            assert last["event"] == "ended"
            assert last["state"] == "closed"
            assert last["tasks"] == []
            assert last["took"] <= 2.0
            figures(
                notice=last["took"],
                recover="n/a: it is over",
                lost="n/a: it is over",
                repeated="n/a: it is over",
            )


@pytest.mark.slow
async def test_f28_three_processes_that_sleep_come_back_each_as_it_must():
    async with Venue(SETTINGS) as venue, AsyncExitStack() as stack:
        apps = []
        for _ in range(3):
            # One after another: the venue numbers its connections from one.
            apps.append(await stack.enter_async_context(application(venue.url)))
            await apps[-1].until(
                lambda said: any(it["event"] == "ready" for it in said)
            )
        for app in apps:
            app.send(signal.SIGSTOP)
        await asyncio.sleep(1)  # frames wait in the sockets: they answer no probe
        venue.inject(Silent(connection=2))
        venue.inject(Cut(how="rst", connection=3))
        await asyncio.sleep(6)  # a tick more than five seconds late is a nap
        for app in apps:
            app.send(signal.SIGCONT)
        for app in apps[1:]:
            await app.until(
                lambda said: [it["event"] for it in said].count("ready") == 2
            )
        causes = [
            [it["cause"] for it in app.said if it["event"] == "lost"] for app in apps
        ]
        assert causes == [[], ["suspended"], ["network"]]
        for app in apps:
            status, error = await app.end()
            assert (status, without_timing(error)) == (0, [])
