"""
One run: a client takes in what the flood sends, each on a core of its own.

A client is a script and the interpreter that has its packages. Those that are not
installed are left out; ``environments`` makes them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import stream

ROOT = Path(__file__).parents[1]
CLIENTS = Path(__file__).with_name("clients")
_PATIENCE = 180.0


class RunFailedError(Exception):
    """A client did not get to the end; says why."""


@dataclass(frozen=True, slots=True)
class Client:
    """A way of taking messages in."""

    name: str
    script: str
    environment: str = "here"
    """``here`` is the interpreter that runs the benchmark."""
    handler: str = "dict"
    per_round: int = 40_000
    """Messages a run: as many as take about a second."""
    mixes: tuple[str, ...] = ("mixed",)
    feeds: tuple[str, ...] = ()
    """The only types it can be asked for; nothing: all."""


def cores() -> tuple[set[int] | None, set[int] | None]:
    """Return where the client and the flood run: apart, if there are two cores."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return ({allowed[0]}, {allowed[1]}) if len(allowed) > 1 else (None, None)


def _pinned(where: set[int] | None) -> Any:
    return None if where is None else lambda: os.sched_setaffinity(0, where)


def interpreter(environment: str) -> Path | None:
    """Return the Python that has what a client needs, if there is one."""
    if environment == "here":
        return Path(sys.executable)
    python = ROOT / f".venv-bench-{environment}" / "bin" / "python"
    return python if python.exists() else None


@dataclass(slots=True)
class Flood:
    """The other side, in a process of its own."""

    process: subprocess.Popen[str]
    port: int = 0
    served: list[dict[str, Any]] = field(default_factory=list)

    def order(self, order: dict[str, Any]) -> None:
        """Have a run prepared, and wait until it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        self.answer()

    def answer(self) -> dict[str, Any]:
        """Return what it says next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RunFailedError("the flood ended")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def flood() -> Iterator[Flood]:
    """Run the other side."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.flood"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=_pinned(cores()[1]),  # noqa: PLW1509 -- one thread, before exec
    ) as process:
        try:
            it = Flood(process)
            it.port = it.answer()["port"]
            yield it
        finally:
            process.send_signal(signal.SIGTERM)


def run(
    other: Flood,
    client: Client,
    mix: str,
    messages: int,
    *,
    skip: int | None = None,
    stamps: bool = False,
    coins: Iterable[str] = stream.COINS,
    **order: Any,
) -> dict[str, Any]:
    """
    Let a client take ``messages`` in; return its report and the flood's.

    Raises:
        RunFailedError: it did not come to the end, and why.
    """
    python = interpreter(client.environment)
    if python is None:
        raise RunFailedError(f"{client.name}: not installed")
    coins = tuple(coins)
    feeds = [
        feed
        for feed in stream.subscriptions(mix, coins)
        if not client.feeds or feed["type"] in client.feeds
    ]
    other.order(
        {
            "mix": mix,
            "messages": messages,
            "feeds": len(feeds),
            "coins": coins,
            **order,
        }
    )
    spec = {
        "feeds": feeds,
        "skip": messages // 6 if skip is None else skip,
        "messages": messages,
        "handler": client.handler,
        "stamps": stamps,
    }
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "BISTOURY"))
    }
    if client.environment == "here":
        environment["PYTHONPATH"] = str(ROOT / "src")
    url = f"ws://127.0.0.1:{other.port}/ws"
    try:
        done = subprocess.run(
            [str(python), str(CLIENTS / client.script), url, json.dumps(spec)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            env=environment,
            cwd=CLIENTS,
            check=False,
            preexec_fn=_pinned(cores()[0]),
        )
        problem = done.stderr[-1500:]
    except subprocess.TimeoutExpired as error:
        done, problem = None, f"not done after {_PATIENCE:.0f} s: {error.stderr!r}"
    sent = other.answer()
    if done is None or done.returncode or not done.stdout or "error" in sent:
        raise RunFailedError(f"{client.name}: {problem or sent}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**report, "flood": sent}
