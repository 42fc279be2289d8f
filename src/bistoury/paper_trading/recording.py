"""
Everything that a paper venue took, on the disk; and the same again.

Lines of ``<19 digits of ns> <json>``: the moment by the venue's clock and the message.
What the venue published stands there in its own shape, so tools for raw captures can
read it; what else happened is on channels of our own, which they ignore. A replay of
such a file gives the same facts, byte for byte: replaying is the back-test.
"""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal, cast

import msgspec

from ..errors import BistouryError, ConfigError
from . import settings
from .accounts import Accounts
from .events import Anything, Event
from .restarting import unlisted_in
from .settings import PaperConfig
from .universe import Universe
from .venue import ACT, Message, PaperVenue

logger = logging.getLogger(__name__)

BEGIN, END = "paper:begin", "paper:end"
VERSION = 1
_NS = 1_000_000
_DIGITS = 19

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_before = msgspec.json.Decoder(list[Anything])


class RecordingError(BistouryError):
    """A recording cannot be read."""

    def __init__(self, path: str, line: int, detail: str) -> None:
        super().__init__(path, line, detail)
        self.path = path
        self.line = line
        self.detail = detail

    def __str__(self) -> str:
        return f"paper recording {self.path}, line {self.line}: {self.detail}"


class Recorder:
    """
    Writes down what a venue takes, until the disk will not have it.

    A file that has something in it is never written over.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        metas: list[dict[str, Any]],
        config: PaperConfig,
        before: Iterable[Event],
        at: int,
    ) -> None:
        self._path = str(path)
        self._file: IO[bytes] | None = None
        try:
            settings.check_place("recording", path)
            self._file = _opened(self._path, "wb")
        except (ConfigError, OSError) as error:
            self._failed(error)
        begin = {
            "v": VERSION,
            "metas": metas,
            "config": config.assumptions(),
            "before": list(before),
        }
        self.take(at, {"channel": BEGIN, "data": begin})

    def take(self, at: int, message: Message) -> None:
        """Write a message down."""
        self._write(b"%019d %b\n" % (at * _NS, _encode(message)))

    def close(self, at: int) -> None:
        """End the recording at the moment ``at`` (ms)."""
        self.take(at, {"channel": END, "data": {}})
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._failed(error)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Go on without it: the trading is worth more than its recording."""
        logger.error("paper recording %s ends here: %s", self._path, error)
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()


def messages(path: str | os.PathLike[str]) -> Iterator[tuple[int, Message]]:
    """
    Yield the moments (ms) and messages of a recording.

    A last line that was cut off ends it: the writer was killed there.

    Raises:
        RecordingError: a line in the middle cannot be read.
    """
    name = str(path)
    with _opened(name, "rb") as lines:
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return
                yield _read(name, number, line)
        except EOFError:
            return  # the end of a gzip member is missing
        except (OSError, UnicodeError) as error:
            raise RecordingError(name, number, str(error)) from error


def _opened(name: str, mode: Literal["rb", "wb"]) -> IO[bytes]:
    if name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(name, mode))
    return Path(name).open(mode)


def _read(name: str, number: int, line: bytes) -> tuple[int, Message]:
    stamp, _, body = line.partition(b" ")
    try:
        if len(stamp) != _DIGITS:
            raise ValueError(f"{_DIGITS} digits of nanoseconds are needed")  # noqa: TRY301
        message = _decode(body)
        at = int(stamp) // _NS
    except ValueError as error:
        raise RecordingError(name, number, str(error)) from error
    if not isinstance(message, dict) or "channel" not in message:
        raise RecordingError(name, number, "no message: there is no channel")
    return at, message


class Replay:
    """A paper venue over a recording; a strategy may trade on it."""

    def __init__(
        self, universe: Universe, config: PaperConfig, accounts: Accounts | None = None
    ) -> None:
        self.venue = PaperVenue(universe, config, accounts)
        self.events: list[Event] = []
        self._number = 0
        self._is_started = False

    @property
    def now(self) -> int:
        """The venue's time, in ms."""
        return self.venue.desk.now

    def take(self, at: int, message: Message) -> list[Event]:
        """Take one message; return what came of it."""
        if not self._is_started:
            self._is_started = True
            self.venue.start(at)
        if message["channel"] == END:
            self.venue.stop(at)
        elif "data" in message and message["channel"] != BEGIN:
            self.venue.take(at, message)
        return self.drain()

    def act(
        self, action: dict[str, Any], account: str = "main", at: int | None = None
    ) -> int:
        """
        Ask for something now, or at a later moment (ms).

        Its answer is a ``Replied`` with the number that is returned.
        """
        self._number -= 1  # those of a recording count upwards
        data = {"number": self._number, "account": account, "action": action}
        moment = self.now if at is None else max(at, self.now)
        self.venue.take(moment, {"channel": ACT, "data": data})
        return self._number

    def drain(self) -> list[Event]:
        """Return the facts since the last time, and keep them."""
        fresh = self.venue.drain()
        self.events += fresh
        return fresh


Strategy = Callable[[Replay, int, Message], None]


def replay(
    path: str | os.PathLike[str],
    *,
    universe: Universe | None = None,
    config: PaperConfig | None = None,
    strategy: Strategy | None = None,
) -> Replay:
    """
    Play a recording again; return the venue and every fact.

    ``universe`` is needed for recordings of others, which do not begin with it.
    ``config`` replaces the assumptions that were recorded. ``strategy`` is called after
    each message and may ``act``; the orders in the recording are played too.

    Raises:
        RecordingError: it cannot be read.
    """
    made: Replay | None = None
    for at, message in messages(path):
        if made is None:
            made = begun(str(path), message, universe, config)
        made.take(at, message)
        if strategy is not None and message["channel"] != BEGIN:
            strategy(made, at, message)
            made.drain()
    if made is None:
        raise RecordingError(str(path), 1, "it is empty")
    return made


def begun(
    path: str,
    first: Message,
    universe: Universe | None,
    config: PaperConfig | None,
    *,
    is_fresh: bool = False,
) -> Replay:
    """
    Return the venue that a recording with this ``first`` line is played on.

    ``is_fresh``: without the accounts that it began with.
    """
    if first["channel"] != BEGIN:
        if universe is None:
            raise RecordingError(path, 1, "no paper:begin, and no universe is given")
        return Replay(universe, config or PaperConfig())
    data = first["data"]
    if data.get("v") != VERSION:
        raise RecordingError(path, 1, f"version {data.get('v')}; this reads {VERSION}")
    whole = universe or universe_of(data["metas"])
    recorded = msgspec.convert(data["config"], PaperConfig)
    before = [] if is_fresh else _before.decode(_encode(data["before"]))
    places = {name: it.px_decimals for name, it in whole.by_coin.items()}
    accounts = Accounts.folded(before, places)
    wrong = unlisted_in(whole, accounts, path)
    if wrong is not None:
        raise RecordingError(path, 1, wrong.detail)
    return Replay(whole, config or recorded, accounts)


def universe_of(metas: list[dict[str, Any]]) -> Universe:
    """Return the universe of several dexes: ``{"meta", "dex_index", "fee_scale"}``."""
    whole = Universe([])
    for it in metas:
        whole = whole.merged(
            Universe.from_meta(
                it["meta"],
                dex_index=it.get("dex_index", 0),
                fee_scale=it.get("fee_scale", "1"),
            )
        )
    return whole
