"""A file that a sandbox outlives its process in: SQLite, read once and written through.

The sandbox answers from memory. Each change is in the file before its answer goes out, all of one request's or none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from setsmart_async.errors import ConfigurationError
from setsmart_async.wire import Json, decode_json, encode_json

_APPLICATION_ID: Final = 0x53655373  # "SeSs": tells a sandbox's file from any other database
_FORM: Final = 1
_TABLE: Final = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    shelf TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    UNIQUE (shelf, key)
)
"""
_PUT: Final = """
INSERT INTO entries (shelf, key, value) VALUES (?, ?, ?)
ON CONFLICT (shelf, key) DO UPDATE SET value = excluded.value
"""


class SandboxDatabase:
    """One sandbox's file. Nobody else may have it open. Not thread-safe."""

    def __init__(self, path: str | Path) -> None:
        """Open the file, or make it. Raises `ConfigurationError` for one that is in use, or is no sandbox's."""
        self._path = Path(path)
        self._depth = 0
        try:
            # The sandbox may be served from another thread than the one that made it.
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=0.0, check_same_thread=False)
        except sqlite3.Error as fault:
            raise self._cannot_use(fault) from None
        try:
            self._prepare()
        except sqlite3.Error as fault:
            self._connection.close()
            raise self._cannot_use(fault) from None
        except ConfigurationError:
            self._connection.close()
            raise

    def shelf(self, name: str) -> Shelf:
        """A part of the file."""
        return Shelf(self, self._connection, name)

    @contextmanager
    def transaction(self) -> Generator[None, None, None]:
        """What is written in the block is written as one, or not at all. Blocks may stand in each other."""
        if self._depth == 0:
            self._connection.execute("BEGIN")
        self._depth += 1
        try:
            yield
        except BaseException:  # whatever ended it, a cancellation too, the file is as it was
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        # Takes the lock, which is then kept: two sandboxes would each answer from a memory of their own.
        execute("BEGIN EXCLUSIVE")
        (application,) = execute("PRAGMA application_id").fetchone()
        (form,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION_ID and (application or form or tables):
            raise ConfigurationError(f"{self._path} is no sandbox's file: choose another name, or a new file.")
        if application == _APPLICATION_ID and form != _FORM:
            raise ConfigurationError(f"{self._path} was written by another version of the sandbox: choose a new file.")
        if application != _APPLICATION_ID:
            execute(_TABLE)
            execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            execute(f"PRAGMA user_version = {_FORM}")
        execute("COMMIT")
        execute("PRAGMA journal_mode = WAL")
        # What is lost with the machine's power may be lost; what is lost with the process may not.
        execute("PRAGMA synchronous = NORMAL")

    def _cannot_use(self, fault: sqlite3.Error) -> ConfigurationError:
        if "locked" in str(fault):
            return ConfigurationError(f"{self._path} is in use by another sandbox: end that one, or choose a new file.")
        return ConfigurationError(f"The sandbox can not use the file {self._path} ({fault}).")


class Shelf:
    """JSON by key, in the order in which the keys came."""

    def __init__(self, database: SandboxDatabase, connection: sqlite3.Connection, name: str) -> None:
        self._database = database
        self._connection = connection
        self._name = name

    def entries(self) -> Iterator[tuple[str, Json]]:
        """All that there is."""
        found = self._connection.execute(
            "SELECT key, value FROM entries WHERE shelf = ? ORDER BY number", (self._name,)
        )
        return ((key, decode_json(value)) for key, value in found)

    def write(self, entries: Iterable[tuple[str, Json]]) -> None:
        """Put values at keys: all of them, or none."""
        rows = ((self._name, key, encode_json(value)) for key, value in entries)
        with self._database.transaction():
            self._connection.executemany(_PUT, rows)

    def delete(self, key: str) -> None:
        """Remove what stands at a key."""
        self._connection.execute("DELETE FROM entries WHERE shelf = ? AND key = ?", (self._name, key))
