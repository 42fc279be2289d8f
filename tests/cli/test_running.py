"""How commands begin and end: each in a process of its own, with real signals."""

from __future__ import annotations

import signal

import pytest

from bistoury.cli import running
from bistoury.errors import ConfigError, ConnectFailedError, SubscriptionLimitError

PROGRAM = """
import asyncio, sys, time
from bistoury.cli import running

async def work():
    print("begun", flush=True)
{body}

running.prepare()
sys.exit(running.execute(work))
"""
WHILE_IMPORTING = """
import os, sys

class Interrupts:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), {number})

sys.meta_path.insert(0, Interrupts())
import bistoury.__main__ as entry
assert {module!r} not in sys.modules, "imported before signals are heard"
entry.main()
"""
WAIT = "    await asyncio.Event().wait()"
TIDY = """
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        print("closed", flush=True)
"""
STUBBORN = """
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("no", flush=True)
"""
BLOCKED = "    time.sleep(60)"
HANGS_AT_EXIT = """
    await asyncio.to_thread(time.sleep, 60)
"""


async def begun(shell, body):
    command = await shell.start(program=("-c", PROGRAM.format(body=body)))
    await command.line()
    return command


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
async def test_a_signal_ends_the_work_and_lets_it_close_what_it_opened(
    shell, number, status
):
    command = await begun(shell, TIDY)

    ended, took = await command.interrupt(number)

    assert ended.status == status
    assert ended.out.splitlines() == ["begun", "closed"]
    assert ended.err == ""
    assert took < 1.5


@pytest.mark.parametrize("body", [STUBBORN, BLOCKED, HANGS_AT_EXIT])
async def test_what_hangs_is_left_behind_within_two_seconds(shell, body):
    command = await begun(shell, body)

    ended, took = await command.interrupt()

    assert ended.status == 130
    assert ended.err == ""
    assert took < 2.0


async def test_a_second_signal_ends_it_at_once(shell):
    command = await begun(shell, STUBBORN)

    command.process.send_signal(signal.SIGINT)
    await command.line()
    ended, took = await command.interrupt()

    assert ended.status == 130
    assert took < 1.0


async def test_a_reader_that_left_is_no_failure(shell):
    body = "    while True: print('x' * 1000, flush=True)"
    command = await begun(shell, body)

    command.process.stdout._transport.close()
    status = await command.process.wait()

    assert status == 0
    assert await command.process.stderr.read() == b""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("coin", "", "a coin"), 2),
        (SubscriptionLimitError("trades", "at most 10"), 2),
        (ConnectFailedError("tcp", "refused"), 1),
    ],
)
def test_an_error_of_ours_is_one_sentence_and_a_status(capsys, error, status):
    async def work():
        raise error

    assert running.execute(work) == status
    assert capsys.readouterr().err == f"{error}\n"


def test_returns_what_the_work_returns():
    async def work():
        return 7

    assert running.execute(work) == 7


def test_puts_the_signal_handlers_back():
    before = signal.getsignal(signal.SIGINT)

    async def work():
        return 0

    running.execute(work)

    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("module", ["bistoury.cli", "typer", "bistoury.errors"])
@pytest.mark.parametrize(
    ("number", "status", "says"),
    [(signal.SIGINT, 130, "\n"), (signal.SIGTERM, 143, "")],
)
async def test_a_signal_while_importing_ends_without_a_word(
    shell, module, number, status, says
):
    program = WHILE_IMPORTING.format(module=module, number=int(number))
    ended = await shell.run(program=("-c", program))

    assert (ended.status, ended.out, ended.err) == (status, "", says)
