"""The specification's demonstration script, from a plain checkout."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from time import monotonic

import pytest

SCRIPT = "test_websocket_reconnection.py"
# As in a checkout that nobody installed: only ``src.bistoury`` can be imported.
UNINSTALLED = f"""
import runpy, sys
sys.modules["bistoury"] = None
sys.argv[0] = {SCRIPT!r}
runpy.run_path({SCRIPT!r}, run_name="__main__")
"""


async def start(root, *args, uninstalled=False):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BISTOURY_")}
    program = ("-c", UNINSTALLED) if uninstalled else (SCRIPT,)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *program, *args),
        cwd=root,
        env=clean,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(root, *args, **how):
    process = await start(root, *args, **how)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.slow
async def test_loses_the_connection_and_comes_back(root):
    began = monotonic()

    status, out, err = await run(root, uninstalled=True)

    assert (status, err) == (0, ""), out
    assert monotonic() - began < 40
    told = [line.split("] ", 1)[1] for line in out.splitlines()]
    dead = told.index("⚠️ No messages received for 10s, connection appears dead")
    assert re.fullmatch(
        r"🔄 Reconnection attempt #1 \(delay: (0\.[89]|1\.[0-2])s\)", told[dead + 1]
    )
    stable = told.index("✅ Reconnection successful and stable")
    back = next(it for it in told if it.startswith("   3 subscriptions restored"))
    assert told.index(back) < stable
    assert dead < told.index("🔌 the cable is back") < stable
    assert told[-1] == "✅ PASSED"
    assert told.count("✅ Reconnection successful and stable") == 1


async def test_says_nothing_of_success_without_a_loss(root):
    process = await start(root)
    line = b""
    while b"connected" not in line:
        line = await asyncio.wait_for(process.stdout.readline(), 20)

    process.send_signal(signal.SIGINT)
    sent = monotonic()
    out, err = await asyncio.wait_for(process.communicate(), 20)

    assert (process.returncode, err) == (130, b"")
    assert monotonic() - sent < 2.0
    assert "successful" not in out.decode()


async def test_a_venue_that_is_not_there_is_status_3(root):
    status, out, err = await run(root, "--api-url", "http://127.0.0.1:1")

    assert (status, err) == (3, "")
    assert "was not reached" in out
    assert "successful" not in out


async def test_wrong_use_is_status_2(root):
    status, _, err = await run(root, "--network", "moon")

    assert status == 2
    assert "moon" in err


async def test_pytest_does_not_collect_it(root):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/cli"),
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()

    assert SCRIPT.encode() not in out
