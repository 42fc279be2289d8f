"""The command line as a whole: help, exit statuses, what is imported when."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from bistoury import __version__
from bistoury.cli import app

COMMANDS = ("demo", "sim", "stream", "doctor", "replay", "paper")
HEAVY = ("aiohttp", "picows", "pydantic_settings", "stamina", "bistoury.simulator")
HELP = f"""
import sys
from bistoury.cli import main
sys.argv = ["bistoury", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*[name for name in ("pydantic", *{HEAVY!r}) if name in sys.modules])
"""


def run(*args):
    return CliRunner().invoke(app, args, env={"COLUMNS": "100", "NO_COLOR": "1"})


def test_help_lists_every_command_and_the_exit_statuses():
    shown = run("--help").output

    assert all(name in shown for name in COMMANDS)
    assert "130" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_examples(command):
    result = run(command, "--help")

    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert f"  bistoury {command}" in result.output


@pytest.mark.parametrize("command", [(), ("sim",), ("paper",), ("stream",)])
def test_help_that_nobody_reads_to_its_end_is_no_failure(command):
    with subprocess.Popen(
        [sys.executable, "-m", "bistoury", *command, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def loaded_for(*args):
    done = subprocess.run(
        [sys.executable, "-c", HELP, *args],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


def test_help_and_version_import_nothing_heavy():
    assert loaded_for("--help") == []
    assert loaded_for("--version") == []


@pytest.mark.parametrize("command", ["demo", "stream", "doctor", "replay"])
def test_the_help_of_a_command_imports_nothing_heavy(command):
    # Typer itself needs pydantic to read the options of a command.
    assert set(loaded_for(command, "--help")) <= {"pydantic"}


@pytest.mark.parametrize("command", ["demo", "stream", "doctor", "replay"])
def test_every_command_takes_the_common_options(command):
    shown = run(command, "--help").output

    assert all(name in shown for name in ("--json", "--network", "--api-url"))


def test_says_its_version():
    result = run("--version")

    assert result.exit_code == 0
    assert result.output == f"bistoury {__version__}\n"
    assert __version__ == version("bistoury")


def test_a_misspelt_command_is_wrong_use_and_the_right_one_is_named():
    result = run("strea")

    assert result.exit_code == 2
    assert "Did you mean 'stream'?" in result.output


def test_an_unknown_option_is_wrong_use():
    assert run("doctor", "--no-such-thing").exit_code == 2


def test_without_a_command_it_shows_help():
    assert "Commands" in run().output


async def test_runs_as_a_module(shell):
    ended = await shell.run("--version")

    assert (ended.status, ended.out) == (0, f"bistoury {__version__}\n")


async def test_the_venue_ends_on_ctrl_c_too(shell):
    command = await shell.start("sim", "--port", "0")
    assert "local venue is at http://127.0.0.1:" in await command.error_line()

    ended, took = await command.interrupt()

    assert ended.status == 130
    assert took < 2.0
    assert "Traceback" not in ended.err
