"""What is SQLite's own: files, pragmas, one writer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.faults import explained
from setsmart_async.sync.lock import SyncLock


class SqliteServer:
    """One database file."""

    def __init__(self, url: URL) -> None:
        """Raises `ConfigurationError` for what is no file."""
        path = (url.database or "").removeprefix("file:")
        if path in ("", ":memory:") or url.query.get("mode") == "memory":
            raise ConfigurationError(
                "A database in memory would be gone after the sync: name a file, sqlite:///setsmart.db."
            )
        if not Path(path).parent.is_dir():
            raise ConfigurationError(f"The directory of the database {path} does not exist: create it first.")
        self._url = url
        self._path = path
        self._lock: SyncLock | None = None
        self.place: str = str(url.database)
        """The database's path, for people."""

    def engine(self) -> Engine:
        """Connections to it, each transaction with the write lock from its first instant."""
        engine = create_engine(self._url, hide_parameters=True)
        event.listen(engine, "begin", _begin)
        return engine

    def exists(self) -> bool:
        """Whether there is something to read."""
        return Path(self._path).exists()

    def prepare(self, connection: Connection, *, alone: bool) -> None:
        """Make ready to write; `alone`: and keep other syncs out, or raise `StoreError`."""
        with explained(self.place):
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - Database lets no other driver through
            self.place = driver.execute("PRAGMA database_list").fetchone()[2]
        if alone:
            self._lock = SyncLock(self.place).acquire()
        with explained(self.place):
            # Outside of any transaction, where alone they take effect. FULL: a commit has reached the disk, so that
            # a checkpoint holds after a power cut too. Where WAL can not be had, SQLite's own journal serves.
            driver.execute("PRAGMA journal_mode = WAL").close()
            driver.execute("PRAGMA synchronous = FULL").close()

    def protect(self, connection: Connection) -> None:
        """Make ready to read, and not to write."""
        connection.exec_driver_sql("PRAGMA query_only = ON").close()
        connection.rollback()

    def release(self) -> None:
        """Let other syncs in."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def insert(self, table: Table) -> sqlite.Insert:
        """An insert that can become an update."""
        return sqlite.insert(table)


def _begin(connection: Connection) -> None:
    # Before the driver begins one of its own, which it does late; and with the lock, which could fail half-way.
    is_reader = connection.get_execution_options().get("setsmart_reader", False)
    connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")
