"""``bistoury sim``: the local venue alone, and faults for one that is running."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import msgspec
import typer

from ..errors import ConfigError
from ..simulator import (
    DEFAULT_COINS,
    FaultPlan,
    Limits,
    Replay,
    Settings,
    Venue,
    many_coins,
    read_fault,
)
from ..simulator.recording import Malformed
from . import running
from .following import plainly
from .options import seconds_from

_COIN = re.compile(r"[A-Za-z0-9@:/#+_.-]{1,32}\Z")
_MOST_COINS = 2000


def _limit(what: str) -> Any:
    return typer.Option(help=f"Allow as many {what}.", min=0)


_PORT = typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)


def sim(
    *,
    port: Annotated[int, _PORT] = 8765,
    seed: Annotated[int, typer.Option(help="The market's and the users' seed.")] = 0,
    coins: Annotated[
        str, typer.Option(help="Coins, separated by commas, or how many.")
    ] = ",".join(DEFAULT_COINS),
    plan: Annotated[
        Path | None, typer.Option(help="A timeline of faults, in TOML.")
    ] = None,
    faults_seed: Annotated[
        int | None, typer.Option(help="Draw a timeline of faults from this seed.")
    ] = None,
    faults_for: Annotated[
        float, typer.Option(help="How many seconds of drawn faults.", min=0)
    ] = 3600.0,
    replay: Annotated[
        Path | None, typer.Option(help="Play this recording instead of a market.")
    ] = None,
    loop: Annotated[bool, typer.Option(help="Play the recording again.")] = False,
    speed: Annotated[
        float, typer.Option(help="How fast venue time, or the recording, runs.")
    ] = 1.0,
    trade_rate: Annotated[
        float | None, typer.Option(help="Trades per second and coin.", min=0)
    ] = None,
    user_rate: Annotated[
        float, typer.Option(help="Actions per second and user.", min=0)
    ] = 0.2,
    idle_close: Annotated[
        float, typer.Option(help="Close what is idle this long; 0 never.", min=0)
    ] = 60.0,
    max_life: Annotated[
        float, typer.Option(help="Close what is this old; 0 never.", min=0)
    ] = 0.0,
    history_lag: Annotated[
        float, typer.Option(help="How far REST trails the stream, s.", min=0)
    ] = 0.0,
    max_connections: Annotated[int | None, _limit("open connections")] = None,
    connections_per_minute: Annotated[int | None, _limit("new connections")] = None,
    subscriptions: Annotated[int | None, _limit("subscriptions")] = None,
    users: Annotated[int | None, _limit("distinct users")] = None,
    messages_per_minute: Annotated[int | None, _limit("messages a minute")] = None,
    posts_in_flight: Annotated[int | None, _limit("requests in flight")] = None,
    rest_weight_per_minute: Annotated[int | None, _limit("REST weight")] = None,
    no_limits: Annotated[
        bool, typer.Option("--no-limits", help="Enforce no limit at all.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option("--at", "--api-url", help="A venue that is already running."),
    ] = None,
    inject: Annotated[
        str | None, typer.Option(help="With --at: a fault, such as cut:rst or JSON.")
    ] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", help="How long the fault lasts: 30, 30s, 2m.")
    ] = None,
    heal: Annotated[bool, typer.Option(help="With --at: end all faults.")] = False,
    network: Annotated[
        str, typer.Option(help="Always local: this is the local venue.")
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """
    Run the local venue: WebSocket and /info on one port.

    Examples:
        bistoury sim

        bistoury sim --port 0 --coins BTC,ETH --faults-seed 7

        bistoury sim --replay frames.gz --speed 10

        bistoury sim --at http://127.0.0.1:8765 --inject silent:out --for 30
    """
    try:
        _check_network(network)
        if at is not None or inject is not None or heal:
            duration = _seconds(lasts)
            running.run(lambda: _command(at, inject, duration, heal))
        given = {
            "connections": max_connections,
            "connections_per_minute": connections_per_minute,
            "subscriptions": subscriptions,
            "users": users,
            "messages_per_minute": messages_per_minute,
            "posts_in_flight": posts_in_flight,
            "rest_weight_per_minute": rest_weight_per_minute,
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        limits = Limits.none() if no_limits else Limits()
        settings = Settings(
            coins=_coins(coins),
            limits=msgspec.structs.replace(limits, **chosen),
            trade_rate=trade_rate,
            user_rate=user_rate,
            idle_close=idle_close,
            max_life=max_life,
            history_lag=history_lag,
            time_scale=_speed(speed) if replay is None else 1.0,
        )
        if replay is not None:
            tape = Replay(
                replay, speed=speed, loop=loop, settings=settings, on_malformed=_name
            )
            venue = Venue(host=tape)
        else:
            venue = Venue(
                settings, seed=seed, plan=_plan(plan, faults_seed, faults_for)
            )
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    running.run(lambda: _serve(venue, port, as_json=as_json))


def _speed(speed: float) -> float:
    if not speed > 0:
        raise ConfigError("speed", speed, "a number above 0")
    return speed


def _check_network(network: str) -> None:
    if network != "local":
        raise ConfigError("network", network, "local: this is the local venue")


def _seconds(lasts: str | None) -> float | None:
    return None if lasts is None else seconds_from("for", lasts)


def _coins(text: str) -> tuple[str, ...]:
    if text.isdecimal():
        count = int(text)
        if not 1 <= count <= _MOST_COINS:
            raise ConfigError("coins", text, f"a number from 1 to {_MOST_COINS}")
        return many_coins(count)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if not _COIN.match(name):
            raise ConfigError("coins", name, "names such as BTC, xyz:NVDA or @107")
    return names


def _plan(path: Path | None, seed: int | None, duration: float) -> FaultPlan:
    if path is not None and seed is not None:
        raise ConfigError("plan", str(path), "either --plan or --faults-seed")
    if path is not None:
        return FaultPlan.load(path)
    return FaultPlan() if seed is None else FaultPlan.random(seed, duration)


def _name(item: Malformed) -> None:
    typer.echo(f"line {item.line} was skipped: {item.reason}", err=True)


async def _serve(venue: Venue, port: int, *, as_json: bool) -> int:
    try:
        url = await venue.start(port)
    except OSError as error:
        await venue.stop()
        raise ConfigError("port", port, f"a free port ({error.strerror})") from None
    try:
        if as_json:
            typer.echo(msgspec.json.encode({"v": 1, "url": url}).decode())
        typer.echo(f"The local venue is at {url} (Ctrl-C ends it).", err=True)
        await asyncio.Event().wait()
    finally:
        await venue.stop()
    return running.DONE


async def _command(
    at: str | None, inject: str | None, lasts: float | None, heal: bool
) -> int:
    """Tell a running venue what to do, or ask how it is."""
    url = (at or "http://127.0.0.1:8765").rstrip("/")
    if not re.match(r"https?://[^/\s]+\Z", url):
        raise ConfigError("at", url, "a URL such as http://127.0.0.1:8765")
    fault = None if inject is None else read_fault(inject)
    timeout = aiohttp.ClientTimeout(total=10)
    result: dict[str, Any] = {"v": 1, "url": url}
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            if heal:
                async with session.post(f"{url}/sim/heal") as response:
                    result |= await _answer(response)
            if fault is not None:
                body = msgspec.json.encode({"fault": fault, "for": lasts})
                async with session.post(f"{url}/sim/fault", data=body) as response:
                    result |= await _answer(response)
            if not heal and fault is None:
                async with session.get(f"{url}/sim/state") as response:
                    result |= await _answer(response)
    except (aiohttp.ClientError, TimeoutError) as error:
        running.say(f"no venue answers at {url}: {plainly(error)}")
        return running.UNREACHABLE
    typer.echo(msgspec.json.encode(result).decode())
    return running.DONE


async def _answer(response: aiohttp.ClientResponse) -> dict[str, Any]:
    body: Any = msgspec.json.decode(await response.read())
    if response.status != 200:  # noqa: PLR2004
        raise ConfigError("inject", body.get("error"), "a fault the venue can play")
    return dict(body)
