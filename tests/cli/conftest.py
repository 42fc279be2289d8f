"""What the command line's tests share: a venue here, a command in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from time import monotonic

import pytest

from bistoury.simulator import Settings, Venue

COINS = ("BTC", "ETH")


@dataclass
class Ended:
    status: int
    out: str
    err: str


class Command:
    """A command that runs."""

    def __init__(self, process):
        self.process = process
        self.first = b""

    async def line(self):
        """Wait for a line of stdout."""
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert line, (await self.process.stderr.read()).decode()
        self.first += line
        return line.decode()

    async def error_line(self):
        line = await asyncio.wait_for(self.process.stderr.readline(), 20)
        assert line
        return line.decode()

    async def end(self, timeout=60):
        out, err = await asyncio.wait_for(self.process.communicate(), timeout)
        out = self.first + out
        return Ended(self.process.returncode, out.decode(), err.decode())

    async def interrupt(self, number=signal.SIGINT):
        """Send a signal; return how it ended, and after how many seconds."""
        self.process.send_signal(number)
        sent = monotonic()
        ended = await self.end(20)
        return ended, monotonic() - sent


class Shell:
    """Starts commands, without the environment's settings."""

    def __init__(self):
        self.started = []

    async def start(self, *args, env=None, program=("-m", "bistoury")):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("BISTOURY_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *program,
            *map(str, args),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=clean | {"NO_COLOR": "1", "COLUMNS": "100"} | (env or {}),
        )
        self.started.append(process)
        return Command(process)

    async def run(self, *args, timeout=60, **more):
        return await (await self.start(*args, **more)).end(timeout)


@pytest.fixture
async def shell():
    it = Shell()
    yield it
    for process in it.started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
async def venue():
    async with Venue(Settings(coins=COINS, trade_rate=20.0, user_rate=2.0)) as it:
        yield it
