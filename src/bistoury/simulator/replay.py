"""
A recording, played as if it were the venue.

Subscriptions are acknowledged as the venue would. Recorded frames go out at their
recorded pace, to the connections that subscribed to their channel and subject. The
tape starts with the first subscription.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec

from ..errors import ConfigError
from . import recording
from .conduct import Active, Conduct
from .faults import AnyFault, Cut, Refuse, What, concerns
from .ledger import Ledger
from .link import NEVER, Frame, Link
from .numbers import milliseconds
from .outputs import Abort, Close, Output, Refusal
from .publisher import frame as message
from .recording import Malformed, Recorded
from .settings import Settings
from .subscriptions import Subscription, Unreadable, parse

_CHANNELS = {"userEvents": {"user"}}
_CTX = {"activeAssetCtx", "activeSpotAssetCtx"}
_NAMED = 20
_PAUSE = 1000


class Replay:
    """Plays the recording at ``path``, ``speed`` times as fast as it was."""

    def __init__(
        self,
        path: str | Path,
        *,
        speed: float = 1.0,
        loop: bool = False,
        settings: Settings | None = None,
        on_malformed: Callable[[Malformed], None] | None = None,
    ) -> None:
        if not speed > 0:
            raise ConfigError("speed", speed, "a number above 0")
        self.settings = settings or Settings()
        self.conduct = Conduct()
        self.ledger = Ledger(0)
        self.counters: dict[str, int] = dict.fromkeys(
            ("connected", "received", "sent", "played", "malformed"), 0
        )
        # The first lines that could not be read; the counter has all.
        self.malformed: list[Malformed] = []
        self._path = Path(path)
        self._speed = speed
        self._loop = loop
        self._on_malformed = on_malformed
        self._held: dict[int, dict[str, Subscription]] = {}
        self._links: dict[int, Link] = {}
        self._numbers = 0
        self._now = 0
        self._origin: int | None = None
        self._base = 0
        self._heard = False
        self._tape: Iterator[Recorded | Malformed] = recording.read(self._path)
        self._next: Recorded | None = self._draw()
        if self._next is None:
            raise ConfigError("replay", str(path), "a recording with a frame in it")
        self._base = self._next.time_ns

    @property
    def finished(self) -> bool:
        """Whether the tape has run out."""
        return self._next is None

    @property
    def next_at(self) -> float:
        """When the next frame leaves."""
        due = min(self._due(), self.conduct.next_at)
        for link in self._links.values():
            due = min(due, link.next_at)
        return due / 1000

    def connect(self, now: float, address: str = "127.0.0.1") -> int | Refusal:
        """Open a connection."""
        self.advance(now)
        fault = self.conduct.first(Refuse)
        if fault is not None:
            body = fault.body if fault.how == "http" else fault.how
            status = fault.status if fault.how == "http" else 0
            return Refusal(status, {}, body)
        self._numbers += 1
        self.counters["connected"] += 1
        number = self._numbers
        self._held[number] = {}
        self._links[number] = Link(number, Random(f"replay:{number}"), self._now)
        return number

    def receive(self, connection_id: int, frame: bytes, now: float) -> None:
        """Answer a client's frame."""
        self.advance(now)
        if connection_id not in self._held or not self.conduct.hears(connection_id):
            return
        self.counters["received"] += 1
        try:
            match msgspec.json.decode(frame):
                case {"method": "ping"}:
                    self._send(connection_id, Frame(b'{"channel":"pong"}', "pong"))
                case {"method": "subscribe" | "unsubscribe" as method, **rest}:
                    asked = parse(rest.get("subscription"))
                    self._change(connection_id, method, asked)
                case _:
                    raise Unreadable  # noqa: TRY301 - answered below
        except (Unreadable, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raw = frame.decode("utf-8", "replace")
            text = f"Error parsing JSON into valid websocket request: {raw}"
            self._send(connection_id, Frame(message("error", text), "error"))

    def disconnect(self, connection_id: int, now: float) -> None:
        """Hear that a client went away."""
        self.advance(now)
        self._held.pop(connection_id, None)
        self._links.pop(connection_id, None)

    def advance(self, now: float) -> None:
        """Play what is due by ``now``."""
        until = milliseconds(now)
        while (at := min(self._due(), self.conduct.next_at)) <= until:
            self._now = max(self._now, at)
            self._resume(self.conduct.ended(self._now))
            if self._due() <= self._now and self._next is not None:
                self._play(self._next)
                self._next = self._draw()
        self._now = max(self._now, until)

    def take_output(self) -> list[Output]:
        """Return what is to be done to the connections."""
        outputs: list[Output] = []
        for number, link in list(self._links.items()):
            outputs += link.take(self._now)
            if link.ended and not link.waiting:
                del self._links[number]
        return outputs

    def info(
        self, body: object, now: float, address: str = "127.0.0.1"
    ) -> tuple[int, object]:
        """Answer a REST request: a recording of frames has nothing to say."""
        self.advance(now)
        return 503, None

    def subscriptions(self) -> dict[int, set[str]]:
        """Return what each open connection holds."""
        return {number: set(held) for number, held in self._held.items()}

    def inject(self, fault: AnyFault, now: float, lasts: float | None = None) -> int:
        """Switch a fault on."""
        self.advance(now)
        item = self.conduct.add(fault, self._now, lasts)
        if isinstance(fault, Cut):
            self.conduct.forget(item)
            for number in [n for n in self._held if concerns(fault, n)]:
                del self._held[number]
                output: Close | Abort = (
                    Close(number, fault.code, fault.reason)
                    if fault.how == "close"
                    else Abort(number, fault.how)
                )
                self._links[number].end(output, self._now, self.conduct.on_links)
        return item.number

    def heal(self, now: float, number: int | None = None) -> None:
        """Switch one fault off, or all."""
        self.advance(now)
        self._resume(self.conduct.heal(number))

    def is_mute(self, connection_id: int, what: What = "pong") -> bool:
        """Tell whether a silence keeps control frames from this client."""
        return not self.conduct.speaks(connection_id, what)

    def is_deaf(self, connection_id: int) -> bool:
        """Tell whether a silence keeps this client's frames from arriving."""
        return not self.conduct.hears(connection_id)

    def _change(self, number: int, method: str, asked: Subscription) -> None:
        held = self._held[number]
        if (method == "subscribe") == (asked.text in held):
            text = f"Already {method}d: {asked.text}"
            self._send(number, Frame(message("error", text), "error", asked.type))
            return
        if method == "subscribe":
            held[asked.text] = asked
            if self._origin is None:
                self._origin = self._now
        else:
            del held[asked.text]
        data = {"method": method, "subscription": msgspec.Raw(asked.text.encode())}
        ack = message("subscriptionResponse", data)
        self._send(number, Frame(ack, "ack", asked.type, asked.coin, method))

    def _due(self) -> int:
        if self._next is None or self._origin is None:
            return NEVER
        return self._origin + int((self._next.time_ns - self._base) / 1e6 / self._speed)

    def _play(self, recorded: Recorded) -> None:
        self.counters["played"] += 1
        for number, held in list(self._held.items()):
            for subscription in held.values():
                if _belongs(recorded, subscription):
                    kind, coin = subscription.type, subscription.coin
                    self._send(number, Frame(recorded.data, "data", kind, coin))
                    break

    def _draw(self) -> Recorded | None:
        while True:
            item = next(self._tape, None)
            if isinstance(item, Recorded):
                self._heard = True
                return item
            if item is not None:
                self._note(item)
            elif self._loop and self._heard:
                self._heard = False
                self._tape = recording.read(self._path)
                # A pause, so that a tape of one moment does not spin.
                self._origin = self._now + _PAUSE
            else:
                return None

    def _note(self, item: Malformed) -> None:
        self.counters["malformed"] += 1
        if len(self.malformed) < _NAMED:
            self.malformed.append(item)
        if self._on_malformed is not None:
            self._on_malformed(item)

    def _resume(self, ended: list[Active]) -> None:
        if ended:
            for link in self._links.values():
                link.resume(self._now)

    def _send(self, number: int, frame: Frame) -> None:
        self.counters["sent"] += 1
        self._links[number].push(frame, self._now, self.conduct.on_links)


def _belongs(recorded: Recorded, subscription: Subscription) -> bool:
    kind = subscription.type
    channels = _CTX if kind == "activeAssetCtx" else _CHANNELS.get(kind, {kind})
    if recorded.channel not in channels:
        return False
    wanted = {
        str(value).lower() if name != "interval" else str(value)
        for name, value in subscription.fields
        if name in {"coin", "user", "dex", "interval"} and value
    }
    # A word the frame does not carry (the user of orderUpdates) cannot be compared.
    subject = recorded.subject
    return not subject or subject <= wanted
