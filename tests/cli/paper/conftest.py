"""A paper server as users start it; what they type against it runs in this process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import pytest
from typer.testing import CliRunner

from bistoury.cli import app


class Process:
    """A command that goes on until it is interrupted."""

    def __init__(self, *args, env=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("BISTOURY_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bistoury", *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean | (env or {}),
        )
        self.first = json.loads(self._process.stdout.readline())
        self.url = self.first["url"]

    def interrupt(self):
        """Press Ctrl-C; return the status, what was written, and how long it took."""
        if self._process.poll() is not None:
            return None
        self._process.send_signal(signal.SIGINT)
        sent = monotonic()
        try:
            out, err = self._process.communicate(timeout=20)
        finally:
            self._process.kill()
        return self._process.returncode, out, err, monotonic() - sent


class Paper(Process):
    """A paper server, and commands that ask it."""

    def __init__(self, api_url, *args, **more):
        super().__init__(
            *("paper", "start", "--api-url", api_url, "--port", "0", "--json", *args),
            **more,
        )

    def run(self, *args):
        return typed(*args, "--at", self.url)

    def json(self, *args):
        ended = self.run(*args, "--json")
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    def live(self):
        """Wait until there is data to trade on."""
        latest = monotonic() + 30
        while self.run("status").exit_code != 0:
            assert monotonic() < latest
            sleep(0.1)


def typed(*args):
    return CliRunner().invoke(app, ["paper", *map(str, args)])


@pytest.fixture(scope="module")
def local_url():
    """The URL of a local venue."""
    venue = Process(
        *("sim", "--port", "0", "--json", "--no-limits", "--coins", "BTC,ETH"),
        *("--trade-rate", "20"),
    )
    yield venue.url
    venue.interrupt()


@pytest.fixture
def start(local_url):
    """Start a paper server."""
    started = []

    def begin(*args, api_url=local_url, **more):
        started.append(Paper(api_url, *args, **more))
        return started[-1]

    yield begin
    for it in started:
        it.interrupt()


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run a command in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("BISTOURY_NETWORK", "local")
    return typed
