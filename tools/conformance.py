"""
Autobahn|Testsuite against the transport as the client uses it.

    python tools/conformance.py            # 247 cases, a minute
    python tools/conformance.py --write    # keep what came of it in docs/figures/

The suite is written for Python 2.7; where none is at hand this cannot be played, and
says so with status 3. It is installed once, into ``.autobahn``. The client echoes
every text message; binary messages are counted and dropped, as the venue sends none,
so the cases about them cannot pass. Status 1: a case ended worse than ``ACCEPTED``.
"""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "figures" / "conformance.json"
FOLDER = ROOT / ".autobahn"
SUITE = "autobahntestsuite==25.10.1"
AGENT = "bistoury"
CORE = ("9.*", "12.*", "13.*")
"""Left out: limits and speed, and compression, which is never offered."""
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}
CASE_LIMIT = 20.0

_BINARY = "binary messages are counted and dropped: the venue sends text"
ACCEPTED = {
    **dict.fromkeys((f"1.2.{number}" for number in range(1, 9)), _BINARY),
    "7.1.2": "picows reads a frame ahead and answers a second close frame with 1002",
}
"""What may end badly, and why."""

_START = (
    "import site, sys; site.addsitedir({0!r}); sys.path.insert(0, {0!r});"
    " from autobahntestsuite.wstest import run; run()"
)


class NoSuiteError(Exception):
    """The suite cannot be had here."""


def python2() -> str:
    """Return an interpreter of Python 2.7."""
    versions = sorted((Path.home() / ".pyenv" / "versions").glob("2.7*/bin/python"))
    for place in filter(None, [*map(str, versions), shutil.which("python2.7")]):
        done = subprocess.run(  # noqa: S603 -- an interpreter
            [place, "-c", "import sys; sys.exit(sys.version_info[0] != 2)"],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return place
    raise NoSuiteError("there is no Python 2.7 here, and the suite runs on no other")


def install(python: str) -> None:
    """Install the suite, once."""
    stamp = FOLDER / ".ready"
    if stamp.is_file() and stamp.read_text() == SUITE:
        return
    print(f"installing {SUITE} (once, some minutes)", file=sys.stderr)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    done = subprocess.run(  # noqa: S603 -- our own words
        [
            *(python, "-m", "pip", "install", "--quiet"),
            *("--disable-pip-version-check", "--target", str(FOLDER), SUITE),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode:
        raise NoSuiteError(f"{SUITE} does not install: {done.stderr[-300:]}")
    stamp.write_text(SUITE)


class Echo:
    """A receiver that sends every message back."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.last = b""
        self.ended = asyncio.Event()

    def frame(self, data: bytes) -> None:
        """Send it back."""
        self.last = data
        self.connection.send(data)

    def lost(self, _: Exception) -> None:
        """Note the end."""
        self.ended.set()


async def visit(url: str) -> bytes:
    """Connect, echo until the end, return the last message."""
    from bistoury.errors import TransportError  # noqa: PLC0415
    from bistoury.transport.picows import PicowsTransport  # noqa: PLC0415

    echo = Echo()
    try:
        echo.connection = await PicowsTransport().connect(url, echo)
    except TransportError:
        return b""
    try:
        async with asyncio.timeout(CASE_LIMIT):
            await echo.ended.wait()
    except TimeoutError:
        echo.connection.abort()
    return echo.last


async def play(url: str) -> int:
    """Play every case; return how many there are."""
    count = int(await visit(f"{url}/getCaseCount"))
    for number in range(1, count + 1):
        await visit(f"{url}/runCase?case={number}&agent={AGENT}")
        if number % 50 == 0:
            print(f"{number} of {count}", file=sys.stderr)
    await visit(f"{url}/updateReports?agent={AGENT}")
    return count


def run() -> dict[str, Any]:
    """Start the suite's server, play, and read its report."""
    python = python2()
    install(python)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="autobahn-") as place:
        said = {
            "url": f"ws://127.0.0.1:{port}",
            "outdir": f"{place}/reports",
            "cases": ["*"],
            "exclude-cases": list(CORE),
            "exclude-agent-cases": {},
        }
        (Path(place) / "server.json").write_text(json.dumps(said))
        command = [python, "-c", _START.format(str(FOLDER))]
        server = subprocess.Popen(  # noqa: S603 -- our own words
            [*command, "-m", "fuzzingserver", "-s", "server.json"],
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        )
        try:
            await_port(port, server)
            began = time.monotonic()
            asyncio.run(play(said["url"]))  # type: ignore[arg-type]
            seconds = time.monotonic() - began
            index = json.loads((Path(place) / "reports" / "index.json").read_text())
        finally:
            server.kill()
            server.wait()
    return judged(index[AGENT], seconds)


def await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server listens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise NoSuiteError("the suite's server does not start")


def judged(cases: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the figures of a report."""
    ends = {
        name: it["behavior"]
        if it["behaviorClose"] in GOOD
        else f"{it['behavior']}, close {it['behaviorClose']}"
        for name, it in sorted(cases.items())
    }
    bad = {name: end for name, end in ends.items() if end not in GOOD}
    return {
        "v": 1,
        "suite": SUITE,
        "picows": version("picows"),
        "cases": len(ends),
        "seconds": round(seconds, 1),
        "ended": dict(sorted(Counter(ends.values()).items())),
        "accepted": {name: ACCEPTED[name] for name in bad if name in ACCEPTED},
        "failed": {name: end for name, end in bad.items() if name not in ACCEPTED},
    }


def main() -> int:
    """Do what the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--write", action="store_true", help=f"keep them in {KEPT.name}"
    )
    given = parser.parse_args()
    try:
        found = run()
    except NoSuiteError as error:
        print(error, file=sys.stderr)
        return 3
    text = json.dumps(found, indent=1)
    print(text)
    if given.write and not found["failed"]:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(text + "\n", "utf-8")
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
