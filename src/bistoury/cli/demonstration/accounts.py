"""The end of the demonstration: the accounts and the verdict, for people."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from .play import Outcome
from .proof import Row

_COLUMNS = ("published", "delivered", "recovered", "in gaps", "lost", "repeated")
_MILLISECONDS_BELOW = 0.0995


def accounts(outcome: Outcome) -> Table:
    """Return what was published and what became of it, stream by stream."""
    table = Table(
        title=Text("Published by the venue's ledger, against delivered", "bold"),
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    table.add_column("stream", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for feed, row in outcome.rows:
        table.add_row(feed.name, *_figures(row))
    sums = total([row for _, row in outcome.rows])
    table.add_row("all", *_figures(sums), style="bold")
    return table


def states(outcome: Outcome) -> Table:
    """Return how old the newest message of each feed of states is."""
    table = Table.grid(padding=(0, 2))
    table.add_row(*(Text(it, "dim") for it in ("state", "newest", "the venue sends")))
    for feed, age in outcome.states:
        said = "never came" if age is None else f"{duration(age)} ago"
        table.add_row(feed.name, said, feed.cadence)
    return table


def verdict(outcome: Outcome) -> str:
    """Return what is to be thought of it."""
    sums = total([row for _, row in outcome.rows])
    count = len(outcome.episodes)
    if outcome.is_sound:
        gaps = f", {sums.in_gaps} in declared gaps" if sums.in_gaps else ""
        return (
            f"[bold green]✓ {count} broken connections in {outcome.seconds:.0f} s, "
            f"{sums.published} events published{gaps}:\n  none lost, none repeated, "
            "all subscriptions restored.[/]"
        )
    failed = sum(bool(episode.error) for episode in outcome.episodes)
    return (
        f"[bold red]✗ {sums.lost} events lost, {sums.repeated} repeated, "
        f"{sums.invented} never published;\n  {failed} of {count} connections not "
        "restored.[/]"
    )


def total(rows: list[Row]) -> Row:
    """Add streams up."""
    return Row(
        stream="all",
        published=sum(row.published for row in rows),
        delivered=sum(row.delivered for row in rows),
        recovered=sum(row.recovered for row in rows),
        in_gaps=sum(row.in_gaps for row in rows),
        lost=sum(row.lost for row in rows),
        repeated=sum(row.repeated for row in rows),
        invented=sum(row.invented for row in rows),
    )


def duration(seconds: float) -> str:
    """Return a short stretch of time in words."""
    if seconds < _MILLISECONDS_BELOW:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s"


def _figures(row: Row) -> list[Text]:
    good = (row.published, row.delivered, row.recovered, row.in_gaps)
    bad = (row.lost, row.repeated)
    return [
        *(Text(str(number)) for number in good),
        *(Text(str(number), "red" if number else "green") for number in bad),
    ]
