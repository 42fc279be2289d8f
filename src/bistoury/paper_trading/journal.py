"""
The facts, on the disk: append-only, each written once, in order.

SQLite in WAL mode, from the standard library. A batch is one transaction, so what
came of one message is there as a whole or not at all, whatever happens to the
process; ``synchronous=FULL`` makes that hold for the machine too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from ..errors import BistouryError, ConfigError
from .events import Event, decode, encode

VERSION = 1
_MODE = 0o600
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


class JournalError(BistouryError):
    """The journal could not be read or written; nothing that is not in it counts."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"paper journal {self.path}: {self.detail}"


class PaperJournal:
    """One file of facts; one writer at a time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = str(path)
        if not Path(self.path).parent.is_dir():
            raise ConfigError("journal", self.path, "a file in a folder that exists")
        self._lock = _locked(self.path)
        try:
            self._db = _opened(self.path)
            self._sign()
        except (sqlite3.Error, OSError) as error:
            self._unlock()
            raise JournalError(self.path, str(error)) from error
        except JournalError:
            self.close()
            raise

    def append(self, events: Iterable[Event]) -> None:
        """
        Write facts, all of them or none.

        Raises:
            JournalError: they are not written, or one of them was before.
        """
        rows = [
            (it.seq, it.at, it.account, type(it).__name__, encode(it)) for it in events
        ]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise JournalError(self.path, str(error)) from error

    def events(self) -> Iterator[Event]:
        """
        Return every fact, oldest first.

        Raises:
            JournalError: the file is damaged.
        """
        return _facts(self._db, self.path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def _sign(self) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO about VALUES ('version', ?)", (str(VERSION),)
        )
        _check_version(self._db, self.path)


def _check_version(database: sqlite3.Connection, path: str) -> None:
    (found,) = database.execute(
        "SELECT value FROM about WHERE name = 'version'"
    ).fetchone()
    if found != str(VERSION):
        raise JournalError(path, f"written in version {found}; this reads {VERSION}")


def _facts(database: sqlite3.Connection, path: str) -> Iterator[Event]:
    """Yield every fact, oldest first; each of them has to be there."""
    try:
        rows = database.execute("SELECT seq, body FROM events ORDER BY seq")
        for number, (seq, body) in enumerate(rows, 1):
            if seq != number:
                raise JournalError(path, f"fact {number} is missing")
            yield decode(body)
    except (sqlite3.Error, ValueError) as error:
        raise JournalError(path, str(error)) from error


def _opened(path: str) -> sqlite3.Connection:
    # First, so that what SQLite puts beside it may be read by nobody else either.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, _MODE))
    # One connection, used by one thread at a time: the writer's.
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        database.execute("PRAGMA busy_timeout = 2000")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _locked(path: str) -> IO[bytes] | None:
    """
    Take the right to write; readers need none.

    A second engine on the same file would make another history. The kernel gives the
    right back when the process ends, however it does.
    """
    try:
        import fcntl  # noqa: PLC0415 -- not on every system
    except ImportError:
        return None
    try:
        # By its own name, whatever links lead to it.
        beside = f"{Path(path).resolve()}.lock"
        descriptor = os.open(beside, os.O_CREAT | os.O_RDWR, _MODE)
    except OSError as error:
        raise JournalError(path, str(error)) from error
    lock = os.fdopen(descriptor, "r+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise JournalError(path, "locked: another engine writes it") from None
    return lock


def read(path: str | os.PathLike[str]) -> list[Event]:
    """
    Return the facts of a journal that may be in use; nothing is changed.

    Raises:
        JournalError: it is missing or damaged.
    """
    if not Path(path).is_file():
        raise JournalError(str(path), "there is no such file")
    where = f"{Path(path).resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(where, uri=True)) as database:
            _check_version(database, str(path))
            return list(_facts(database, str(path)))
    except sqlite3.Error as error:
        raise JournalError(str(path), str(error)) from error
