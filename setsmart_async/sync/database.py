"""Opening a database, and one transaction after the other in it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.schema import Table

from setsmart_async.errors import ConfigurationError
from setsmart_async.sync.faults import explained
from setsmart_async.sync.layout import make_ready
from setsmart_async.sync.no_server import NoServer
from setsmart_async.sync.postgresql import PostgresqlServer
from setsmart_async.sync.sqlite import SqliteServer
from setsmart_async.sync.tables import SyncedResource


class Database:
    """An open database. To be used in the thread that opened it."""

    def __init__(self, url: str | None) -> None:
        """Nothing is opened yet; None: there is none, and nothing to read in it.

        Raises `ConfigurationError` for a URL that this version can not write to.
        """
        self._server = NoServer() if url is None else _server(url)
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    @property
    def place(self) -> str:
        """The database's path, or its name and server: for people."""
        return self._server.place

    def open(self, resources: Sequence[SyncedResource], *, alone: bool = True) -> None:
        """Open it, make these tables where they are missing, and bring an older layout up to date.

        `alone` keeps other syncs out. Raises `StoreError`, and `ConfigurationError` for a database of something else.
        """
        self._engine = self._server.engine()
        with explained(self.place):
            self._connection = self._engine.connect()
        self._server.prepare(self._connection, alone=alone)
        with self.transaction() as connection:
            make_ready(connection, resources, place=self.place)

    def open_to_read(self) -> bool:
        """Open it without changing anything; False: there is none, and an empty one in memory stands for it."""
        exists = self._server.exists()
        self._engine = (self._server if exists else NoServer()).engine()
        with explained(self.place):
            self._connection = self._engine.connect().execution_options(setsmart_reader=True)
            if exists:
                self._server.protect(self._connection)
        return exists

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert that can become an update."""
        return self._server.insert(table)

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
        try:
            with explained(self.place):
                if connection is not None:
                    connection.close()
                if engine is not None:
                    engine.dispose()
        finally:
            self._server.release()


def _server(text: str) -> SqliteServer | PostgresqlServer:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # of a port that is no number, and perhaps the half of a password
        raise ConfigurationError(
            "The database is named by a URL such as sqlite:///setsmart.db or postgresql+psycopg://host/database."
        ) from None
    if "@" in (url.host or ""):
        raise ConfigurationError("The database's URL has a password with an @ in it: write %40, or use PGPASSWORD.")
    if url.get_backend_name() == "postgresql":
        return PostgresqlServer(url)
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return SqliteServer(url)
    raise ConfigurationError(
        f"A sync goes into SQLite or PostgreSQL, not {url.drivername}: use a URL such as sqlite:///setsmart.db."
    )
