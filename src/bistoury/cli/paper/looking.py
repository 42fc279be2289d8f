"""``bistoury paper status`` and ``orders``: how things stand."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import BistouryError, ConfigError
from .. import running
from ..options import ApiUrl, AsJson, Network
from .place import (
    DEFAULT_URL,
    At,
    JournalFile,
    RefusedError,
    Server,
    TokenFile,
    run_asking,
)

_LOOK_EVERY = 0.5


def status(  # noqa: PLR0917 -- all are options
    live: Annotated[
        bool, typer.Option("--live", help="Go on showing it, until Ctrl-C.")
    ] = False,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this account.")
    ] = None,
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Show data, accounts, positions, orders and fills of a paper server.

    Status 1 when it has no live data to trade on, 3 when it does not answer. With
    --journal the accounts are read from a file, as they were when it ended.

    Examples:
        bistoury paper status

        bistoury paper status --live

        bistoury paper status --journal paper.sqlite --json | jq .accounts
    """
    if journal is not None:
        _show_journal(journal, account, as_json=as_json)
    if live and not as_json and not sys.stdout.isatty():
        running.say("--live needs a terminal on stdout; elsewhere use --json")
        raise typer.Exit(running.WRONG_USE)

    async def work(server: Server) -> int:
        while live:
            await _look(server, account, at, as_json=as_json)
            await asyncio.sleep(_LOOK_EVERY)
        state = await _state(server, account)
        _show(state, at, as_json=as_json)
        is_live = state["connected"] and all(
            it["state"] == "live" for it in state["coins"]
        )
        is_well = state["ready"] and is_live and not state.get("trouble")
        return running.DONE if is_well else running.BAD

    run_asking(at, token_file, work)


def orders(
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this account.")
    ] = None,
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    List the open orders of a paper server.

    Examples:
        bistoury paper orders

        bistoury paper orders --account main --json
    """
    if journal is not None:
        _list(_chosen(_read(journal), account), as_json=as_json)
        raise typer.Exit(running.DONE)

    async def work(server: Server) -> int:
        state = await _state(server, account)
        _list(state, as_json=as_json)
        return running.DONE

    run_asking(at, token_file, work)


async def _state(server: Server, account: str | None) -> dict[str, Any]:
    return _chosen(await server.get("state.json"), account)


def _chosen(state: dict[str, Any], account: str | None) -> dict[str, Any]:
    if account is None:
        return state
    wanted = account.lower()
    found = [
        it
        for it in state["accounts"]
        if it["name"] == account or (it["address"] and it["address"] == wanted)
    ]
    if not found:
        known = ", ".join(it["name"] for it in state["accounts"]) or "there is none"
        raise RefusedError(f"account={account!r}: allowed is one of {known}")
    return {**state, "accounts": found}


async def _look(server: Server, account: str | None, at: str, *, as_json: bool) -> None:
    """Draw again and again, or write a line each time."""
    if as_json:
        from ..output import write_json  # noqa: PLC0415

        write_json(await _state(server, account))
        return
    from rich.live import Live  # noqa: PLC0415

    from .picture import render  # noqa: PLC0415

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            live.update(render(await _state(server, account), at), refresh=True)
            await asyncio.sleep(_LOOK_EVERY)


def _show(state: dict[str, Any], where: str, *, as_json: bool) -> None:
    if as_json:
        from ..output import write_json  # noqa: PLC0415

        write_json(state, indent=2)
        return
    from rich.console import Console  # noqa: PLC0415

    from .picture import render  # noqa: PLC0415

    Console(highlight=False).print(render(state, where))


def _list(state: dict[str, Any], *, as_json: bool) -> None:
    listed = [
        {"account": it["name"], **order}
        for it in state["accounts"]
        for order in it["orders"]
    ]
    if as_json:
        from ..output import write_json  # noqa: PLC0415

        write_json({"paper": True, "orders": listed}, indent=2)
        return
    from rich.console import Console  # noqa: PLC0415

    from .picture import orders_table  # noqa: PLC0415

    console = Console(highlight=False)
    for it in state["accounts"]:
        if it["orders"]:
            console.print(f"[bold]{it['name']}[/] (paper)")
            console.print(orders_table(it["orders"]))
    if not listed:
        running.say("no order is open")


def _show_journal(path: Path, account: str | None, *, as_json: bool) -> None:
    state = _chosen(_read(path), account)
    _show(state, str(path), as_json=as_json)
    raise typer.Exit(running.DONE)


def _read(path: Path) -> dict[str, Any]:
    """Return the accounts of a journal in the form of an overview."""
    from ...paper_trading.accounts import Accounts  # noqa: PLC0415
    from ...paper_trading.journal import read  # noqa: PLC0415
    from ...paper_trading.server.overview import account_of  # noqa: PLC0415

    try:
        accounts = Accounts.folded(read(path), {})
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    except BistouryError as error:
        running.say(str(error))
        raise typer.Exit(running.BAD) from None
    known = [account_of(it, None) for it in accounts.by_name.values()]
    state = {"ended": True, "ready": False, "connected": False, "coins": []}
    time = {"v": 1, "paper": True, "time": accounts.last_at}
    return {**time, **state, "accounts": known}
