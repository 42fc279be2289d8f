"""
Where a journal goes: a file that cannot grow without bound, nor tell of anyone.

Written in pieces and closed in between, readable by its owner only. Addresses are
replaced by others of the same shape: the same one by the same one, in every place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from errno import EINVAL
from hashlib import blake2b
from pathlib import Path

_ADDRESS = re.compile(rb"0x[0-9a-fA-F]{40}(?![0-9a-fA-F])")
_PIECE = 64 * 1024
_MODE = 0o600
_MOST_ADDRESSES = 10_000


class Pseudonyms:
    """Replaces addresses; nobody can tell which one stands for which."""

    def __init__(self) -> None:
        self._salt = os.urandom(16)
        self._known: dict[bytes, bytes] = {}

    def hide(self, text: bytes) -> bytes:
        """Return ``text`` with every address replaced."""
        return _ADDRESS.sub(self._replace, text) if b"0x" in text else text

    def _replace(self, found: re.Match[bytes]) -> bytes:
        address = found[0].lower()
        pseudonym = self._known.get(address)
        if pseudonym is None:
            digest = blake2b(address, key=self._salt, digest_size=20).hexdigest()
            pseudonym = f"0x{digest}".encode()
            if len(self._known) < _MOST_ADDRESSES:
                self._known[address] = pseudonym
        return pseudonym


class JournalFile:
    """A file and the one before it: together at most ``max_bytes``."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_bytes: int,
        head: Callable[[int], bytes],
        failed: Callable[[OSError], None],
    ) -> None:
        self.path = Path(path)
        self.is_broken = False
        """Whether the disk said no; nothing is written after that."""
        self._most = max_bytes // 2
        self._head = head
        self._failed = failed
        self._pseudonyms = Pseudonyms()
        self._buffer = bytearray()
        self._size: int | None = None
        self._part = 0

    def write(self, record: bytes) -> None:
        """Take one line; it is on the disk after ``flush``, or soon."""
        if self.is_broken:
            return
        self._buffer += self._pseudonyms.hide(record)
        self._buffer += b"\n"
        if len(self._buffer) >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Put all that was taken on the disk."""
        if self.is_broken or not self._buffer:
            return
        piece = bytes(self._buffer)
        self._buffer.clear()
        try:
            self._append(piece)
        except OSError as error:
            self.is_broken = True
            self._failed(error)

    def _found(self) -> int:
        """Return how much is there already."""
        if not self.path.exists():
            return 0
        if not self.path.is_file():
            raise OSError(EINVAL, "not a regular file", str(self.path))
        return self.path.stat().st_size

    def _append(self, piece: bytes) -> None:
        if self._size is None:
            self._size = self._found()
        is_full = self._size > 0 and self._size + len(piece) > self._most
        if is_full:
            self.path.replace(f"{self.path}.1")
            self._size = 0
        if is_full or not self._part:
            self._part += 1
            piece = self._head(self._part) + b"\n" + piece
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self.path, flags, _MODE)
        try:
            if not self._size:
                os.fchmod(descriptor, _MODE)
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        self._size += len(piece)
