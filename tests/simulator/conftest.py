"""A client that speaks raw frames, for tests of the pure venue."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bistoury.simulator import Exchange, FaultPlan, Limits, Output, Send, Settings

START = 1_760_000_000.0
USER = "0x" + "ab" * 20


class Wire:
    """Drives an exchange through one or more connections."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.now = START
        self.exchange.advance(self.now)
        self.exchange.take_output()

    def connect(self) -> int:
        number = self.exchange.connect(self.now)
        assert isinstance(number, int), number
        return number

    def send(self, number: int, message: Any) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.exchange.receive(number, data, self.now)

    def subscribe(self, number: int, kind: str, **fields: Any) -> list[Any]:
        self.send(
            number, {"method": "subscribe", "subscription": {"type": kind, **fields}}
        )
        return self.read()

    def unsubscribe(self, number: int, kind: str, **fields: Any) -> list[Any]:
        self.send(
            number, {"method": "unsubscribe", "subscription": {"type": kind, **fields}}
        )
        return self.read()

    def take(self) -> list[Output]:
        return self.exchange.take_output()

    def read(self) -> list[Any]:
        """Return what was sent, decoded; closes and aborts as they are."""
        return [json.loads(o.frame) if isinstance(o, Send) else o for o in self.take()]

    def run(self, seconds: float) -> list[Any]:
        """Let time pass as a server would: waking whenever something is due."""
        end = self.now + seconds
        seen: list[Any] = []
        while (at := self.exchange.next_at) <= end:
            self.now = max(self.now, at)
            self.exchange.advance(self.now)
            seen += self.read()
        self.now = end
        self.exchange.advance(end)
        return seen + self.read()

    def info(self, kind: str, **fields: Any) -> Any:
        status, value = self.exchange.info({"type": kind, **fields}, self.now)
        assert status == 200, (status, value)
        return value


@pytest.fixture
def open_wire():
    """Build an exchange with settings and return the wire to it."""

    def build(*, seed: int = 1, plan: FaultPlan | None = None, **settings: Any) -> Wire:
        settings.setdefault("coins", ("BTC", "ETH", "xyz:NVDA", "@107", "PURR/USDC"))
        return Wire(Exchange(Settings(**settings), seed, plan))

    return build


@pytest.fixture
def wire(open_wire) -> Wire:
    return open_wire()


@pytest.fixture
def user() -> str:
    return USER


@pytest.fixture
def unlimited() -> Limits:
    return Limits.none()
