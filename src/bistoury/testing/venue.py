"""
A venue in this process, without a network, for a client on any event loop.

On a ``VirtualTimeLoop`` the real client plays an hour against it in a second;
on a real one it is a venue for a unit test.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from ..config import Config
from ..errors import ConnectFailedError, ConnectionLostError, TransportError
from ..hyperliquid.client import HyperLiquidIntegration
from ..simulator.exchange import Exchange
from ..simulator.outputs import Close, Refusal, Send
from ..transport.base import Receiver
from ..transport.memory import MemoryConnection, MemoryTransport
from .local_info import OPENED, LocalInfo


class MemoryVenue:
    """Hosts an exchange; a ``Transport`` that leads nowhere else."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._began = OPENED - self._loop.time()
        self._ends: dict[int, MemoryConnection] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._transport = MemoryTransport(self._accept)
        exchange.advance(self.now())
        self._turn()

    def client(
        self, config: Config | None = None, **options: Any
    ) -> HyperLiquidIntegration:
        """Return a client of this venue, REST and time of day included."""
        options = {"rng": Random(0), **options}
        return HyperLiquidIntegration(
            config or Config(network="local"),
            **{
                "transport": self,
                "rest": self.info(),
                "wall_clock": self.now,
                **options,
            },
        )

    def info(self) -> LocalInfo:
        """Return a REST client that asks this venue directly."""
        return LocalInfo(self.exchange, self.now)

    def now(self) -> float:
        """Return the venue's time, in seconds since 1970."""
        return self._began + self._loop.time()

    async def connect(self, url: str, receiver: Receiver) -> MemoryConnection:
        """Open a connection to the exchange, if it lets anyone in."""
        try:
            connection = await self._transport.connect(url, receiver)
        except _Hanging:
            await asyncio.Event().wait()
            raise
        connection.server_time = int(self.now())
        return connection

    def stop(self) -> None:
        """Stop the clock of the exchange and hang up on everyone."""
        if self._timer is not None:
            self._timer.cancel()
        for end in list(self._ends.values()):
            end.abort()

    def turn(self) -> None:
        """Carry out what the exchange wants after it was spoken to directly."""
        self._turn()

    def _accept(self, far: MemoryConnection) -> Receiver:
        answer = self.exchange.connect(self.now())
        if isinstance(answer, Refusal):
            if answer.body == "hang":
                raise _Hanging
            if not answer.status:
                raise ConnectFailedError("tcp", answer.body)
            after = answer.headers.get("Retry-After")
            raise ConnectFailedError(
                "upgrade",
                f"HTTP {answer.status}",
                status=answer.status,
                retry_after=float(after) if after else None,
                body=answer.body,
            )
        self._ends[answer] = far
        self._loop.call_soon(self._turn)
        return _Client(self, answer)

    def _turn(self) -> None:
        """Let the exchange do what is due, and pass on what it says."""
        if self._timer is not None:
            self._timer.cancel()
        self.exchange.advance(self.now())
        for output in self.exchange.take_output():
            end = self._ends.get(output.connection_id)
            if end is None:
                continue
            if isinstance(output, Send):
                if not output.binary:
                    end.send(output.frame)
                continue
            del self._ends[output.connection_id]
            if isinstance(output, Close):
                end.hang_up(
                    ConnectionLostError(
                        "closed by the peer", code=output.code, reason=output.reason
                    )
                )
            else:
                end.abort()
        at = self.exchange.next_at - self._began
        self._timer = self._loop.call_at(max(at, self._loop.time()), self._turn)

    def heard(self, number: int, frame: bytes) -> None:
        """Take a client's frame."""
        self.exchange.receive(number, frame, self.now())
        self._turn()

    def left(self, number: int) -> None:
        """Hear that a client went away."""
        self._ends.pop(number, None)
        self.exchange.disconnect(number, self.now())


class _Client:
    """One client, as the exchange's end of its connection sees it."""

    def __init__(self, venue: MemoryVenue, number: int) -> None:
        self._venue = venue
        self._number = number

    def frame(self, data: bytes) -> None:
        self._venue.heard(self._number, data)

    def lost(self, error: TransportError) -> None:
        self._venue.left(self._number)


class _Hanging(Exception):  # noqa: N818 -- not a failure: an answer that never comes
    """The upgrade is never answered."""
