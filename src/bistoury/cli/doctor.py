"""``bistoury doctor``: what works between here and the venue, and what does not."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigError
from . import running
from .options import ApiUrl, AsJson, Network, config_from, seconds_from
from .subscriptions import parse, subscription_of

if TYPE_CHECKING:
    from .examination import Check, Course

_WANTED = ("allMids", "l2Book BTC", "trades BTC")
_MARGIN = 27
"""Columns to the left of what a step says."""
_USERS_FEEDS = ("userFills", "orderUpdates")


def doctor(  # noqa: PLR0917 -- all but the first are options
    subscribe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'TYPE [COIN]'",
            help="What to try instead of the usual; repeatable.",
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Try this user's feeds too.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the raw frames; .gz is compressed."),
    ] = None,
    record_for: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="With --record: go on for 60s, …"),
    ] = None,
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Find out what is wrong between this machine and the venue.

    Tries the name, TCP, TLS, the upgrade, a ping, REST, the clock and each wanted
    subscription: one line each, with what to do about it. Exit status 1 if
    something is wrong, 3 if the venue cannot be reached at all.

    Examples:
        bistoury doctor

        bistoury doctor --network testnet --json

        bistoury doctor --subscribe 'trades ETH' --subscribe 'candle BTC interval=1m'

        bistoury doctor --user 0x… --record frames.gz --for 5m
    """
    try:
        wanted = [parse(text) for text in subscribe or _WANTED]
        if user is not None:
            wanted += [subscription_of(it, {"user": user}, []) for it in _USERS_FEEDS]
        duration = _recording_time(record, record_for)
        config = config_from(network, api_url)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    running.run(lambda: _doctor(config, wanted, record, duration, as_json=as_json))


def _recording_time(record: Path | None, lasts: str | None) -> float:
    if lasts is None:
        return 0.0
    if record is None:
        raise ConfigError("--for", lasts, "--record FILE beside it")
    return seconds_from("--for", lasts)


async def _doctor(
    config: Any,
    wanted: list[dict[str, Any]],
    record: Path | None,
    duration: float,
    *,
    as_json: bool,
) -> int:
    from .examination import Course, examine  # noqa: PLC0415 -- aiohttp and picows
    from .output import write_json  # noqa: PLC0415

    report = _Report(is_quiet=as_json)
    course = Course(config, wanted, report.tell, record, duration)
    report.title(config)
    await examine(course)
    if as_json:
        write_json(_document(course), indent=2)
    else:
        report.end(course)
    if course.is_ok:
        return running.DONE
    return running.BAD if course.is_reached else running.UNREACHABLE


class _Report:
    """Writes a line for each step, as it is taken."""

    def __init__(self, *, is_quiet: bool) -> None:
        from rich.console import Console  # noqa: PLC0415

        self._console = Console(highlight=False, quiet=is_quiet)

    def title(self, config: Any) -> None:
        """Say where we look."""
        self._write(f"[bold]{config.api_url}[/]")

    def tell(self, check: Check) -> None:
        """Write what one step found."""
        from rich.markup import escape  # noqa: PLC0415

        from ..observability.addresses import shorten  # noqa: PLC0415

        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]·[/]"}[check.is_ok]
        took = "" if check.seconds is None else _duration(check.seconds)
        name, said = shorten(check.name), check.said
        if self._console.is_terminal:
            width = max(20, self._console.width - _MARGIN)
            said = f"\n{' ' * _MARGIN}".join(wrap(said, width))
        self._write(f"{mark} {escape(name):<14} {took:>8}  {escape(said)}")
        if check.advice:
            self._write(f"  [yellow]→ {escape(check.advice)}[/]")

    def end(self, course: Course) -> None:
        """Say how it went."""
        if course.record is not None:
            self._write(f"{course.frames} frames are in {course.record}")
        wrong = sum(check.is_ok is False for check in course.checks)
        if not wrong:
            self._write("[bold green]All is well.[/]")
        elif course.is_reached:
            self._write(f"[bold red]{wrong} of {len(course.checks)} checks failed.[/]")
        else:
            self._write("[bold red]The venue cannot be reached.[/]")

    def _write(self, text: str) -> None:
        self._console.print(text, soft_wrap=not self._console.is_terminal)
        self._console.file.flush()


def _document(course: Course) -> dict[str, Any]:
    return {
        "ok": course.is_ok,
        "reached": course.is_reached,
        "network": course.config.venue,
        "api_url": course.config.api_url,
        "ws_url": course.config.ws_url,
        "checks": [check.members() for check in course.checks],
        "limits": course.limits,
        "recorded": course.frames if course.record is not None else None,
    }


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
