"""``bistoury watch``: a live view in the terminal, over SSH at 80 by 24 too."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ConfigError
from . import running
from .following import USUAL, Picture, UnreachableError, own, served
from .options import ApiUrl, AsJson, Network, config_from, require, seconds_from
from .serve import token_from
from .subscriptions import parse

_CONNECT_WITHIN = 2.0


def watch(  # noqa: PLR0917 -- all are options
    at: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Follow a client that is served there."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --at: the token for it.")
    ] = None,
    subscribe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'TYPE [COIN]'",
            help="Without --at: what to follow instead of the usual; repeatable.",
        ),
    ] = None,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="How often to look.")
    ] = "500ms",
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Stop after 60s, 5m, …")
    ] = None,
    as_json: AsJson = False,
    network: Network = None,
    api_url: ApiUrl = None,
) -> None:
    """
    Show connection, subscriptions and incidents, live.

    Keys: s sorts by the next column, r turns the order, / filters, Tab goes to the
    incidents and back, arrows or j and k move, Enter opens an incident, Esc goes back,
    q ends. With --json it writes a line each time instead.

    Examples:
        bistoury watch

        bistoury watch --at http://127.0.0.1:8766

        bistoury watch --subscribe 'trades ETH' --subscribe 'bbo ETH'

        bistoury watch --json --every 5s | jq .verdict.line
    """
    try:
        is_plain = at is None or not subscribe
        require(is_plain, "--subscribe", subscribe, "nothing beside --at")
        wanted = [parse(text) for text in subscribe or USUAL]
        interval = seconds_from("--every", every)
        duration = None if lasts is None else seconds_from("--for", lasts)
        token = token_from(token_file)
        config = config_from(network, api_url) if at is None else None
        is_shown = as_json or sys.stdout.isatty()
        allowed = "a terminal on stdout; elsewhere use --json, or bistoury status"
        require(is_shown, "watch", "no terminal", allowed)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None

    def picture() -> AbstractAsyncContextManager[Picture]:
        if config is None:
            assert at is not None
            return served(at, token)
        return own(config, wanted, _CONNECT_WITHIN)

    show = _lines if as_json else _screen
    running.run(lambda: _watch(picture, show, interval, duration))


async def _watch(picture: Any, show: Any, interval: float, lasts: float | None) -> int:
    async with picture() as it:
        with suppress(TimeoutError):
            async with asyncio.timeout(lasts):
                try:
                    await show(it, interval)
                except UnreachableError as error:
                    running.say(str(error))
                    return running.UNREACHABLE
    return running.DONE


async def _lines(picture: Picture, interval: float) -> None:
    from .output import write_json  # noqa: PLC0415

    while True:
        write_json(await picture.state())
        await asyncio.sleep(interval)


async def _screen(picture: Picture, interval: float) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    from .viewer import Viewer  # noqa: PLC0415

    console = Console(highlight=False)
    viewer = Viewer(await picture.state())
    pressed = asyncio.Event()

    def press(data: str) -> None:
        for key in keys_in(data):
            viewer.press(key)
        pressed.set()

    with (
        Live(console=console, screen=True, auto_refresh=False) as live,
        keyboard(press),
    ):
        while not viewer.is_over:
            pressed.clear()
            await _look(picture, viewer)
            live.update(viewer.render(console.width, console.height), refresh=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await pressed.wait()


async def _look(picture: Picture, viewer: Any) -> None:
    try:
        viewer.see(await picture.state())
        wanted = viewer.wanted_incident
        if wanted is not None:
            viewer.account = await picture.incident(wanted)
    except UnreachableError as error:
        viewer.lose(str(error))


@contextmanager
def keyboard(press: Any) -> Iterator[None]:
    """Hand every key to ``press`` at once, without echo; nothing without a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 -- not on every system
    import tty  # noqa: PLC0415

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    loop = asyncio.get_running_loop()
    tty.setcbreak(number)
    loop.add_reader(
        number, lambda: press(os.read(number, 64).decode("utf-8", "replace"))
    )
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)


_SEQUENCES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
}


def keys_in(data: str) -> Iterator[str]:
    """Yield the keys in what a terminal sent."""
    while data:
        found = max(
            (it for it in _SEQUENCES if data.startswith(it)), key=len, default=""
        )
        yield _SEQUENCES[found] if found else data[0]
        data = data[len(found) or 1 :]
