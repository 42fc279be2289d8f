"""The course of an examination: which step follows which, and what they find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from time import perf_counter, time
from typing import Any

from ...config import Config
from ...errors import BistouryError, SubscriptionError
from ...hyperliquid.client import HyperLiquidIntegration
from ...hyperliquid.feeds import FEEDS, canonical
from ...hyperliquid.rest_client import RestClient
from ...hyperliquid.wiring import transport_of
from ...session.model import Promise
from ...transport.target import parse_proxy, parse_target
from ..subscriptions import name_of
from .check import (
    CLOCK,
    HELD_UP,
    IN_TROUBLE,
    NO_VENUE,
    NO_WAY,
    SLOW_DOWN,
    SPELLING,
    Check,
)
from .recording import Recording, RecordingTransport
from .road import Road

_UPGRADE_WITHIN = 10.0
_PONG_WITHIN = 5.0
_REST_WITHIN = 5.0
_ACKNOWLEDGED_WITHIN = 9.9
"""The client itself stops waiting after ten seconds."""
_DATA_WITHIN = 10.0
_NEWS_WITHIN = 2.0
_CLOCK_TOLERANCE = 1.0

Tell = Callable[[Check], None]


@dataclass(slots=True)
class Course:
    """What to look at, and what was found."""

    config: Config
    subscriptions: Sequence[dict[str, Any]]
    tell: Tell
    record: Path | None = None
    record_for: float = 0.0
    checks: list[Check] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    frames: int = 0
    """How many frames were recorded."""

    @property
    def is_ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.is_ok is not False for check in self.checks)

    @property
    def is_reached(self) -> bool:
        """Whether the venue answered anything at all."""
        return any(check.is_ok for check in self.checks if check.name in _ANSWERS)

    def note(self, check: Check) -> bool:
        """Write down what a step found, and tell; return whether to go on."""
        self.checks.append(check)
        self.tell(check)
        return check.is_ok is not False


_ANSWERS = ("upgrade", "rest")


async def examine(course: Course) -> None:
    """Take every step that makes sense after what the steps before it found."""
    with ExitStack() as files:
        transport = transport_of(course.config, None)
        recording = None
        if course.record is not None:
            recording = files.enter_context(Recording(course.record))
            transport = RecordingTransport(transport, recording)
        if not await _road(course):
            return
        client = HyperLiquidIntegration(
            course.config, connect_timeout=_UPGRADE_WITHIN, transport=transport
        )
        client.disable_auto_reconnect()
        try:
            is_open = await _upgrade(course, client)
            answers = is_open and course.note(await _ping(client))
            await _rest(course)
            if is_open:
                unheard = SLOW_DOWN if answers else HELD_UP
                await _subscriptions(course, client, unheard)
                await _limits(course, client)
                await asyncio.sleep(course.record_for if recording is not None else 0)
        finally:
            await client.disconnect()
            course.frames = recording.frames if recording is not None else 0


async def _road(course: Course) -> bool:
    proxy = course.config.proxy
    road = Road(parse_target(course.config.ws_url))
    if proxy is not None:
        road = Road(parse_proxy(proxy), is_proxy=True)
        course.note(Check("proxy", None, f"by way of {road.target}"))
    if not course.note(await road.dns()):
        return False
    tcp, sock = await road.tcp()
    if not course.note(tcp) or sock is None:
        return False
    return course.note(await road.tls(sock))


async def _upgrade(course: Course, client: HyperLiquidIntegration) -> bool:
    began = perf_counter()
    if await client.connect():
        took = perf_counter() - began
        said = f"{course.config.ws_url} is open"
        return course.note(Check("upgrade", True, said, took))
    last = client.get_reconnection_stats()["last_disconnect"]
    cause = "no answer" if last is None else last["cause"]
    said = f"{course.config.ws_url}: no answer within {_UPGRADE_WITHIN:g} s"
    if last is not None:
        said = f"{course.config.ws_url}: {cause} ({last['reason']})"
    advice = {"rate_limited": SLOW_DOWN, "rejected": NO_VENUE}.get(cause, NO_WAY)
    return course.note(Check("upgrade", False, said, None, advice))


async def _ping(client: HyperLiquidIntegration) -> Check:
    """Wait for the answer to the ping that each connection begins with."""
    try:
        async with asyncio.timeout(_PONG_WITHIN):
            while True:
                health = await client.get_connection_health()
                if (took := health["ping_rtt_seconds"]["p50"]) is not None:
                    return Check("ping", True, "there and back", took)
                await asyncio.sleep(0.02)
    except TimeoutError:
        said = f"no pong within {_PONG_WITHIN:g} s"
        return Check("ping", False, said, None, HELD_UP)


async def _rest(course: Course) -> None:
    """Ask the venue for its time, twice: the first also opens the connection."""
    config = course.config
    async with RestClient(
        config.api_url,
        timeout=_REST_WITHIN,
        attempts=1,
        proxy=config.proxy,
        trust_env=config.trust_env,
    ) as rest:
        try:
            began = perf_counter()
            await rest.request({"type": "exchangeStatus"})
            took = perf_counter() - began
            sent, sent_at = perf_counter(), time()
            answer = await rest.request({"type": "exchangeStatus"})
            trip = perf_counter() - sent
        except BistouryError as error:
            advice = _advice_after(getattr(error, "status", None))
            course.note(Check("rest", False, str(error), None, advice))
            return
    course.note(Check("rest", True, f"{config.info_url} answers", took))
    venue_time = answer.get("time") if isinstance(answer, dict) else None
    if not isinstance(venue_time, int):
        course.note(Check("clock", None, "the venue does not say its time"))
        return
    offset = sent_at + trip / 2 - venue_time / 1000
    word = "ahead of" if offset > 0 else "behind"
    said = f"{abs(offset):.3f} s {word} the venue's (±{trip / 2:.3f} s)"
    is_ok = abs(offset) - trip / 2 <= _CLOCK_TOLERANCE
    course.note(Check("clock", is_ok, said, None, "" if is_ok else CLOCK))


def _advice_after(status: int | None) -> str:
    """Return what to do about an answer of REST; ``None`` is no answer."""
    if status is None:
        return NO_WAY
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return SLOW_DOWN
    is_server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return IN_TROUBLE if is_server_error else NO_VENUE


async def _subscriptions(
    course: Course, client: HyperLiquidIntegration, unheard: str
) -> None:
    """Try them all; ``unheard`` is the advice where nothing is acknowledged."""
    tasks = [
        asyncio.create_task(_subscription(client, body, unheard))
        for body in course.subscriptions
    ]
    try:
        for task in tasks:
            course.note(await task)
    finally:
        for task in tasks:
            task.cancel()


async def _subscription(
    client: HyperLiquidIntegration, body: dict[str, Any], unheard: str
) -> Check:
    """Subscribe, and wait for the acknowledgement and the first data."""
    name = name_of(body)
    first = asyncio.Event()
    began = perf_counter()
    try:
        handle = await client.subscribe(body, lambda _: first.set())
    except SubscriptionError as error:
        said = str(getattr(error, "reason", error))
        return Check(name, False, said, None, SPELLING)
    if not client.is_connected():
        last = client.get_reconnection_stats()["last_disconnect"]
        return Check(name, False, f"the connection was lost: {last}", None, NO_WAY)
    acknowledged = perf_counter() - began
    if acknowledged >= _ACKNOWLEDGED_WITHIN and handle.state == "pending":
        said = f"not acknowledged within {acknowledged:.0f} s"
        return Check(name, False, said, None, unheard)
    promises = _promises_data(body)
    patience = _DATA_WITHIN if promises else _NEWS_WITHIN
    try:
        async with asyncio.timeout(patience):
            await first.wait()
    except TimeoutError:
        if not promises:
            said = "acknowledged; no news yet, as it may be"
            return Check(name, True, said, acknowledged)
        said = f"no data within {patience:g} s, although it should come by itself"
        return Check(name, False, said, None, SPELLING)
    return Check(name, True, "acknowledged, and carries data", perf_counter() - began)


def _promises_data(body: dict[str, Any]) -> bool:
    feed = FEEDS.get(canonical(body).feed)
    return feed is not None and (feed.greets or feed.promise is Promise.PERIODIC)


async def _limits(course: Course, client: HyperLiquidIntegration) -> None:
    health = await client.get_connection_health()
    course.limits = health["limits"]
    used = [
        f"{name.replace('_', ' ')} {it['used']}/{it['allowed']}"
        for name, it in course.limits.items()
        if it["used"]
    ]
    full = [name for name, it in course.limits.items() if it["used"] >= it["allowed"]]
    advice = f"used up: {', '.join(full)}" if full else ""
    course.note(Check("limits", not full, ", ".join(used), None, advice))
