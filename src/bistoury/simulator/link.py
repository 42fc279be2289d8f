"""
What becomes of frames on their way out of one connection.

A pure pipe: it loses, repeats, spoils, holds and delays as the active faults say,
and keeps the order, so what is delayed delays what follows. The same pipe serves
an imaginary wire in virtual time and the real server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from .conduct import Active
from .faults import (
    EVERYTHING,
    Delay,
    Drip,
    DropAcks,
    Garble,
    Lag,
    Lose,
    Repeat,
    Silent,
    Spoiling,
    Stuck,
    What,
    concerns,
)
from .outputs import Abort, Close, Output, Send

NEVER = 1 << 62


class Frame(NamedTuple):
    """A frame and what it is, for the faults that pick."""

    data: bytes
    what: What
    type: str = ""
    coin: str = ""
    method: str = ""


class _Passage:
    """One frame's way through the active faults."""

    __slots__ = ("at", "binary", "copies", "data", "rate")

    def __init__(self, data: bytes, now: int) -> None:
        self.data = data
        self.at = float(now)
        self.copies = 1
        self.binary = False
        self.rate: float | None = None


class Link:
    """The way out of connection ``number``, opened at ``opened`` (ms)."""

    def __init__(self, number: int, rng: Random, opened: int) -> None:
        self.number = number
        self.opened = opened
        self.ended = False
        self._rng = rng
        self._queue: deque[tuple[int, Output]] = deque()
        self._last_at = 0
        self._held: list[Output] = []
        self._buried = False
        self._latest: dict[tuple[str, str], bytes] = {}
        self._counts: dict[int, int] = {}

    @property
    def next_at(self) -> int:
        """When (ms) the next frame leaves."""
        return self._queue[0][0] if self._queue else NEVER

    @property
    def waiting(self) -> bool:
        """Whether something is still on its way, or held back."""
        return bool(self._queue or self._held or self._buried)

    def push(self, frame: Frame, now: int, active: Iterable[Active]) -> None:
        """Put a frame on its way."""
        passage = _Passage(frame.data, now)
        for fault in active:
            if not self._passes(frame, passage, fault):
                return
        self._enqueue(int(passage.at), passage)

    def end(self, output: Close | Abort, now: int, active: Iterable[Active]) -> None:
        """End the connection, behind what is under way unless it is a reset."""
        self.ended = True
        for item in active:
            fault = item.fault
            if (
                isinstance(fault, Silent)
                and concerns(fault, self.number)
                and fault.direction != "in"
                and fault.type is None
                and fault.coin is None
                and set(fault.what) == set(EVERYTHING)
            ):
                self._buried = True
                return
        if isinstance(output, Abort) and output.how == "rst":
            self._queue.clear()
        self._last_at = max(self._last_at, now)
        self._queue.append((self._last_at, output))

    def resume(self, now: int) -> None:
        """Hear that a silence ended."""
        held, self._held = self._held, []
        self._last_at = max(self._last_at, now)
        for output in held:
            self._queue.append((self._last_at, output))
        if self._buried:
            self._buried = False
            self._queue.append((self._last_at, Abort(self.number, "rst")))

    def take(self, now: int) -> list[Output]:
        """Return what leaves by ``now``."""
        queue = self._queue
        left: list[Output] = []
        while queue and queue[0][0] <= now:
            left.append(queue.popleft()[1])
        return left

    def _enqueue(self, at: int, passage: _Passage) -> None:
        self._last_at = max(self._last_at, at)
        send = Send(self.number, passage.data, passage.binary, passage.rate)
        for _ in range(passage.copies):
            self._queue.append((self._last_at, send))

    def _passes(self, frame: Frame, passage: _Passage, active: Active) -> bool:
        fault = active.fault
        if not concerns(fault, self.number):
            return True
        match fault:
            case DropAcks():
                return not self._drops_ack(frame, fault, active.number)
            case Lag(fraction=fraction):
                origin = max(active.since, self.opened)
                late = origin + (passage.at - origin) / max(fraction, 1e-6)
                passage.at = max(passage.at, late)
                return True
            case Silent() | Delay() | Drip() | Lose() | Repeat() | Stuck() | Garble():
                if (
                    frame.what not in fault.what
                    or fault.type not in {None, frame.type}
                    or fault.coin not in {None, frame.coin}
                ):
                    return True
                return self._shaped(frame, passage, fault)
            case _:
                return True

    def _shaped(
        self,
        frame: Frame,
        passage: _Passage,
        fault: Silent | Delay | Drip | Lose | Repeat | Stuck | Garble,
    ) -> bool:
        rng = self._rng
        match fault:
            case Silent(direction="in"):
                return True
            case Silent(hold=True):
                self._held.append(Send(self.number, passage.data))
                return False
            case Silent():
                return False
            case Delay(seconds=seconds, jitter=jitter):
                passage.at += 1000 * (seconds + jitter * rng.random())
            case Drip(bytes_per_second=rate):
                passage.rate = rate
            case Lose(probability=probability):
                return rng.random() >= probability
            case Repeat(probability=probability, times=times):
                if rng.random() < probability:
                    passage.copies += times
            case Stuck():
                feed = (frame.type, frame.coin)
                passage.data = self._latest.setdefault(feed, passage.data)
            case Garble(probability=probability, how=how):
                if how and rng.random() < probability:
                    self._spoil(passage, rng.choice(how))
        return True

    def _drops_ack(self, frame: Frame, fault: DropAcks, number: int) -> bool:
        if (
            frame.what != "ack"
            or fault.type not in {None, frame.type}
            or fault.method not in {None, frame.method}
        ):
            return False
        count = self._counts[number] = self._counts.get(number, 0) + 1
        return count % max(fault.every, 1) == 0

    def _spoil(self, passage: _Passage, how: Spoiling) -> None:
        data = passage.data
        match how:
            case "truncated":
                passage.data = data[: max(1, len(data) * 2 // 3)]
            case "utf8":
                passage.data = data[:-2] + b"\xff\xfe" + data[-2:]
            case "binary":
                passage.data = self._rng.randbytes(min(64, len(data)))
                passage.binary = True
            case "empty":
                passage.data = b"{}"
            case "channel":
                passage.data = b'{"channel":"somethingNew","data":{"a":1}}'
            case "text":
                passage.data = b"Websocket connection established."
            case "field":
                passage.data = data[:-1] + b',"addedLater":{"x":[1,null]}}'
            case "list":
                passage.data = b'{"channel":"trades","data":[]}'
