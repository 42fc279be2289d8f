"""``bistoury replay``: what an incident journal tells."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigError
from . import running
from .options import ApiUrl, AsJson, Network
from .output import write_json, write_line

if TYPE_CHECKING:
    from ..recorder.replay import Replayed, Told

_INDENT = " " * 4


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The journal.")],
    until: Annotated[
        str | None,
        typer.Option(metavar="HH:MM:SS", help="Stop at this time of day (UTC)."),
    ] = None,
    as_json: AsJson = False,
    network: Network = None,  # noqa: ARG001 -- every command takes them
    api_url: ApiUrl = None,  # noqa: ARG001
) -> None:
    """
    Tell what happened, from the journal of an incident.

    Plays the journal back into the same decisions and tells them: when, what, why,
    until when. A client writes one if it is made with journal=FILE. A file that is
    damaged is read as far as it goes.

    Examples:
        bistoury replay incident.jsonl

        bistoury replay incident.jsonl --until 14:30:00

        bistoury replay incident.jsonl --json
    """
    from ..recorder.replay import read  # noqa: PLC0415 -- the sessions are behind it

    try:
        end = None if until is None else _time_of_day(until)
        found = read(file)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    except OSError as error:
        running.say(f"{file} cannot be read: {error.strerror}")
        raise typer.Exit(running.WRONG_USE) from None
    if not found.runs and not found.events:
        running.say(f"{file} is no journal: {found.damage or 'it is empty'}")
        raise typer.Exit(running.WRONG_USE)
    told = found.told if end is None else _before(found.told, end)
    (_write_json if as_json else _write)(changed(found, told=told))
    if found.damage:
        running.say(f"read as far as it goes: {found.damage}")
    if found.is_headless:
        running.say("the beginning is gone: told as written, not played back")
    if found.differs:
        running.say(f"played back, it differs: {found.differs}")


def _write(found: Replayed) -> None:
    from ..recorder.story import Outage, tell  # noqa: PLC0415 -- as above

    for item in tell(found.told):
        if not isinstance(item, Outage):
            write_line(f"{item.at}  {item.text}")
            continue
        write_line(f"{item.step.at}  {item.step.text}")
        for step in item.steps:
            write_line(f"{_INDENT}{step.at}  {step.text}")
    running.say(_summary(found))


def _summary(found: Replayed) -> str:
    frames = sum(found.frames.values())
    how = "played back" if _is_exact(found) else "read"
    return (
        f"{found.events} events {how}, {frames} frames of data in"
        f" {len(found.frames)} feeds"
    )


def _write_json(found: Replayed) -> None:
    from ..recorder.records import as_fields  # noqa: PLC0415 -- as above
    from ..recorder.story import is_told  # noqa: PLC0415

    for it in found.told:
        if is_told(it.notice):
            fields = as_fields(it.notice)
            fields["event"] = fields.pop("type")
            where = {"at": _iso(it), "run": it.run, "line": it.line}
            write_json({**where, **fields, "text": str(it.notice)})
    summary: dict[str, Any] = {
        "events": found.events,
        "frames": found.frames,
        "runs": found.runs,
        "is_exact": _is_exact(found),
        "damage": found.damage or None,
        "differs": found.differs or None,
    }
    write_json({"event": "Summary", **summary})


def _is_exact(found: Replayed) -> bool:
    return not (found.differs or found.is_headless)


def _iso(told: Told) -> str | None:
    if told.wall is None:
        return None
    return datetime.fromtimestamp(told.wall, UTC).isoformat(timespec="milliseconds")


def _before(told: list[Told], end: time) -> list[Told]:
    """Return what was told before a time of day, of the day on which it begins."""
    first = next((it.wall for it in told if it.wall is not None), None)
    if first is None:
        return told
    began = datetime.fromtimestamp(first, UTC)
    until = datetime.combine(began.date(), end, UTC)
    if until < began:
        until += timedelta(days=1)
    return [it for it in told if it.wall is None or it.wall < until.timestamp()]


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ConfigError("--until", text, "a time of day such as 14:30:00") from None
