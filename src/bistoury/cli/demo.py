"""``bistoury demo``: the main job without a network, with its proof."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import ConfigError
from . import running
from .options import ApiUrl, AsJson, Network


def demo(
    seed: Annotated[int, typer.Option(help="Of the venue's market.")] = 0,
    fast: Annotated[
        bool, typer.Option("--fast/--slow", help="Leave less time between two breaks.")
    ] = False,
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Break a connection in eight ways and prove that nothing is lost.

    Starts a venue on this machine, streams prices, trades, books and fills from
    it, and accounts for every event by the venue's own ledger. Takes about a
    minute. Exit status 1 if an event is neither delivered nor in a declared gap.

    Examples:
        bistoury demo

        bistoury demo --fast --seed 7

        bistoury demo --json | jq .streams
    """
    if network not in {None, "local"} or api_url is not None:
        given = ("--network", network) if api_url is None else ("--api-url", api_url)
        error = ConfigError(*given, "nothing: the demonstration has its own venue")
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE)
    running.run(lambda: _demo(seed, is_fast=fast, as_json=as_json))


async def _demo(seed: int, *, is_fast: bool, as_json: bool) -> int:
    from .demonstration import FAST, Pace, play  # noqa: PLC0415 -- a server
    from .demonstration.document import document  # noqa: PLC0415
    from .demonstration.screen import Screen  # noqa: PLC0415
    from .output import write_json  # noqa: PLC0415

    screen = Screen(to_stdout=not as_json)
    try:
        outcome = await play(screen, FAST if is_fast else Pace(), seed=seed)
        screen.finale(outcome)
    finally:
        screen.close()
    if as_json:
        write_json(document(outcome), indent=2)
    return running.DONE if outcome.is_sound else running.BAD
