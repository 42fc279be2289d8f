"""``bistoury paper start``: the engine and its server, with a live table."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import ConfigError
from .. import running
from ..options import ApiUrl, AsJson, Network, config_from, require
from ..serve import start_logging, token_from
from .place import journal_place

if TYPE_CHECKING:
    from ...config import Config
    from ...hyperliquid.client import HyperLiquidIntegration
    from ...paper_trading import PaperConfig, PaperTradingEngine
    from ...paper_trading.server import PaperServer

_NETWORKS = ("testnet", "mainnet")
_CONNECT_WITHIN = 2.0
_LOOK_EVERY = 0.5

Assume = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Another assumption, such as queue=log; repeatable.",
    ),
]


def start(  # noqa: PLR0917 -- all are options
    coins: Annotated[
        str, typer.Option(metavar="LIST", help="What may be traded, by commas.")
    ] = "BTC,ETH",
    cash: Annotated[
        str, typer.Option(metavar="USDC", help="What each new account begins with.")
    ] = "10000",
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where accounts survive a restart."),
    ] = None,
    no_journal: Annotated[
        bool, typer.Option("--no-journal", help="Forget everything at the end.")
    ] = False,
    recording: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A new file for all that was heard, for a replay."
        ),
    ] = None,
    assume: Assume = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(metavar="AGENT=OWNER", help="Who signs for whom; repeatable."),
    ] = None,
    signed_for: Annotated[
        str, typer.Option(metavar="NETWORK", help="What clients sign for.")
    ] = "testnet",
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8767,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the token that is asked for."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name it is reached by; repeatable."),
    ] = None,
    log: Annotated[
        str, typer.Option(metavar="FORM", help="plain, json or none; on stderr.")
    ] = "none",
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Trade on paper: live data in, the venue's /exchange, /info and /ws out.

    A bot trades on paper when its API URL is the one printed here; its account is
    the one of whoever signs. In a terminal a live table is shown; with --json the
    first line says where the server is, and every fact follows as a line. Nothing is
    ever sent to the real venue's order entry. Ends on Ctrl-C.

    Examples:
        bistoury paper start

        bistoury paper start --coins BTC,ETH,SOL --cash 50000 --network mainnet

        bistoury paper start --set on_gap=pessimistic --set max_data_age=3

        bistoury paper start --no-journal --json | jq -c .event
    """
    try:
        require(
            signed_for in _NETWORKS, "--signed-for", signed_for, " or ".join(_NETWORKS)
        )
        both = not (no_journal and journal)
        require(both, "--no-journal", str(journal), "only one of it and --journal")
        config = config_from(network, api_url)
        kept = None if no_journal else _made(journal or journal_place())
        where = {
            "host": host,
            "port": port,
            "token": token_from(token_file),
            "allowed_hosts": tuple(allow_host or ()),
            "agents": dict(_pair("--agent", it) for it in agent or ()),
            "network": signed_for,
            "cash": cash,
        }
        paper = assumptions(cash, assume)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    start_logging(log)
    names = tuple(it for it in coins.replace(" ", "").split(",") if it)
    files: dict[str, Any] = {"journal": kept, "recording": recording}
    running.run(lambda: _start(config, names, paper, files, where, as_json=as_json))


async def _start(
    config: Config,
    coins: tuple[str, ...],
    paper: PaperConfig,
    files: dict[str, Any],
    where: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    from ...hyperliquid.client import HyperLiquidIntegration  # noqa: PLC0415
    from ...paper_trading import PaperTradingEngine  # noqa: PLC0415
    from ...paper_trading.server import PaperServer  # noqa: PLC0415

    client = HyperLiquidIntegration(config, connect_timeout=_CONNECT_WITHIN)
    engine = PaperTradingEngine(coins=coins, paper=paper, client=client, **files)
    # The server first: what is wrong with its settings is said before anything else.
    server = PaperServer(engine, **where)
    try:
        is_live = await client.connect()
        await engine.start()
        async with server:
            if not is_live:
                running.say(f"{config.api_url} does not answer yet; going on trying")
            await _show(engine, server, as_json=as_json)
    finally:
        await asyncio.shield(_end(engine, client))
    return running.DONE


async def _show(
    engine: PaperTradingEngine, server: PaperServer, *, as_json: bool
) -> None:
    from ..output import write_line  # noqa: PLC0415

    if as_json:
        await _lines(engine, server)
    elif sys.stdout.isatty():
        await _screen(engine, server)
    else:
        write_line(f"PAPER trading at {server.url}")
        await asyncio.Event().wait()


async def _end(engine: PaperTradingEngine, client: HyperLiquidIntegration) -> None:
    await engine.stop()
    await client.disconnect()


async def _lines(engine: PaperTradingEngine, server: PaperServer) -> None:
    import msgspec  # noqa: PLC0415

    from ..output import write_json  # noqa: PLC0415

    facts = engine.events()
    write_json({"paper": True, "url": server.url, "pid": os.getpid()})
    async for event in facts:
        line = {"paper": True, "event": msgspec.to_builtins(event)}
        # In a thread: who reads slowly, or not at all, must not hold up the trading.
        await asyncio.to_thread(write_json, line)


async def _screen(engine: PaperTradingEngine, server: PaperServer) -> None:
    from rich.live import Live  # noqa: PLC0415

    from ...paper_trading.server.overview import overview  # noqa: PLC0415
    from .picture import render  # noqa: PLC0415

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            live.update(render(overview(engine), server.url), refresh=True)
            await asyncio.sleep(_LOOK_EVERY)


def _made(path: Path) -> Path:
    """Make the folder of the journal, if it is our own."""
    if path == journal_place():
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _pair(option: str, text: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    require(bool(is_there and name and value), option, text, "NAME=VALUE")
    return name.strip(), value.strip()


def assumptions(cash: str, assume: list[str] | None) -> PaperConfig:
    """Return the assumptions that were typed as ``--set NAME=VALUE``."""
    import msgspec  # noqa: PLC0415

    from ...paper_trading import PaperConfig  # noqa: PLC0415
    from ...paper_trading.settings import amount  # noqa: PLC0415

    known = set(PaperConfig.__struct_fields__) - {"accounts", "fees"}
    members: dict[str, Any] = {"accounts": {"main": amount("--cash", cash)}}
    for name, value in (_pair("--set", it) for it in assume or ()):
        require(name in known, "--set", name, f"one of {', '.join(sorted(known))}")
        try:
            # Text such as "0.3" stands for a number where one is needed.
            msgspec.convert({name: value}, PaperConfig, strict=False)
        except msgspec.ValidationError as error:
            raise ConfigError(name, value, str(error)) from None
        members[name] = value
    return msgspec.convert(members, PaperConfig, strict=False).checked()
