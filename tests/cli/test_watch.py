"""``bistoury watch`` in a real terminal, through a kill and its recovery."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys

import pytest

from bistoury.simulator.faults import Cut, Refuse

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is missing: apt-get install tmux"
)


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

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", "it").stdout

    def press(self, *keys):
        self.tmux("send-keys", "-t", "it", *keys)

    async def shows(self, *words, within=20.0):
        """Wait until the screen shows every word; return it."""
        async with asyncio.timeout(within):
            while True:
                screen = await asyncio.to_thread(self.screen)
                if all(word in screen for word in words):
                    return screen
                await asyncio.sleep(0.05)


@pytest.fixture(params=[(80, 24), (200, 50)], ids=lambda it: f"{it[0]}x{it[1]}")
def terminal(request, tmp_path):
    it = Terminal(tmp_path, *request.param)
    yield it
    it.tmux("kill-server")


async def test_a_kill_and_its_recovery_can_be_watched(terminal, venue):
    terminal.start("watch", "--api-url", venue.url, "--every", "200ms")
    screen = await terminal.shows(
        "● ok: 3 subscriptions live", "trades(coin=BTC)", "q quit"
    )
    lines = screen.rstrip("\n").splitlines()
    assert len(lines) <= terminal.size[1]

    number = venue.inject(Refuse())
    venue.inject(Cut())
    screen = await terminal.shows("○ down", "1o", "incidents: 1")
    venue.heal(number)
    venue.heal()
    screen = await terminal.shows(
        "● ok: 3 subscriptions live", "reconnects 1", "gaps 0 open", within=40
    )

    terminal.press("Tab")
    await terminal.shows("incidents, newest first")
    terminal.press("Enter")
    await terminal.shows("What happened", "connection 1 lost", "recovered", "ready: 3")
    terminal.press("Escape")
    await terminal.shows("incidents, newest first")
    terminal.press("Escape")
    await terminal.shows("state▼")
    terminal.press("s")
    await terminal.shows("feed▼")
    terminal.press("/", "B", "T", "C", "Enter")
    screen = await terminal.shows("2 of 3")
    assert "allMids" not in screen
    terminal.press("q")
    await terminal.shows("ended with 0")


async def test_ctrl_c_ends_it_and_gives_the_terminal_back(terminal, venue):
    terminal.start("watch", "--api-url", venue.url)
    await terminal.shows("● ok")
    terminal.press("C-c")
    await terminal.shows("ended with 130", within=5)


async def test_lines_of_json_need_no_terminal(shell, venue):
    command = await shell.start(
        "watch", "--api-url", venue.url, "--json", "--every", "100ms"
    )
    import json

    first, second = [json.loads(await command.line()) for _ in range(2)]
    assert first["v"] == 1
    assert second["at"] > first["at"]
    ended, seconds = await command.interrupt()
    assert ended.status == 130
    assert seconds < 2
