"""
Clients that were written elsewhere, in an environment of their own, and a venue.

The environment is ``.venv-peers`` at the repository's root, made when it is missing
or when ``constraints.txt`` has changed. Where it cannot be made the tests are
skipped, and fail if ``CI`` is set.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .examples import fetch

ROOT = Path(__file__).parents[2]
CONSTRAINTS = Path(__file__).with_name("constraints.txt")
FOLDER = ROOT / ".venv-peers"
PEERS = ("hyperliquid-python-sdk", "ccxt")


def _make(python, stamp, digest):
    subprocess.run(
        [sys.executable, "-m", "venv", str(FOLDER)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (FOLDER / ".gitignore").write_text("*\n")
    subprocess.run(
        [
            *(str(python), "-m", "pip", "install", "--quiet"),
            *("--disable-pip-version-check", "-c", str(CONSTRAINTS), *PEERS),
        ],
        check=True,
        capture_output=True,
        timeout=600,
    )
    stamp.write_text(digest)


@pytest.fixture(scope="session")
def peers_python():
    """The interpreter that has the other clients."""
    python, stamp = FOLDER / "bin" / "python", FOLDER / ".ready"
    digest = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != digest:
        try:
            _make(python, stamp, digest)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or b""
            reason = f"no environment for the peers: {error} {said.decode()[-300:]}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
    return python


def _started(*args):
    """Start a command as users do; return it and the URL it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bistoury", *args, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    return process, json.loads(process.stdout.readline())["url"]


def _ended(process):
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.stdout.close()


@pytest.fixture(scope="session")
def venue_url():
    """The URL of a local venue that runs as users run it."""
    process, url = _started(
        *("sim", "--user-rate", "2", "--trade-rate", "5"),
        *("--coins", "BTC,ETH,kPEPE,xyz:NVDA,@107,PURR/USDC"),
    )
    yield url
    _ended(process)


@pytest.fixture(scope="session")
def paper_url():
    """The URL of a paper server over a local venue of its own."""
    venue, venue_url = _started(
        *("sim", "--no-limits", "--trade-rate", "20", "--coins", "BTC,ETH,PURR/USDC")
    )
    paper, url = _started(
        *("paper", "start", "--no-journal", "--coins", "BTC,ETH"),
        *("--api-url", venue_url),
    )
    yield url
    _ended(paper)
    _ended(venue)


@pytest.fixture(scope="session")
def examples(peers_python):
    """The folder with the SDK's own example scripts."""
    try:
        return fetch(FOLDER / "examples")
    except (OSError, ValueError) as error:
        pytest.skip(f"the SDK's examples cannot be fetched: {error}")


@pytest.fixture(scope="session")
def ran(peers_python):
    """Run a script of this folder with the other clients; return what it printed."""

    def run(script, *args):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "BISTOURY"))
        }
        done = subprocess.run(
            [str(peers_python), str(Path(__file__).with_name(script)), *args],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


@pytest.fixture(scope="session")
def played(ran, request):
    """Run a script against a URL, once; return the JSON of its last line."""
    known = {}

    def play(script, url=None):
        url = url or request.getfixturevalue("venue_url")
        if (script, url) not in known:
            known[script, url] = json.loads(ran(script, url).splitlines()[-1])
        return known[script, url]

    return play
