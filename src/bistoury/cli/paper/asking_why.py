"""``bistoury paper report`` and ``explain``: what came of it, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import BistouryError, ConfigError
from .. import running
from ..options import ApiUrl, AsJson, Network
from .place import (
    DEFAULT_URL,
    Account,
    At,
    JournalFile,
    Server,
    TokenFile,
    run_asking,
)

_FORMS = ("text", "json", "csv", "html")


def report(  # noqa: PLR0917 -- all are options
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORM", help="text, json, csv or html."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it here; its ending says the form."),
    ] = None,
    account: Account = "main",
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Report profit, where it came from, and how far it can be believed.

    The CSV has a line for each fill; the page has charts and needs nothing else.

    Examples:
        bistoury paper report

        bistoury paper report --output report.html

        bistoury paper report --journal paper.sqlite --format csv > fills.csv
    """
    wanted = _form(form, output, as_json=as_json)
    if journal is not None:
        from ...paper_trading.showing import document  # noqa: PLC0415

        facts = _facts(journal)
        try:
            made = document(facts, account)
        except ConfigError as error:
            running.say(str(error))
            raise typer.Exit(running.WRONG_USE) from None
        raise typer.Exit(_write(made, wanted, output))

    async def work(server: Server) -> int:
        made = await server.get("report.json", account=account)
        return _write(made, wanted, output)

    run_asking(at, token_file, work)


def explain(
    fill: Annotated[int, typer.Argument(metavar="FILL", help="Its number (tid).")],
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Say why a fill was made: the market event, the queue, the delays.

    Examples:
        bistoury paper explain 12

        bistoury paper explain 12 --journal paper.sqlite --json
    """
    if journal is not None:
        from ...paper_trading import explain as explained  # noqa: PLC0415

        try:
            _tell(explained(_facts(journal), fill), as_json=as_json)
        except KeyError:
            running.say(f"fill={fill}: allowed is the tid of a fill")
            raise typer.Exit(running.WRONG_USE) from None
        raise typer.Exit(running.DONE)

    async def work(server: Server) -> int:
        _tell(await server.get(f"fills/{fill}.json"), as_json=as_json)
        return running.DONE

    run_asking(at, token_file, work)


def _form(form: str | None, output: Path | None, *, as_json: bool) -> str:
    ending = output.suffix.lstrip(".").lower() if output is not None else ""
    wanted = form or ("json" if as_json else ending or "text")
    if wanted == "txt":
        wanted = "text"
    if wanted not in _FORMS:
        running.say(f"--format={wanted!r}: allowed is one of {', '.join(_FORMS)}")
        raise typer.Exit(running.WRONG_USE)
    return wanted


def _facts(path: Path) -> list[Any]:
    from ...paper_trading.journal import read  # noqa: PLC0415

    try:
        return read(path)
    except BistouryError as error:
        running.say(str(error))
        raise typer.Exit(running.BAD) from None


def _write(made: dict[str, Any], form: str, output: Path | None) -> int:
    text = _text(made, form)
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return running.DONE
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        running.say(f"--output={str(output)!r}: {error.strerror}")
        return running.WRONG_USE
    running.say(f"the report is in {output}")
    return running.DONE


def _text(made: dict[str, Any], form: str) -> str:
    from ...paper_trading.showing import as_csv, as_lines, page  # noqa: PLC0415

    if form == "csv":
        return as_csv(made)
    if form == "html":
        return page(made)
    if form == "json":
        import msgspec  # noqa: PLC0415

        data = msgspec.json.encode({"v": 1, **made}, enc_hook=str)
        return msgspec.json.format(data, indent=2).decode() + "\n"
    lines = list(as_lines(made))
    width = max(len(name) for name, _ in lines)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in lines)


def _tell(why: dict[str, Any], *, as_json: bool) -> None:
    from ..output import write_json, write_line  # noqa: PLC0415

    if as_json:
        write_json(why, indent=2)
        return
    made, order = why["fill"], why["order"]
    write_line(f"PAPER fill {why['tid']}: {made['side']} {made['sz']} {made['coin']}")
    write_line(f"  because    {why['why']}")
    write_line(f"  event      {why['market_event']['id']}")
    write_line(f"  price      {made['px']}, fee {made['fee']} USDC")
    write_line(f"  quality    {made['quality']}, data {made['data_age_ms']} ms old")
    write_line(f"  mids       {why['mid_at_decision']} then {why['mid_at_arrival']}")
    write_line(f"  decided    {why['decided_at']}, matched {why['matched_at']} (ms)")
    if why["queue_ahead"] is not None:
        write_line(f"  queue      {why['queue_ahead']} stood before it")
    write_line(f"  order      {order['oid']} {order['cloid'] or ''}".rstrip())
    for it in order["before"]:
        write_line(f"             {it['at']} {it['status']} {it['cause']}".rstrip())
