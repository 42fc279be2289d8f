"""
The same client without a socket: what guards and profiles can count exactly.

A transport that acknowledges what it is asked for, and hands over frames when told.
Everything from picows' callback to the handler is the real thing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import msgspec

from bistoury import Config, HyperLiquidIntegration
from bistoury.transport.base import Receiver

from . import stream

Body = dict[str, Any]

EPOCH = 1_790_000_000
"""Seconds since 1970 at which clocks start that are not real."""


class Wire:
    """A way of opening connections, and the one connection it opened."""

    def __init__(self) -> None:
        self.receiver: Receiver

    async def connect(self, url: str, receiver: Receiver) -> Wire:
        """Open a connection at once."""
        self.receiver = receiver
        return self

    def send(self, frame: bytes) -> None:
        """Answer a request as the venue would, in the next turn."""
        said = msgspec.json.decode(frame)
        answer: Body = {"channel": "pong"}
        if said["method"] != "ping":
            answer = {"channel": "subscriptionResponse", "data": said}
        loop = asyncio.get_running_loop()
        loop.call_soon(self.receiver.frame, msgspec.json.encode(answer))

    def close(self, code: int = 1000) -> None:
        """Say goodbye."""
        self.abort()

    def abort(self) -> None:
        """Let go."""
        from bistoury.errors import ConnectionLostError

        loop = asyncio.get_running_loop()
        loop.call_soon(self.receiver.lost, ConnectionLostError("closed"))

    def pause_reading(self) -> None:
        """Ignore: nothing is read."""

    def resume_reading(self) -> None:
        """Ignore: nothing is read."""


def config() -> Config:
    """Return the settings of a venue that does not exist."""
    many = 1_000_000
    limits: Any = {
        "messages_per_minute": many,
        "subscriptions": many,
        "connections_per_minute": many,
    }
    return Config(api_url="http://127.0.0.1:9", limits=limits)


async def feed(
    frames: Iterable[bytes],
    subscriptions: list[dict[str, str]],
    handler_of: Callable[[str], Callable[[Any], Any]],
    step: float = 0.0,
    **options: Any,
) -> float:
    """
    Let a client take frames in; return the processor time it took.

    With ``step``, the session's clock advances by it for each frame, and not by
    itself: then the work is the same on any machine.
    """
    wire, loop = Wire(), asyncio.get_running_loop()
    clocks: Any = {"wall_clock": lambda: EPOCH + loop.time()} if step else {}
    client = HyperLiquidIntegration(config(), transport=wire, **clocks)
    async with client:
        for body in subscriptions:
            await client.subscribe(body, handler_of(body["type"]), **options)
        receiver: Any = wire.receiver
        take = receiver.frame
        if step:
            ticks = count(1)
            start = loop.time()
            receiver._clock = lambda: start + next(ticks) * step  # noqa: SLF001
        began = time.process_time()
        for frame in frames:
            take(frame)
        return time.process_time() - began


def frames(mix: str, number: int, coins: tuple[str, ...] = stream.COINS) -> list[bytes]:
    """Return messages to feed."""
    begin_ms = int(time.time() * 1000)
    return list(stream.messages(mix, number, begin_ms=begin_ms, coins=coins))
