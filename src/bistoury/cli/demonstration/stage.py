"""The stage: a venue on a real port, a client of it, and what it listens to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Self

from ...config import Config, Limits
from ...hyperliquid import client as client_module
from ...hyperliquid.client import HyperLiquidIntegration
from ...simulator import AnyFault, Settings, Venue
from ...simulator import Limits as VenueLimits
from .chronicle import Chronicle
from .proof import Row, account_for
from .tape import Tamper, Tape

COINS = ("BTC", "ETH", "SOL", "HYPE")
USERS = (f"0x{0xA11CE:040x}", f"0x{0xB0B:040x}")

RECONNECT_DELAY = 0.5
MAX_RECONNECT_DELAY = 1.0
MESSAGE_TIMEOUT = 3.0
# Eight outages a minute, each with its histories to read, are more than the venue
# allows one address: then a recovery waits, as it should, and so would you.
REST_WEIGHT = 12_000

# An outage lasts five seconds at most, and the venue replays thirty trades of a
# coin: at under two a second, users' included, they never run out.
_TRADE_RATE = 0.8
_USER_RATE = 0.8


@dataclass(frozen=True, slots=True)
class Feed:
    """A subscription of the demonstration, and how it is judged."""

    fields: dict[str, Any]
    stream: str = ""
    """Its name in the venue's ledger; empty for a state, which has no events."""
    user: str = ""
    """Whose it is, where its messages do not say."""
    cadence: str = ""
    """How often a state is sent."""

    @property
    def name(self) -> str:
        """Return how it is called on the screen."""
        about = self.fields.get("coin") or shorten(self.fields.get("user", ""))
        interval = self.fields.get("interval", "")
        return " ".join(filter(None, (self.fields["type"], about, interval)))


def shorten(address: str) -> str:
    """Return the ends of an address."""
    return f"0x…{address[-5:]}" if address else ""


def feeds() -> list[Feed]:
    """Return what the demonstration subscribes to."""
    wanted = [Feed({"type": "allMids"}, cadence="every second")]
    for coin in COINS:
        about = {"type": "trades", "coin": coin}
        wanted.append(Feed(about, f"trades:{coin}"))
    for coin in COINS[:2]:
        about = {"type": "l2Book", "coin": coin}
        wanted.append(Feed(about, cadence="every 5 seconds"))
    about = {"type": "candle", "coin": "BTC", "interval": "1m"}
    wanted += [
        Feed({"type": "bbo", "coin": "BTC"}, cadence="when it changes"),
        Feed(about, cadence="with each trade"),
    ]
    for user in USERS:
        about = {"type": "userFills", "user": user}
        wanted.append(Feed(about, f"userFills:{user}"))
    about = {"type": "orderUpdates", "user": USERS[0]}
    wanted.append(Feed(about, f"orderUpdates:{USERS[0]}", user=USERS[0]))
    return wanted


@dataclass(slots=True)
class Stage:
    """Everything the demonstration acts on. Use it as an async context manager."""

    seed: int = 0
    hides: Tamper | None = None
    feeds: list[Feed] = field(default_factory=feeds)
    venue: Venue = field(init=False)
    client: HyperLiquidIntegration = field(init=False)
    tape: Tape = field(init=False)
    chronicle: Chronicle = field(init=False)
    asked_again: int = 0
    """Subscriptions that the client asked for once more, by its own log."""
    began_at: float = 0.0
    since: int = 0
    """The venue's time (ms) from which on everything counts."""
    _exits: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        try:
            await self._set_up()
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def _set_up(self) -> None:
        settings = Settings(
            coins=COINS,
            trade_rate=_TRADE_RATE,
            user_rate=_USER_RATE,
            limits=VenueLimits(rest_weight_per_minute=REST_WEIGHT),
        )
        self.venue = Venue(settings, seed=self.seed)
        self._exits.push_async_callback(self.venue.stop)
        self.client = HyperLiquidIntegration(_config(await self.venue.start()))
        self._exits.push_async_callback(self.client.disconnect)
        self.tape = Tape(monotonic, self.hides or _nothing)
        self.chronicle = Chronicle(self.client, monotonic)
        self._exits.callback(_count_requests(self))

    @property
    def seconds(self) -> float:
        """How long the demonstration has lasted."""
        return monotonic() - self.began_at

    @property
    def venue_time(self) -> int:
        """The venue's time, in milliseconds."""
        return int(self.venue.now * 1000)

    def inject(self, fault: AnyFault) -> int:
        """Do something to the venue."""
        return self.venue.inject(fault)

    async def subscribe_all(self) -> bool:
        """Connect and subscribe; return whether all is well."""
        self.began_at, self.since = monotonic(), self.venue_time
        if not await self.client.connect():
            return False
        for feed in self.feeds:
            handler = self.tape.listen(feed.name, feed.user)
            await self.client.subscribe(feed.fields, handler)
        return await self.client.wait_ready(10.0)

    def rows(self, until: int, since: int | None = None) -> list[tuple[Feed, Row]]:
        """Account for every stream of events up to a moment of venue time."""
        ledger, gaps = self.venue.exchange.ledger, self.chronicle.declared()
        begin = self.since if since is None else since
        return [
            (
                feed,
                account_for(
                    feed.stream, ledger, self.tape, gaps, since=begin, until=until
                ),
            )
            for feed in self.feeds
            if feed.stream
        ]


def _nothing(_: str, __: str) -> bool:
    """Hide nothing."""
    return False


def _config(url: str) -> Config:
    """Return settings with all of it said: the environment is not to interfere."""
    return Config(
        network="local",
        api_url=url,
        ws_url=f"ws{url.removeprefix('http')}/ws",
        message_timeout=MESSAGE_TIMEOUT,
        reconnect_delay=RECONNECT_DELAY,
        max_reconnect_delay=MAX_RECONNECT_DELAY,
        reconnect_exponential_base=2.0,
        limits=Limits(rest_weight_per_minute=REST_WEIGHT),
        proxy="",
        trust_env=False,
    )


def _count_requests(stage: Stage) -> Callable[[], None]:
    """Count the client's own log lines about requests that stayed unanswered."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            stage.asked_again += "asking again" in record.getMessage()

    logger, listener = client_module.logger, Listener()
    before = logger.propagate
    logger.addHandler(listener)
    # Otherwise Python prints warnings that nobody handles.
    logger.propagate = False

    def stop() -> None:
        logger.removeHandler(listener)
        logger.propagate = before

    return stop
