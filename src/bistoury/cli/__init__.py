"""
The command line.

Data goes to stdout and everything else to stderr. What a command needs is
imported when it runs: ``--help`` is wanted at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

from .. import __version__
from . import running
from .alerts import alerts
from .demo import demo
from .doctor import doctor
from .paper import COMMANDS as PAPER_COMMANDS
from .replay import replay
from .serve import serve
from .status import status
from .stream import stream
from .watch import watch

_STATUSES = """
Exit statuses: 0 done; 1 it ran and the answer is bad; 2 wrong use or bad
configuration; 3 the venue could not be reached; 130 interrupted; 143 terminated.
"""


_PAPER = """
Trade with made-up money on real data; see bistoury paper start --help.

\b
Examples:
  bistoury paper start --coins BTC,ETH
  bistoury paper buy BTC 0.01
  bistoury paper status
"""


class Commands(typer.core.TyperGroup):
    """The commands; what is heavy to import is a stand-in until it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that ``args`` begin with, itself and no stand-in."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, _load_sim() if name == "sim" else command, rest


app = typer.Typer(
    cls=Commands,
    name="bistoury",
    help="A Hyperliquid WebSocket client that comes back by itself.",
    epilog=_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _add(command: Callable[..., None], to: typer.Typer = app) -> None:
    """Add a command under its own name; in its help, examples stay as they are."""
    text = inspect.getdoc(command) or ""
    head, _, examples = text.partition("Examples:\n")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    shown = "\n".join(["\b\nExamples:", *(f"  {line}" for line in lines)])
    to.command(command.__name__, help=head + shown)(command)


_add(demo)
_add(stream)
_add(watch)
_add(status)
_add(serve)
_add(alerts)
_add(doctor)
_add(replay)

paper = typer.Typer(
    name="paper",
    help=_PAPER,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
for command in PAPER_COMMANDS:
    _add(command, paper)
app.add_typer(paper)


@app.command("sim", help="Run the local venue: WebSocket and /info on one port.")
def _sim() -> None:
    """Stand in for the command in the list of commands."""


def _load_sim() -> Any:
    from .sim import sim  # noqa: PLC0415 -- a server, for those who start one

    real = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    _add(sim, real)
    return typer.main.get_command(real)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"bistoury {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False,
        "--version",
        help="Say which version this is.",
        callback=_tell_version,
        is_eager=True,
    ),
) -> None:
    """Take what concerns no command in particular."""


def main() -> None:
    """Run the command line: the console script and ``python -m bistoury``."""
    running.prepare()
    try:
        app(prog_name="bistoury")
    except SystemExit as end:
        # Help that nobody reads to its end, as in ``bistoury --help | head -n 1``.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        running.let_go_of_stdout()


if __name__ == "__main__":
    main()
