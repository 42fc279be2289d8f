"""``bistoury watch`` in a real terminal, through a kill and its recovery."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys

import pytest

from bistoury.simulator.faults import Cut, Refuse

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is missing: apt-get install tmux"
)

PATIENCE = 60.0
"""Seconds that anything may take to be seen: the machine may have other work."""


class Terminal:
    """A terminal of some size that a command runs in."""

    def __init__(self, folder, width, height):
        self.socket = str(folder / "tmux")
        self.size = (width, height)

    def tmux(self, *args):
        return subprocess.run(
            ["tmux", "-S", self.socket, *args],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def start(self, *args):
        width, height = map(str, self.size)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("BISTOURY_")}
        words = " ".join(f"'{it}'" for it in (sys.executable, "-m", "bistoury", *args))
        done = subprocess.run(
            [
                *("tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d"),
                *("-x", width, "-y", height, "-s", "it"),
                f"{words}; echo ended with $?; sleep 60",
            ],
            env=kept
            | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            | {"BISTOURY_MAX_RECONNECT_DELAY": "1"},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    async def screen(self):
        done = await asyncio.to_thread(self.tmux, "capture-pane", "-p", "-t", "it")
        return done.stdout

    async def press(self, *keys):
        await asyncio.to_thread(self.tmux, "send-keys", "-t", "it", *keys)

    async def shows(self, *patterns):
        """Wait until every pattern is on the screen; return it."""
        screen = ""
        try:
            async with asyncio.timeout(PATIENCE):
                while not all(re.search(it, screen) for it in patterns):
                    await asyncio.sleep(0.05)
                    screen = await self.screen()
        except TimeoutError:
            raise AssertionError(f"never shown: {patterns}, but\n{screen}") from None
        return screen

    async def finds(self, *patterns):
        """Scroll down until every pattern was on the screen once."""
        read = ""
        try:
            async with asyncio.timeout(PATIENCE):
                while not all(re.search(it, read) for it in patterns):
                    read += await self.screen()
                    await self.press("j")
        except TimeoutError:
            raise AssertionError(f"never found: {patterns}, but\n{read}") from None


@pytest.fixture(params=[(80, 24), (200, 50)], ids=lambda it: f"{it[0]}x{it[1]}")
def terminal(request, tmp_path):
    it = Terminal(tmp_path, *request.param)
    yield it
    it.tmux("kill-server")


async def test_a_kill_and_its_recovery_can_be_watched(terminal, venue):
    terminal.start("watch", "--api-url", venue.url, "--every", "200ms")
    screen = await terminal.shows(
        "● ok: 3 subscriptions live", r"trades\(coin=BTC\)", "q quit"
    )
    lines = screen.rstrip("\n").splitlines()
    assert len(lines) <= terminal.size[1]

    number = venue.inject(Refuse())
    venue.inject(Cut())
    await terminal.shows("○ down", r"\b1o\b", r"incidents: [1-9]")
    venue.heal(number)
    venue.heal()
    await terminal.shows(
        "● ok: 3 subscriptions live", r"reconnects [1-9]", r"gaps 0 open"
    )

    await terminal.press("Tab")
    await terminal.shows("incidents, newest first")
    await open_outage(terminal)
    await terminal.finds("connection 1 lost", "ready: 3", r"\n  recovered")
    await terminal.press("Escape")
    await terminal.shows("incidents, newest first")
    await terminal.press("Escape")
    await terminal.shows("state▼")
    await terminal.press("s")
    await terminal.shows("feed▼")
    await terminal.press("/", "B", "T", "C", "Enter")
    screen = await terminal.shows("2 of 3")
    assert "allMids" not in screen
    await terminal.press("q")
    await terminal.shows("ended with 0")


async def open_outage(terminal):
    """Open one incident after the other: a busy machine has more than the outage."""
    for _ in range(20):
        await terminal.press("Enter")
        screen = await terminal.shows("What happened")
        if re.search(r"\boutage\b", screen):
            return
        await terminal.press("Escape")
        await terminal.shows("incidents, newest first")
        await terminal.press("j")
    raise AssertionError(f"no incident is the outage:\n{screen}")


async def test_ctrl_c_ends_it_and_gives_the_terminal_back(terminal, venue):
    terminal.start("watch", "--api-url", venue.url)
    await terminal.shows("● ok")
    await terminal.press("C-c")
    await terminal.shows("ended with 130")


async def test_lines_of_json_need_no_terminal(shell, venue):
    command = await shell.start(
        "watch", "--api-url", venue.url, "--json", "--every", "100ms"
    )
    import json

    first, second = [json.loads(await command.line()) for _ in range(2)]
    assert first["v"] == 1
    assert second["at"] > first["at"]
    ended, _ = await command.interrupt()
    assert ended.status == 130
