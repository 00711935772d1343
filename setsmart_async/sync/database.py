"""Opening a database, and one transaction after the other in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.faults import explained
from setsmart_async.sync.lock import SyncLock
from setsmart_async.sync.tables import metadata, properties, state


class Database:
    """An open database that no other sync writes to. To be used in the thread that opened it."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet. Raises `ConfigurationError` for a URL that this version can not write to."""
        self._url = _file_url(url)
        self.place: str = str(self._url.database)
        """The database's path, for people."""
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._lock: SyncLock | None = None

    def open(self) -> None:
        """Open it, keep other syncs out, and make the tables where they are missing.

        Raises `StoreError`, and `ConfigurationError` for a database of something else.
        """
        self._engine = create_engine(self._url, hide_parameters=True)
        event.listen(self._engine, "begin", _begin)
        with explained(self.place):
            self._connection = self._engine.connect()
            driver = self._driver_connection()
            self.place = driver.execute("PRAGMA database_list").fetchone()[2]
        self._lock = SyncLock(self.place).acquire()
        with explained(self.place):
            # Outside of any transaction, where alone they take effect. FULL: a commit has reached the disk, so that
            # a checkpoint holds after a power cut too. Where WAL can not be had, SQLite's own journal serves.
            driver.execute("PRAGMA journal_mode = WAL").close()
            driver.execute("PRAGMA synchronous = FULL").close()
        with self.transaction() as connection:
            tables = set(inspect(connection).get_table_names())
            if properties.name in tables and state.name not in tables:
                raise ConfigurationError(
                    f"The database {self.place} has a table {properties.name!r} of something else: choose another one."
                )
            if not {properties.name, state.name} <= tables:
                metadata.create_all(connection)

    @contextmanager
    def transaction(self) -> Generator[Connection, None, None]:
        """One transaction: committed at the end of the block, undone when the block or the database fails.

        Raises `StoreError` for whatever the database raises.
        """
        assert self._connection is not None  # noqa: S101 - open comes first
        with explained(self.place), self._connection.begin():
            yield self._connection

    def close(self) -> None:
        """Close it and let other syncs in. May be called twice, and before `open`."""
        connection, self._connection = self._connection, None
        engine, self._engine = self._engine, None
        lock, self._lock = self._lock, None
        try:
            with explained(self.place):
                if connection is not None:
                    connection.close()
                if engine is not None:
                    engine.dispose()
        finally:
            if lock is not None:
                lock.release()

    def _driver_connection(self) -> sqlite3.Connection:
        assert self._connection is not None  # noqa: S101 - open comes first
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - _file_url lets no other driver through
        return driver


def _file_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigurationError(
            "The database is named by a URL such as sqlite:///setsmart.db or sqlite:////var/lib/setsmart.db."
        ) from None
    if url.get_backend_name() != "sqlite" or url.get_driver_name() != "pysqlite":
        raise ConfigurationError(
            f"This version syncs into SQLite only, not {url.drivername}: use a URL such as sqlite:///setsmart.db."
        )
    path = (url.database or "").removeprefix("file:")
    if path in ("", ":memory:") or url.query.get("mode") == "memory":
        raise ConfigurationError(
            "A database in memory would be gone after the sync: name a file, sqlite:///setsmart.db."
        )
    if not Path(path).parent.is_dir():
        raise ConfigurationError(f"The directory of the database {path} does not exist: create it first.")
    return url


def _begin(connection: Connection) -> None:
    # Before the driver begins one of its own, which it does late; and with the lock, which could fail half-way.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
