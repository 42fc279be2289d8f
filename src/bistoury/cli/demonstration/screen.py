"""What the demonstration looks like while it runs: a line for each step."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from ..output import StatusLine
from .accounts import accounts, duration, states, verdict
from .breaks import Break
from .play import Episode, Outcome
from .stage import (
    MAX_RECONNECT_DELAY,
    MESSAGE_TIMEOUT,
    RECONNECT_DELAY,
    REST_WEIGHT,
    Stage,
)

_INDENT = 6
_GAPS = ("recovered", "unrecoverable", "open")


class Screen:
    """Writes each step as it happens, to stdout or to stderr."""

    def __init__(self, *, to_stdout: bool) -> None:
        stream = sys.stdout if to_stdout else sys.stderr
        self._console = Console(file=stream, highlight=False)
        self._status = StatusLine()

    def close(self) -> None:
        """Leave no status line behind."""
        self._status.clear()

    def opened(self, stage: Stage, *, is_ready: bool) -> None:
        """Say where we are, and with which settings."""
        self._say(
            f"[bold]A venue of our own[/] at {stage.venue.url}; no network is needed."
        )
        kinds = dict.fromkeys(feed.fields["type"] for feed in stage.feeds)
        self._say(f"{len(stage.feeds)} subscriptions: {', '.join(kinds)}.")
        self._say(
            "[dim]Other than the defaults, so that you need not wait: "
            f"reconnect_delay {RECONNECT_DELAY:g} s (1),\n"
            f"max_reconnect_delay {MAX_RECONNECT_DELAY:g} s (60), "
            f"message timeout {MESSAGE_TIMEOUT:g} s (30),\n"
            f"and {REST_WEIGHT} of REST weight a minute (1200).[/]"
        )
        if is_ready:
            self._say(f"[green]✓[/] connected and subscribed in {stage.seconds:.2f} s")

    def watching(self, stage: Stage) -> None:
        """Draw the status line."""
        tape, stats = stage.tape, stage.client.get_reconnection_stats()
        prices = "  ".join(f"{it} {tape.mids.get(it, '…')}" for it in ("BTC", "ETH"))
        self._status.show(
            f"{stage.seconds:4.0f} s  {stats['state']:<10}  {prices}  "
            f"{tape.messages} messages"
        )

    def broke(self, number: int, total: int, one: Break) -> None:
        """Say what breaks."""
        self._say()
        self._say(f"[bold]{number}/{total}  {escape(one.title)}[/]: {one.what}")

    def noticed(self, episode: Episode) -> None:
        """Say how it was noticed."""
        lost = episode.lost
        self._step(
            f"[yellow]noticed[/] after {duration(episode.noticed_after)}: "
            f"{lost.cause}{escape(_details(lost))}"
        )

    def trying(self, episode: Episode) -> None:
        """Say when the next attempt is due, and why the last one failed."""
        if len(episode.attempts) > 1 and episode.failures:
            failed = episode.failures[-1]
            why = escape(_details(failed))
            self._step(f"[yellow]turned away[/]: {failed.cause}{why}")
        it = episode.attempts[-1]
        self._step(f"attempt #{it.attempt} in {duration(it.delay_seconds)}")

    def restored(self, episode: Episode) -> None:
        """Say how it ended."""
        if episode.error:
            self._step(f"[red]✗ {escape(episode.error)}[/]")
            return
        asked = f", {episode.asked_again} asked again" if episode.asked_again else ""
        self._step(
            f"[green]ready[/] after {duration(episode.ready_after)}: "
            f"{episode.acknowledged} of {episode.wanted} subscriptions "
            f"acknowledged{asked}"
        )

    def accounted(self, episode: Episode) -> None:
        """Say what came back."""
        first, settled = episode.first_data_after, episode.settled_after
        data = "no data" if first is None else f"first data after {duration(first)}"
        gaps = episode.gaps
        if gaps.total():
            kinds = ", ".join(f"{gaps[kind]} {kind}" for kind in _GAPS if gaps[kind])
            after = "" if settled is None else f" after {duration(settled)}"
            self._step(f"{data}; gaps: {kinds}{after}")
        else:
            self._step(data)
        mark = "[green]✓[/]" if episode.is_sound else "[red]✗[/]"
        rest = f", {episode.in_gaps} in declared gaps" if episode.in_gaps else ""
        self._step(
            f"{mark} {episode.brought_back} of {episode.missed} events of the outage "
            f"delivered{rest}"
        )

    def finale(self, outcome: Outcome) -> None:
        """Show the accounts and the verdict."""
        self._say()
        if not outcome.started:
            self._say("[red]✗ The client did not get ready: nothing was shown.[/]")
            return
        for table in (accounts(outcome), states(outcome)):
            self._draw(table)
            self._say()
        for feed, row in outcome.rows:
            if row.in_gaps:
                note = outcome.notes.get(feed.stream) or "a gap is still open"
                self._say(f"[dim]In gaps, {escape(feed.name)}: {escape(note)}.[/]")
        self._say()
        self._say(verdict(outcome))

    def _draw(self, table: Table) -> None:
        """Draw a table; in a file, without the blanks that fill it up."""
        self._status.clear()
        if self._console.is_terminal:
            self._console.print(table)
            return
        with self._console.capture() as captured:
            self._console.print(table)
        for line in captured.get().splitlines():
            self._console.out(line.rstrip(), highlight=False)

    def _step(self, text: str) -> None:
        self._say(text, _INDENT)

    def _say(self, text: str = "", indent: int = 0) -> None:
        """Write a line; a terminal's edge breaks it, a file has none."""
        self._status.clear()
        if self._console.is_terminal:
            self._console.print(Padding(text, (0, 0, 0, indent)))
        else:
            self._console.print(" " * indent + text, soft_wrap=True)
        self._console.file.flush()


def _details(lost: Any) -> str:
    """Return the close code or status, and the reason, of a loss."""
    if lost.code is None:
        return f" ({lost.reason})" if lost.reason else ""
    if not lost.was_open:
        return f", HTTP {lost.code}"
    return f", close {lost.code} ({lost.reason})"
