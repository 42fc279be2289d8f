"""
A transport that breaks another one on purpose, by a plan.

Faults are data, so a plan can be a timeline in a file or drawn from a seed. One
FIFO per connection: what is delayed delays what follows, as TCP would, and the
end of a connection too waits for its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from ..errors import ConnectFailedError, ConnectionLostError, TransportError
from .base import Connection, Receiver, Transport


class Refuse(msgspec.Struct, frozen=True, tag="refuse", tag_field="fault"):
    """Fail to open, in ``phase``."""

    phase: str = "tcp"
    status: int | None = None
    retry_after: float | None = None


class Cut(msgspec.Struct, frozen=True, tag="cut", tag_field="fault"):
    """Lose the connection instead of delivering this frame."""

    code: int | None = None
    reason: str = ""


class Stall(msgspec.Struct, frozen=True, tag="stall", tag_field="fault"):
    """Deliver nothing for a while, counted from when all before is delivered."""

    seconds: float


class Lose(msgspec.Struct, frozen=True, tag="lose", tag_field="fault"):
    """Drop this frame silently."""


class Repeat(msgspec.Struct, frozen=True, tag="repeat", tag_field="fault"):
    """Deliver this frame twice."""


class Garble(msgspec.Struct, frozen=True, tag="garble", tag_field="fault"):
    """Deliver this frame with a hole: still text, no longer JSON."""


class Delay(msgspec.Struct, frozen=True, tag="delay", tag_field="fault"):
    """Deliver this frame late, counted from now."""

    seconds: float


Fault = Refuse | Cut | Stall | Lose | Repeat | Garble | Delay
"""What a plan may ask for; decodes from ``{"fault": "cut", "code": 1001}``."""

Plan = Callable[[float], Fault | None]
"""What goes wrong at a moment of the loop's clock, if anything."""


class FaultyTransport:
    """Wraps every connection of ``inner``."""

    def __init__(self, inner: Transport, plan: Plan) -> None:
        self._inner = inner
        self._plan = plan

    async def connect(self, url: str, receiver: Receiver) -> FaultyConnection:
        """
        Open a connection doomed to follow the plan.

        The plan may refuse it, or hold it back by a delay or a stall; the other
        faults strike frames.

        Raises:
            ConnectFailedError: the plan said so, or ``inner`` did.
        """
        match self._plan(asyncio.get_running_loop().time()):
            case Refuse(phase, status, retry_after):
                raise ConnectFailedError(
                    phase, "injected", status=status, retry_after=retry_after
                )
            case Delay(seconds) | Stall(seconds):
                await asyncio.sleep(seconds)
            case _:
                pass
        connection = FaultyConnection(receiver, self._plan)
        connection.wrap(await self._inner.connect(url, connection))
        return connection


class FaultyConnection:
    """
    A connection that consults its plan before each frame it delivers.

    It stands on both sides of the wrapped one: the owner's connection, and the
    receiver that connection works for.
    """

    def __init__(self, receiver: Receiver, plan: Plan) -> None:
        self._receiver = receiver
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._inner: Connection
        self._queue: deque[tuple[float, bytes | TransportError]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._last_due = 0.0
        self._is_paused = False
        self._is_released = False
        self._is_cut = False
        self._is_lost = False
        self._inner_error: TransportError | None = None

    def wrap(self, inner: Connection) -> None:
        """Work with ``inner`` from now on."""
        self._inner = inner

    # -- the owner's side

    @property
    def server_time(self) -> float | None:
        """What the wrapped connection was told."""
        return getattr(self._inner, "server_time", None)

    def send(self, frame: bytes) -> None:
        """Send unharmed: faults strike on the way in."""
        if not self._is_cut:
            self._inner.send(frame)

    def close(self, code: int = 1000) -> None:
        """Close what is wrapped; deliver no frame any more."""
        self._release()
        self._inner.close(code)

    def abort(self) -> None:
        """Abort what is wrapped; deliver no frame any more."""
        self._release()
        self._inner.abort()

    def pause_reading(self) -> None:
        """Hold what is due, and let the peer feel it."""
        self._is_paused = True
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Deliver what has become due, and go on."""
        self._is_paused = False
        self._inner.resume_reading()
        self._arm()

    # -- the wrapped connection's side

    def frame(self, data: bytes) -> None:
        """Deliver what the plan leaves of a frame, in its turn."""
        if self._is_cut or self._is_released or self._is_lost:
            return
        now = self._loop.time()
        match self._plan(now):
            case Cut(code, reason):
                self._is_cut = True
                error = ConnectionLostError("cut (injected)", code=code, reason=reason)
                self._put(error, now)
                self._inner.abort()
            case Stall(seconds):
                self._put(data, max(now, self._last_due) + seconds)
            case Delay(seconds):
                self._put(data, now + seconds)
            case Lose():
                pass
            case Repeat():
                self._put(data, now)
                self._put(data, now)
            case Garble():
                self._put(_garbled(data), now)
            case _:
                self._put(data, now)

    def lost(self, error: TransportError) -> None:
        """Pass on the end, in its turn; at once if the owner has let go."""
        self._inner_error = error
        if self._is_released:
            self._lose(error)
        elif not self._is_cut:
            self._put(error, self._loop.time())

    # -- the FIFO

    def _put(self, item: bytes | TransportError, due: float) -> None:
        self._last_due = max(due, self._last_due)
        self._queue.append((self._last_due, item))
        if len(self._queue) == 1:
            self._deliver()

    def _deliver(self) -> None:
        while self._queue and not self._is_paused and not self._is_lost:
            due, item = self._queue[0]
            if due > self._loop.time():
                break
            # Removed afterwards: what comes meanwhile must queue behind it.
            if isinstance(item, TransportError):
                self._lose(item)
            else:
                self._hand_over(item)
            if self._queue:
                self._queue.popleft()
        self._arm()

    def _hand_over(self, frame: bytes) -> None:
        try:
            self._receiver.frame(frame)
        except Exception as error:  # noqa: BLE001 -- told to the owner
            failure = ConnectionLostError(f"receiver failed: {error!r}")
            failure.__cause__ = error
            self.abort()
            self._lose(failure)

    def _arm(self) -> None:
        self._disarm()
        if self._queue and not self._is_paused and not self._is_lost:
            self._timer = self._loop.call_at(self._queue[0][0], self._deliver)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self) -> None:
        if self._is_released:
            return
        self._is_released = True
        self._queue.clear()
        self._disarm()
        if self._inner_error is not None:
            # It was waiting in the queue for its turn.
            self._loop.call_soon(self._lose, self._inner_error)

    def _lose(self, error: TransportError) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        self._disarm()
        self._queue.clear()
        self._receiver.lost(error)


def _garbled(data: bytes) -> bytes:
    text = data.decode()
    middle = len(text) // 2
    # A NUL is text, and JSON nowhere.
    return f"{text[:middle]}\0{text[middle + 1 :]}".encode()
