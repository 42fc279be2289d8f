"""``bistoury stream``: the messages of one subscription, as JSON lines."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import typer

from ..errors import ConfigError, SubscriptionRefusedError
from . import running
from .options import ApiUrl, AsJson, Network, config_from, seconds_from
from .subscriptions import subscription_of

if TYPE_CHECKING:
    from ..config import Config
    from ..hyperliquid.client import HyperLiquidIntegration
    from ..hyperliquid.handles import SubscriptionHandle

_EVENTS = (
    *("connected", "ready", "disconnected", "reconnecting"),
    *("stale", "gap", "degraded", "down", "breaker", "audit"),
)


def stream(  # noqa: PLR0917 -- all but two are options
    type_: Annotated[
        str, typer.Argument(metavar="TYPE", help="trades, l2Book, allMids, candle, …")
    ],
    coin: Annotated[
        str | None, typer.Argument(metavar="[COIN]", help="BTC, @107, xyz:NVDA, …")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(help="Of candles: 1m, 5m, 1h, 1d, …")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whose fills, orders, …")
    ] = None,
    dex: Annotated[str | None, typer.Option(help="A HIP-3 dex.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Any other parameter; repeatable."),
    ] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Stop after 60s, 5m, …")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many messages.")
    ] = None,
    connect_timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long the venue may be away.")
    ] = "10s",
    events: Annotated[
        bool,
        typer.Option("--events", help="Life-cycle events as JSON lines on stdout too."),
    ] = False,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit", help="Compare trades with the venue's bars, each minute."
        ),
    ] = False,
    network: Network = None,
    api_url: ApiUrl = None,
    _: AsJson = False,
) -> None:
    """
    Write the messages of a subscription to stdout, one JSON object a line.

    Losses and recoveries are told on stderr; what fills a gap carries
    "recovered": true. With --audit, so is whether each minute of trades is
    complete. Ends on Ctrl-C (130), --for or --count (0).

    Examples:
        bistoury stream trades BTC

        bistoury stream candle ETH --interval 1m --for 5m

        bistoury stream l2Book BTC --param nSigFigs=5 --count 10 | jq .data.levels

        bistoury stream trades BTC --audit

        bistoury stream userFills --user 0x… --network testnet --events
    """
    given = {"coin": coin, "interval": interval, "user": user, "dex": dex}
    try:
        subscription = subscription_of(type_, given, param or [])
        _check_audit(type_, wanted=audit)
        duration = None if lasts is None else seconds_from("--for", lasts)
        patience = seconds_from("--connect-timeout", connect_timeout)
        config = config_from(network, api_url)
    except ConfigError as error:
        running.say(str(error))
        raise typer.Exit(running.WRONG_USE) from None
    wishes = _Wishes(subscription, patience, duration, count, events, audit)
    running.run(lambda: _stream(config, wishes))


class _Wishes(NamedTuple):
    """What was asked for."""

    subscription: dict[str, Any]
    patience: float
    duration: float | None
    most: int | None
    tells_events: bool
    audits: bool


def _check_audit(type_: str, *, wanted: bool) -> None:
    """Refuse to audit what has no bars, before a venue is asked for anything."""
    if wanted and type_ != "trades":
        raise ConfigError("--audit", type_, "trades")


async def _stream(config: Config, wishes: _Wishes) -> int:
    from ..hyperliquid.client import HyperLiquidIntegration  # noqa: PLC0415

    client = HyperLiquidIntegration(config, connect_timeout=wishes.patience)
    printer = _Printer(wishes.most, tells_events=wishes.tells_events)
    for name in _EVENTS:
        client.on(name, printer.event(name))
    try:
        if not await client.connect():
            running.say(_unreachable(client, wishes.patience))
            return running.UNREACHABLE
        printer.handle = await client.subscribe(
            wishes.subscription, printer.message, audit=wishes.audits
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(wishes.duration):
                await printer.done
    except SubscriptionRefusedError as error:
        running.say(str(error))
        return running.BAD
    finally:
        await client.disconnect()
    return running.DONE


class _Printer:
    """Writes what comes; knows when it has been enough."""

    def __init__(self, most: int | None, *, tells_events: bool) -> None:
        self.handle: SubscriptionHandle | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Settled when enough was written, or nobody reads any more."""
        self._left = most
        self._tells_events = tells_events

    def message(self, message: dict[str, Any]) -> None:
        """Write a message of the venue."""
        if self.done.done():
            return
        self._write(message)
        if self._left is not None:
            self._left -= 1
            if self._left <= 0 and not self.done.done():
                self.done.set_result(None)

    def event(self, name: str) -> Callable[[Any], None]:
        """Return a handler for a kind of life-cycle event."""

        def tell(notice: Any) -> None:
            running.say(str(notice))
            if self._tells_events:
                self._write({"event": name, **_members(notice)})
            # A subscription that is refused later, on a new connection.
            why = self.handle.error if self.handle is not None else None
            if self.handle is not None and why is not None:
                self._fail(SubscriptionRefusedError(self.handle.subscription, why))

        return tell

    def _write(self, value: dict[str, Any]) -> None:
        # The client would count an exception as the handler's own trouble.
        try:
            line = msgspec.json.encode({"v": 1, **value}, enc_hook=str)
            sys.stdout.write(f"{line.decode()}\n")
            sys.stdout.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def _members(notice: Any) -> dict[str, Any]:
    members = {name: getattr(notice, name) for name in notice.__struct_fields__}
    if "subscription" in members:
        members["subscription"] = str(members["subscription"])
    if members.get("gap") is not None:
        members["gap"] = _members(members["gap"])
    return members


def _unreachable(client: HyperLiquidIntegration, seconds: float) -> str:
    """Return a sentence about a venue that did not answer."""
    last = client.get_reconnection_stats()["last_disconnect"]
    why = f": {last['cause']} ({last['reason']})" if last is not None else ""
    return f"{client.config.ws_url} was not reached within {seconds:g} s{why}"
