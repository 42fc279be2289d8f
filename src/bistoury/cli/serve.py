"""``bistoury serve``: a client, its status page and its endpoints."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigError
from . import running
from .following import USUAL, following
from .options import ApiUrl, AsJson, Network, config_from, require
from .subscriptions import parse

if TYPE_CHECKING:
    from ..alerting import AlertPlan
    from ..config import Config

_CONNECT_WITHIN = 2.0
_LOGS = ("plain", "json", "none")


def serve(  # noqa: PLR0917 -- all are options
    subscribe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'TYPE [COIN]'",
            help="What to follow instead of the usual; repeatable.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8766,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the token that is asked for."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name it is reached by; repeatable."),
    ] = None,
    alerts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Send alerts as this TOML file says."),
    ] = None,
    log: Annotated[
        str, typer.Option(metavar="FORM", help="plain, json or none; on stderr.")
    ] = "plain",
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Follow subscriptions and serve how they do: a page, /metrics, /readyz.

    Listens on this machine only; to listen elsewhere, give --token-file. With --json
    the first line on stdout says where the page is. Ends on Ctrl-C.

    Examples:
        bistoury serve

        bistoury serve --network testnet --subscribe 'trades ETH' --port 9000

        bistoury serve --alerts alerts.toml --log json

        bistoury serve --host 0.0.0.0 --token-file token.txt
    """
    try:
        wanted = [parse(text) for text in subscribe or USUAL]
        require(log in _LOGS, "--log", log, f"one of {', '.join(_LOGS)}")
        config = config_from(network, api_url)
        token = token_from(token_file)
        plan = None
        if alerts is not None:
            from ..alerting import AlertPlan  # noqa: PLC0415 -- only who wants alerts

            plan = AlertPlan.load(alerts)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    start_logging(log)
    where = {"host": host, "port": port, "token": token}
    where["allowed_hosts"] = tuple(allow_host or ())
    running.run(lambda: _serve(config, wanted, where, plan, as_json=as_json))


def token_from(path: Path | None) -> str | None:
    """Read a token from a file: on a command line everybody could see it."""
    if path is None:
        return None
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError("token", str(path), f"a file to read ({why})") from None


def start_logging(form: str) -> None:
    """Write the package's log lines to stderr, plain or as JSON."""
    if form == "none":
        return
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        from ..observability.structured import JsonFormatter  # noqa: PLC0415

        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger(__name__.partition(".cli")[0])
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


async def _serve(
    config: Config,
    wanted: list[dict[str, Any]],
    where: dict[str, Any],
    plan: AlertPlan | None,
    *,
    as_json: bool,
) -> int:
    from ..hyperliquid.client import HyperLiquidIntegration  # noqa: PLC0415
    from .output import write_json, write_line  # noqa: PLC0415

    client = HyperLiquidIntegration(config, connect_timeout=_CONNECT_WITHIN)
    # The venue is not asked for anything before all that was typed is known to be fine.
    alerts = nullcontext() if plan is None else client.alerts(plan=plan)
    async with client.serve(**where) as server:
        if as_json:
            write_json({"url": server.url, "pid": os.getpid()})
        else:
            write_line(f"the status page is at {server.url}")
        async with following(client, wanted), alerts:
            await asyncio.Event().wait()
    return running.DONE
