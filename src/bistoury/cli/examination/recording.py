"""Raw frames as they came, for later: ``<receive_ns> <json>`` lines."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import IO, Self

from ...errors import ConfigError, TransportError
from ...transport.base import Connection, Receiver, Transport


class Recording:
    """A file of frames; ``.gz`` is compressed. Never overwrites one."""

    def __init__(self, path: Path) -> None:
        self.frames = 0
        try:
            # Opened here, closed by ``close``: a recording outlives this call.
            plain: IO[bytes] = path.open("xb")
        except OSError as error:
            allowed = f"a new file ({error.strerror})"
            raise ConfigError("--record", str(path), allowed) from None
        self._plain = plain
        self._file: IO[bytes] | gzip.GzipFile = plain
        if path.suffix == ".gz":
            self._file = gzip.GzipFile(fileobj=plain, mode="wb")

    def write(self, frame: bytes) -> None:
        """Write a frame with the moment it came."""
        self.frames += 1
        # A line break inside JSON is only layout.
        line = frame.replace(b"\r", b" ").replace(b"\n", b" ")
        self._file.write(b"%d %s\n" % (time.time_ns(), line))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._plain.close()


class RecordingTransport:
    """A transport that keeps what comes through it."""

    def __init__(self, inner: Transport, recording: Recording) -> None:
        self._inner = inner
        self._recording = recording

    async def connect(self, url: str, receiver: Receiver) -> Connection:
        """Open a connection; everything it carries is kept."""
        return await self._inner.connect(url, _Ear(receiver, self._recording))


class _Ear:
    def __init__(self, receiver: Receiver, recording: Recording) -> None:
        self._receiver = receiver
        self._recording = recording

    def frame(self, data: bytes) -> None:
        self._recording.write(data)
        self._receiver.frame(data)

    def lost(self, error: TransportError) -> None:
        self._receiver.lost(error)
