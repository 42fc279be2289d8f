"""``bistoury paper buy``, ``sell``, ``cancel`` and ``reset``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from .. import running
from ..options import ApiUrl, AsJson, Network
from .place import DEFAULT_URL, Account, At, Server, TokenFile, run_asking

Coin = Annotated[str, typer.Argument(metavar="COIN", help="BTC, xyz:NVDA, …")]
Size = Annotated[str, typer.Argument(metavar="SIZE", help="In coins.")]
Limit = Annotated[
    str | None,
    typer.Option(metavar="PRICE", help="Rest at this price instead of taking."),
]
Tif = Annotated[
    str | None,
    typer.Option(metavar="TIF", help="With --limit: Gtc (the default), Ioc or Alo."),
]
ReduceOnly = Annotated[
    bool, typer.Option("--reduce-only", help="Only make a position smaller.")
]
Slippage = Annotated[
    str | None,
    typer.Option(
        metavar="PART",
        help="Without --limit: how far from the mid to take (0.05: 5 %).",
    ),
]


def buy(  # noqa: PLR0917 -- all but two are options
    coin: Coin,
    size: Size,
    limit: Limit = None,
    tif: Tif = None,
    reduce_only: ReduceOnly = False,
    slippage: Slippage = None,
    account: Account = "main",
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Buy on paper: at the market, or resting with --limit.

    Status 1 when the order is refused, with the venue's own words.

    Examples:
        bistoury paper buy BTC 0.01

        bistoury paper buy ETH 0.5 --limit 2400 --tif Alo

        bistoury paper buy BTC 0.01 --reduce-only --json
    """
    wish = _wish(coin, size, limit, tif, slippage, reduce_only=reduce_only)
    _trade({**wish, "is_buy": True, "account": account}, at, token_file, as_json)


def sell(  # noqa: PLR0917 -- all but two are options
    coin: Coin,
    size: Size,
    limit: Limit = None,
    tif: Tif = None,
    reduce_only: ReduceOnly = False,
    slippage: Slippage = None,
    account: Account = "main",
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Sell on paper: at the market, or resting with --limit.

    Status 1 when the order is refused, with the venue's own words.

    Examples:
        bistoury paper sell BTC 0.01

        bistoury paper sell ETH 0.5 --limit 2600

        bistoury paper sell BTC 0.01 --reduce-only
    """
    wish = _wish(coin, size, limit, tif, slippage, reduce_only=reduce_only)
    _trade({**wish, "is_buy": False, "account": account}, at, token_file, as_json)


def cancel(
    order: Annotated[
        str, typer.Argument(metavar="ORDER", help="The order's number, or all.")
    ],
    account: Account = "main",
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Cancel an order on paper, or all of an account.

    Examples:
        bistoury paper cancel 17

        bistoury paper cancel all --account main
    """
    is_number = order.isascii() and order.isdecimal()
    if not is_number and order != "all":
        running.say(f"order={order!r}: allowed is a number, or all")
        raise typer.Exit(running.WRONG_USE)
    oid = int(order) if is_number else order

    async def work(server: Server) -> int:
        answer = await server.post("cancel", account=account, oid=oid)
        return _told(answer, f"canceled {answer['canceled']}", as_json=as_json)

    run_asking(at, token_file, work)


def reset(  # noqa: PLR0917 -- all are options
    account: Account = "main",
    cash: Annotated[
        str, typer.Option(metavar="USDC", help="What it begins with.")
    ] = "10000",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    at: At = DEFAULT_URL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
    _network: Network = None,
    _api_url: ApiUrl = None,
) -> None:
    """
    Begin an account anew, or open another one; the journal keeps what was.

    Examples:
        bistoury paper reset --yes

        bistoury paper reset --account grid --cash 25000 --yes
    """
    if not yes:
        if not sys.stdin.isatty():
            running.say("reset ends all orders and positions: say --yes")
            raise typer.Exit(running.WRONG_USE)
        question = f"End all orders and positions of {account}, and begin anew?"
        if not typer.confirm(question, err=True):
            raise typer.Exit(running.BAD)

    async def work(server: Server) -> int:
        answer = await server.post("open", account=account, cash=cash)
        text = f"{account} begins with {cash} USDC on paper"
        return _told(answer, text, as_json=as_json)

    run_asking(at, token_file, work)


def _wish(
    coin: str,
    size: str,
    limit: str | None,
    tif: str | None,
    slippage: str | None,
    *,
    reduce_only: bool,
) -> dict[str, Any]:
    given = {"limit_px": limit, "tif": tif, "slippage": slippage}
    wish: dict[str, Any] = {"coin": coin, "size": size, "reduce_only": reduce_only}
    return wish | {name: it for name, it in given.items() if it is not None}


def _trade(
    wish: dict[str, Any], at: str, token_file: Path | None, as_json: bool
) -> NoReturn:
    async def work(server: Server) -> int:
        answer = await server.post("order", **wish)
        return _told(answer, _outcome(answer), as_json=as_json)

    run_asking(at, token_file, work)


def _told(answer: dict[str, Any], text: str, *, as_json: bool) -> int:
    from ..output import write_json, write_line  # noqa: PLC0415

    if as_json:
        write_json(answer, indent=2)
    else:
        write_line(f"PAPER: {text}")
    is_done = answer.get("status") == "ok" and not _error(answer)
    return running.DONE if is_done else running.BAD


def _outcome(answer: dict[str, Any]) -> str:
    """Return what became of the only order of an answer."""
    error = _error(answer)
    if error:
        return f"refused: {error}"
    status = answer["response"]["data"]["statuses"][0]
    match status:
        case {"filled": made}:
            return f"filled {made['totalSz']} at {made['avgPx']} (order {made['oid']})"
        case {"resting": made}:
            return f"order {made['oid']} rests"
        case _:
            return str(status)


def _error(answer: dict[str, Any]) -> str:
    """Return why something was refused; empty if it was not."""
    response = answer.get("response", "")
    if isinstance(response, str):
        return response
    for status in response.get("data", {}).get("statuses", ()):
        if isinstance(status, dict) and "error" in status:
            return str(status["error"])
    return ""
