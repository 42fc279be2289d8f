"""``bistoury status``: how a client does, once; a health check for containers."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigError
from . import running
from .following import USUAL, UnreachableError, own, served
from .options import ApiUrl, AsJson, Network, config_from, require, seconds_from
from .serve import token_from
from .subscriptions import parse

if TYPE_CHECKING:
    from ..config import Config


def status(  # noqa: PLR0917 -- all are options
    at: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask a client that is served there."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --at: the token for it.")
    ] = None,
    subscribe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'TYPE [COIN]'",
            help="Without --at: what to try instead of the usual; repeatable.",
        ),
    ] = None,
    within: Annotated[
        str, typer.Option(metavar="TIME", help="Without --at: how long to wait.")
    ] = "10s",
    only_ready: Annotated[
        bool,
        typer.Option(
            "--ready", help="Ask what /readyz asks: what is refused does not count."
        ),
    ] = False,
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Say once how a client does; status 1 unless its verdict is ok.

    With --at it asks a client that serves its state, such as your bot; without, it
    connects one of its own for a moment. Status 3 if nobody answers. With --ready it
    asks what /readyz asks, as the health check of a container does: a feed that the
    venue refuses does not count, for no restart cures that.

    Examples:
        bistoury status --at http://127.0.0.1:8766

        bistoury status --at http://127.0.0.1:8766 --json

        bistoury status --at http://127.0.0.1:8766 --ready

        bistoury status --network testnet --subscribe 'trades ETH'
    """
    try:
        is_plain = at is None or not subscribe
        require(is_plain, "--subscribe", subscribe, "nothing beside --at")
        wanted = [parse(text) for text in subscribe or USUAL]
        patience = seconds_from("--within", within)
        token = token_from(token_file)
        config = config_from(network, api_url) if at is None else None
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    running.run(
        lambda: _status(
            config, wanted, patience, at, token, as_json=as_json, only_ready=only_ready
        )
    )


async def _status(
    config: Config | None,
    wanted: list[dict[str, Any]],
    patience: float,
    at: str | None,
    token: str | None,
    *,
    as_json: bool,
    only_ready: bool,
) -> int:
    is_reached = True
    if config is None:
        assert at is not None
        async with served(at, token) as there:
            try:
                state = await there.state()
            except UnreachableError as error:
                running.say(str(error))
                return running.UNREACHABLE
    else:
        until = monotonic() + patience
        async with own(config, wanted, patience) as here:
            await here.client.wait_ready(max(0.1, until - monotonic()))
            state = await here.state()
            is_reached = here.client.is_connected()
    if as_json:
        from .output import write_json  # noqa: PLC0415

        write_json(state, indent=2)
    else:
        _tell(state)
    if state["ready"] if only_ready else state["verdict"]["status"] == "ok":
        return running.DONE
    if not is_reached:
        running.say("bistoury doctor says what is wrong on the way there")
    return running.BAD if is_reached else running.UNREACHABLE


def _tell(state: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415

    from .picture import header, subscription_table  # noqa: PLC0415

    console = Console(highlight=False)
    for line in header(state):
        console.print(line, soft_wrap=True)
    if state["subscriptions"]:
        console.print(subscription_table(state["subscriptions"]))
